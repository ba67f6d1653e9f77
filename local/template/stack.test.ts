import { describe, expect, it } from 'vitest';
import { secretArn } from '../aws/secret-arn.ts';
import { readStack } from './stack.ts';
import type { Resource, Value } from './template.ts';

const naming = { sqsEndpoint: 'http://127.0.0.1:9' };

it('gives resources the names that CloudFormation would, and references their values', () => {
  const stack = readStack(
    {
      Resources: {
        Turns: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } },
        Fn: {
          Type: 'AWS::Lambda::Function',
          Properties: { Environment: { Variables: { QUEUE: { Ref: 'Turns' } } } },
        },
        Source: {
          Type: 'AWS::Lambda::EventSourceMapping',
          Properties: { EventSourceArn: { 'Fn::GetAtt': ['Turns', 'Arn'] } },
        },
      },
    },
    naming,
  );
  const [fn] = stack.ofType('AWS::Lambda::Function');
  expect(fn?.properties.nested('Environment').nested('Variables').text('QUEUE')).toBe(
    'http://127.0.0.1:9/000000000000/Midturn-Turns.fifo',
  );
  const [source] = stack.ofType('AWS::Lambda::EventSourceMapping');
  const arn = source?.properties.text('EventSourceArn') ?? '';
  expect(stack.find('AWS::SQS::Queue', arn).logicalId).toBe('Turns');
});

const AT = 'us-east-1:000000000000';
it.each<[string, Resource['Properties'], string, Record<string, string>]>([
  [
    'AWS::DynamoDB::Table',
    {},
    'Midturn-X',
    {
      Arn: `arn:aws:dynamodb:${AT}:table/Midturn-X`,
      StreamArn: `arn:aws:dynamodb:${AT}:table/Midturn-X/stream/not-in-the-local-cloud`,
    },
  ],
  [
    'AWS::SQS::Queue',
    {},
    'http://127.0.0.1:9/000000000000/Midturn-X',
    {
      Arn: `arn:aws:sqs:${AT}:Midturn-X`,
      QueueName: 'Midturn-X',
      QueueUrl: 'http://127.0.0.1:9/000000000000/Midturn-X',
    },
  ],
  [
    'AWS::S3::Bucket',
    {},
    'midturn-x',
    {
      Arn: 'arn:aws:s3:::midturn-x',
      DomainName: 'midturn-x.s3.amazonaws.com',
      RegionalDomainName: 'midturn-x.s3.us-east-1.amazonaws.com',
    },
  ],
  ['AWS::Lambda::Function', {}, 'Midturn-X', { Arn: `arn:aws:lambda:${AT}:function:Midturn-X` }],
  ['AWS::SecretsManager::Secret', { Name: 'n' }, secretArn('n'), { Id: secretArn('n') }],
  ['AWS::SecretsManager::Secret', {}, secretArn('X'), { Id: secretArn('X') }],
  ['AWS::Events::EventBus', { Name: 'n' }, 'n', { Arn: `arn:aws:events:${AT}:event-bus/n`, Name: 'n' }],
  [
    'AWS::Events::EventBus',
    {},
    'Midturn-X',
    { Arn: `arn:aws:events:${AT}:event-bus/Midturn-X`, Name: 'Midturn-X' },
  ],
  ['AWS::Events::Rule', {}, 'Midturn-X', { Arn: `arn:aws:events:${AT}:rule/Midturn-X` }],
  ['AWS::IAM::Role', {}, 'Midturn-X', { Arn: 'arn:aws:iam::000000000000:role/Midturn-X', RoleId: 'X' }],
  [
    'AWS::IAM::ManagedPolicy',
    {},
    'arn:aws:iam::000000000000:policy/Midturn-X',
    { PolicyArn: 'arn:aws:iam::000000000000:policy/Midturn-X' },
  ],
  ['AWS::Logs::LogGroup', {}, 'Midturn-X', { Arn: `arn:aws:logs:${AT}:log-group:Midturn-X:*` }],
  [
    'AWS::ApiGatewayV2::Api',
    { ProtocolType: 'WEBSOCKET' },
    'midturnapi',
    { ApiId: 'midturnapi', ApiEndpoint: 'https://midturnapi.execute-api.us-east-1.amazonaws.com' },
  ],
  [
    'AWS::ApiGatewayV2::Api',
    { ProtocolType: 'HTTP' },
    'http-x',
    { ApiId: 'http-x', ApiEndpoint: 'https://http-x.execute-api.us-east-1.amazonaws.com' },
  ],
  ['AWS::ApiGatewayV2::Stage', { StageName: 'live' }, 'live', {}],
  ['AWS::ApiGatewayV2::Route', {}, 'X', { RouteId: 'X' }],
])('%s with %j is called %s', (Type, Properties, ref, attributes) => {
  const references = Object.keys(attributes).map((name) => [name, { 'Fn::GetAtt': ['X', name] }] as const);
  const Referring = {
    Type: 'AWS::SQS::Queue',
    Properties: { Own: { Ref: 'X' }, ...Object.fromEntries(references) },
  };
  const stack = readStack(
    { Resources: { Referring, X: { Type, ...(Properties && { Properties }) } } },
    naming,
  );
  expect(stack.withId('Referring').properties.all).toEqual({ Own: ref, ...attributes });
  const resource = stack.withId('X');
  expect(stack.ref(resource)).toBe(ref);
  for (const [name, value] of Object.entries(attributes)) expect(stack.attribute(resource, name)).toBe(value);
  expect(stack.find(Type, ref).logicalId).toBe('X');
  expect(() => stack.attribute(resource, 'Other')).toThrow('X has no attribute Other');
});

it('has what every template may refer to', () => {
  const names = ['Region', 'AccountId', 'Partition', 'StackName', 'StackId', 'URLSuffix'];
  const Properties = Object.fromEntries(names.map((name) => [name, { Ref: `AWS::${name}` }]));
  const stack = readStack({ Resources: { X: { Type: 'AWS::SQS::Queue', Properties } } }, naming);
  expect(stack.withId('X').properties.all).toEqual({
    Region: 'us-east-1',
    AccountId: '000000000000',
    Partition: 'aws',
    StackName: 'Midturn',
    StackId: 'arn:aws:cloudformation:us-east-1:000000000000:stack/Midturn/local',
    URLSuffix: 'amazonaws.com',
  });
});

it.each<[Value, string]>([
  [{ Ref: 'Nobody' }, 'The template has no resource Nobody.'],
  [{ 'Fn::GetAtt': ['X', 'Url'] }, 'The local cloud does not know AWS::SQS::Queue X.Url.'],
])('refuses a reference that leads nowhere: %j', (Name, why) => {
  const Resources = { X: { Type: 'AWS::SQS::Queue', Properties: { Name } } };
  expect(() => readStack({ Resources }, naming)).toThrow(why);
});

it('finds resources by type and name alone', () => {
  const stack = readStack({ Resources: { X: { Type: 'AWS::SQS::Queue' } } }, naming);
  expect(() => stack.find('AWS::DynamoDB::Table', 'Midturn-X')).toThrow(
    'has no AWS::DynamoDB::Table Midturn-X',
  );
  expect(() => stack.withId('Y')).toThrow('has no resource Y');
});

it('may leave resources out, whose names lead nowhere, and what only they need', () => {
  const stack = readStack(
    {
      Resources: {
        Mine: { Type: 'AWS::Lambda::Function' },
        May: { Type: 'AWS::Lambda::Permission', Properties: { FunctionName: { Ref: 'Mine' } } },
        Turns: {
          Type: 'AWS::SQS::Queue',
          Properties: { One: { Ref: 'Mine' }, Two: { 'Fn::GetAtt': ['Mine', 'Other'] } },
        },
      },
    },
    { ...naming, leftOut: ({ Type }) => Type === 'AWS::Lambda::Function' },
  );
  expect([...stack.ofType('AWS::Lambda::Function'), ...stack.ofType('AWS::Lambda::Permission')]).toEqual([]);
  expect(stack.withId('Turns').properties.all).toEqual({
    One: 'not-in-the-local-cloud-Mine',
    Two: 'not-in-the-local-cloud-Mine',
  });
});

it('refuses a type that it would have to pretend', () => {
  const template = { Resources: { Stream: { Type: 'AWS::Kinesis::Stream' } } };
  expect(() => readStack(template, naming)).toThrow('The local cloud has no AWS::Kinesis::Stream (Stream).');
});

it('leaves out what only watches, and what a condition leaves out', () => {
  const stack = readStack(
    {
      Conditions: { Never: { 'Fn::Equals': [1, 2] } },
      Resources: {
        Alarm: { Type: 'AWS::CloudWatch::Alarm' },
        Unwanted: { Type: 'AWS::SQS::Queue', Condition: 'Never' },
      },
    },
    naming,
  );
  expect(stack.ofType('AWS::CloudWatch::Alarm')).toEqual([]);
  expect(stack.ofType('AWS::SQS::Queue')).toEqual([]);
});

describe('a template of somebody else’s', () => {
  const unknown: string[] = [];
  const theirs = { ...naming, unknown: ({ type }: { type: string }) => unknown.push(type) };

  it('has names for what is not here, which lead nowhere, and is told of it once', () => {
    const stack = readStack(
      {
        Resources: {
          Stream: { Type: 'AWS::Kinesis::Stream' },
          Python: { Type: 'AWS::Lambda::Function', Properties: { Runtime: 'python3.13', Handler: 'a.b' } },
          ToPython: { Type: 'AWS::Lambda::Permission', Properties: { FunctionName: { Ref: 'Python' } } },
          Turns: {
            Type: 'AWS::SQS::Queue',
            Properties: { One: { Ref: 'Stream' }, Two: { 'Fn::GetAtt': ['Stream', 'Arn'] } },
          },
        },
      },
      theirs,
    );
    expect(unknown).toEqual(['AWS::Kinesis::Stream', 'AWS::Lambda::Function']);
    expect(stack.withId('Turns').properties.all).toEqual({
      One: 'not-in-the-local-cloud-Stream',
      Two: 'arn:aws:local:us-east-1:000000000000:not-in-the-local-cloud/Stream',
    });
    // Nothing asks for a permission of a function that does not run.
    expect(stack.ofType('AWS::Lambda::Permission')).toEqual([]);
    expect(stack.ofType('AWS::Lambda::Function')).toEqual([]);
  });

  it('may have mappings from a stream, which is not here: each is named, and does nothing', () => {
    const told: string[] = [];
    const mapping = (EventSourceArn: Value) => ({
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { EventSourceArn, FunctionName: { Ref: 'Mine' } },
    });
    const stack = readStack(
      {
        Resources: {
          Clicks: { Type: 'AWS::Kinesis::Stream' },
          Orders: { Type: 'AWS::DynamoDB::GlobalTable' },
          Mine: { Type: 'AWS::Lambda::Function' },
          OfClicks: mapping({ 'Fn::GetAtt': ['Clicks', 'Arn'] }),
          OfOrders: mapping({ 'Fn::GetAtt': ['Orders', 'StreamArn'] }),
        },
      },
      { ...naming, unknown: ({ logicalId }) => told.push(logicalId) },
    );
    expect(told).toEqual(['Clicks', 'OfClicks', 'OfOrders']);
    expect(stack.ofType('AWS::Lambda::EventSourceMapping')).toEqual([]);
  });

  it('has, of tables in an AWS account, the names that they have there', () => {
    const stack = readStack(
      { Resources: { Orders: { Type: 'AWS::DynamoDB::Table' }, Own: { Type: 'AWS::DynamoDB::Table' } } },
      { ...naming, physicalIds: new Map([['Orders', 'shop-orders']]) },
    );
    expect(stack.ofType('AWS::DynamoDB::Table').map((table) => [stack.ref(table), table.physicalId])).toEqual(
      [
        ['shop-orders', 'shop-orders'],
        ['Midturn-Own', undefined],
      ],
    );
  });

  it('may have buckets, whose names may be put together', () => {
    const BucketName = { 'Fn::Join': ['-', ['shop', { Ref: 'AWS::AccountId' }]] };
    const stack = readStack(
      {
        Resources: {
          Named: { Type: 'AWS::S3::Bucket', Properties: { BucketName } },
          Other: { Type: 'AWS::S3::Bucket' },
          // What the CDK adds to a bucket that is emptied with its stack.
          Emptied: { Type: 'Custom::S3AutoDeleteObjects' },
        },
      },
      naming,
    );
    expect(stack.ofType('AWS::S3::Bucket').map((bucket) => stack.attribute(bucket, 'Arn'))).toEqual([
      'arn:aws:s3:::shop-000000000000',
      'arn:aws:s3:::midturn-other',
    ]);
  });

  it('may have global tables, secrets, and functions of Node with a file', () => {
    const stack = readStack(
      {
        Resources: {
          Orders: { Type: 'AWS::DynamoDB::GlobalTable' },
          Key: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'shop/key' } },
          Mine: {
            Type: 'AWS::Lambda::Function',
            Properties: { Runtime: 'nodejs24.x' },
            Metadata: { 'aws:asset:path': '/code' },
          },
        },
      },
      naming,
    );
    expect(stack.ofType('AWS::DynamoDB::Table').map((table) => stack.ref(table))).toEqual(['Midturn-Orders']);
    expect(stack.ref(stack.withId('Key'))).toMatch(/^arn:aws:secretsmanager:.*:secret:shop\/key-\w{6}$/);
    expect(stack.ofType('AWS::Lambda::Function')).toHaveLength(1);
  });
});
