import { describe, expect, it } from 'vitest';
import { readStack } from './stack.ts';
import type { Value } from './template.ts';

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
