import { describe, expect, it } from 'vitest';
import { bedrockOperation, dynamodbOperation, managementOperation, sqsOperation } from './operations.ts';

const needsOf = ({ needs }: { needs: readonly { action: string; resource: string }[] }) =>
  needs.map(({ action, resource }) => `${action} ${resource}`);

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/T';

describe('what a request takes', () => {
  it.each([
    ['GetItem', { TableName: 'T' }, [`dynamodb:GetItem ${TABLE}`]],
    ['GetItem', { TableName: TABLE }, [`dynamodb:GetItem ${TABLE}`]],
    ['Query', { TableName: 'T', IndexName: 'I' }, [`dynamodb:Query ${TABLE}/index/I`]],
    ['ListTables', {}, ['dynamodb:ListTables *']],
    ['GetItem', { TableName: TABLE, IndexName: 'I' }, [`dynamodb:GetItem ${TABLE}/index/I`]],
    ['BatchWriteItem', { RequestItems: { T: [] } }, [`dynamodb:BatchWriteItem ${TABLE}`]],
    [
      'BatchGetItem',
      { RequestItems: { T: {}, T2: {} } },
      [`dynamodb:BatchGetItem ${TABLE}`, `dynamodb:BatchGetItem ${TABLE}2`],
    ],
    ['BatchGetItem', {}, []],
    [
      'TransactGetItems',
      { TransactItems: [{ Get: { TableName: 'T' } }, { Get: { TableName: 'T2' } }] },
      [`dynamodb:GetItem ${TABLE}`, `dynamodb:GetItem ${TABLE}2`],
    ],
    [
      'TransactWriteItems',
      {
        TransactItems: ['Put', 'Update', 'Delete', 'ConditionCheck'].map((kind) => ({
          [kind]: { TableName: 'T' },
        })),
      },
      ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'].map(
        (action) => `dynamodb:${action} ${TABLE}`,
      ),
    ],
  ])('DynamoDB %s of %j', (name, body, needs) => {
    expect(needsOf(dynamodbOperation(name, body))).toEqual(needs);
  });

  it.each([
    ['SendMessage', 'sqs:SendMessage'],
    ['SendMessageBatch', 'sqs:SendMessage'],
    ['DeleteMessageBatch', 'sqs:DeleteMessage'],
  ])('SQS %s', (name, action) => {
    const operation = sqsOperation(name, { QueueUrl: 'http://127.0.0.1:1/000000000000/Q.fifo' });
    expect(needsOf(operation)).toEqual([`${action} arn:aws:sqs:us-east-1:000000000000:Q.fifo`]);
  });

  it('SQS where a queue is named, and where none is', () => {
    expect(needsOf(sqsOperation('GetQueueUrl', { QueueName: 'Q' }))).toEqual([
      'sqs:GetQueueUrl arn:aws:sqs:us-east-1:000000000000:Q',
    ]);
    expect(needsOf(sqsOperation('ListQueues', {}))).toEqual(['sqs:ListQueues *']);
  });

  it.each([
    ['POST', 'PostToConnection'],
    ['GET', 'GetConnection'],
    ['DELETE', 'DeleteConnection'],
    ['PUT', 'PUT'],
  ])('a %s of a connection', (method, name) => {
    const operation = managementOperation(method, '/local/@connections/abc%3D');
    expect(operation.name).toBe(name);
    expect(needsOf(operation)).toEqual([
      `execute-api:ManageConnections arn:aws:execute-api:us-east-1:000000000000:midturnapi/local/${method}/@connections/abc=`,
    ]);
  });

  it.each([
    ['invoke', 'InvokeModel', 'bedrock:InvokeModel'],
    ['converse', 'Converse', 'bedrock:InvokeModel'],
    ['invoke-with-response-stream', 'InvokeModelWithResponseStream', 'bedrock:InvokeModelWithResponseStream'],
    ['converse-stream', 'ConverseStream', 'bedrock:InvokeModelWithResponseStream'],
    ['count-tokens', 'count-tokens', 'bedrock:count-tokens'],
  ])('Bedrock’s %s, by its name', (kind, name, action) => {
    const operation = bedrockOperation(`/model/a.b/${kind}`);
    expect([operation.name, operation.needs.map((need) => need.action)]).toEqual([name, [action]]);
  });

  it('the models behind a profile, only through it', () => {
    const [profile, ...models] = bedrockOperation('/model/eu.a.b/converse').needs;
    expect(profile).not.toHaveProperty('conditions');
    const conditions = { 'bedrock:inferenceprofilearn': profile?.resource };
    expect(models).toMatchObject([{ conditions }, { conditions }]);
  });

  it.each([
    [
      '/model/anthropic.claude-v1%3A0/converse-stream',
      [
        'bedrock:InvokeModelWithResponseStream arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v1:0',
      ],
    ],
    ['/model/a.b/converse', ['bedrock:InvokeModel arn:aws:bedrock:us-east-1::foundation-model/a.b']],
    [
      '/model/eu.a.b/converse-stream',
      [
        'bedrock:InvokeModelWithResponseStream arn:aws:bedrock:us-east-1:000000000000:inference-profile/eu.a.b',
        'bedrock:InvokeModelWithResponseStream arn:aws:bedrock:us-east-1::foundation-model/a.b',
        'bedrock:InvokeModelWithResponseStream arn:aws:bedrock:us-west-2::foundation-model/a.b',
      ],
    ],
    [
      '/model/global.a.b/converse',
      [
        'bedrock:InvokeModel arn:aws:bedrock:us-east-1:000000000000:inference-profile/global.a.b',
        'bedrock:InvokeModel arn:aws:bedrock:us-east-1::foundation-model/a.b',
        'bedrock:InvokeModel arn:aws:bedrock:us-west-2::foundation-model/a.b',
        'bedrock:InvokeModel arn:aws:bedrock:::foundation-model/a.b',
      ],
    ],
    [
      `/model/${encodeURIComponent('arn:aws:bedrock:us-east-1:1:application-inference-profile/p1')}/converse`,
      [
        'bedrock:InvokeModel arn:aws:bedrock:us-east-1:1:application-inference-profile/p1',
        'bedrock:InvokeModel arn:aws:bedrock:us-east-1::foundation-model/some.model-v1:0',
        'bedrock:InvokeModel arn:aws:bedrock:us-west-2::foundation-model/some.model-v1:0',
      ],
    ],
    [
      `/model/${encodeURIComponent('arn:aws:bedrock:us-east-1:1:provisioned-model/p1')}/converse`,
      ['bedrock:InvokeModel arn:aws:bedrock:us-east-1:1:provisioned-model/p1'],
    ],
  ])('a call of a model at %s', (path, needs) => {
    expect(needsOf(bedrockOperation(path))).toEqual(needs);
  });
});
