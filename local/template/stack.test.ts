import { expect, it } from 'vitest';
import { readStack } from './stack.ts';

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
  const template = { Resources: { Bucket: { Type: 'AWS::S3::Bucket' } } };
  expect(() => readStack(template, naming)).toThrow('The local cloud has no AWS::S3::Bucket (Bucket).');
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
