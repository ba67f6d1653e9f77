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
    ['BatchWriteItem', { RequestItems: { T: [] } }, [`dynamodb:BatchWriteItem ${TABLE}`]],
    [
      'TransactWriteItems',
      { TransactItems: [{ Put: { TableName: 'T' } }, { ConditionCheck: { TableName: 'T' } }] },
      [`dynamodb:PutItem ${TABLE}`, `dynamodb:ConditionCheckItem ${TABLE}`],
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

  it('a post to a connection', () => {
    expect(needsOf(managementOperation('POST', '/local/@connections/abc%3D'))).toEqual([
      'execute-api:ManageConnections arn:aws:execute-api:us-east-1:000000000000:midturnapi/local/POST/@connections/abc=',
    ]);
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
