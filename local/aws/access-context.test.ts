import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Value } from '../template/template.ts';
import { createAccess, type Need } from './access.ts';
import { functionCaller } from './caller.ts';
import { arnOf, stackOf } from './fixtures.ts';
import { managedPolicy } from './managed-policies.ts';
import { readRoles } from './roles.ts';

type Fields = { readonly [name: string]: Value };

const NEED: Need = {
  action: 'sqs:SendMessage',
  resource: 'arn:aws:sqs:us-east-1:000000000000:Midturn-Letters',
};
const STATEMENT = { Effect: 'Allow', Action: 'sqs:*', Resource: '*' };
const NOTHING: Value = { Effect: 'Allow', Action: 'a:b', Resource: '*' };
const SERVICE = {
  kind: 'service',
  name: 'EventBridge',
  service: 'events.amazonaws.com',
  sourceArn: 'arn:aws:events:us-east-1:000000000000:rule/r',
} as const;

/** Whether a function, and a service, may send under this condition. */
function given(Condition: Fields) {
  const stack = stackOf([{ ...STATEMENT, Condition }], {
    OfQueue: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Letters' }],
        PolicyDocument: {
          Statement: [{ ...STATEMENT, Principal: { Service: SERVICE.service }, Condition }],
        },
      },
    },
  });
  const access = createAccess(readRoles(stack), () => {});
  const worker = functionCaller(stack, stack.withId('Worker'), 'worker');
  return [worker, SERVICE].map((caller) => access.mayBeAllowed(caller, NEED));
}

// "AWS global condition context keys", IAM user guide.
describe('a request of a function, and one of a service,', () => {
  it.each<[Fields, boolean, boolean]>([
    [{ Bool: { 'aws:SecureTransport': 'true' } }, true, true],
    [{ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, true, true],
    [{ ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::000000000000:role/Midturn-WorkerRole' } }, true, false],
    [{ StringEquals: { 'aws:PrincipalAccount': '000000000000' } }, true, false],
    [{ StringEquals: { 'aws:PrincipalType': 'AssumedRole' } }, true, false],
    [{ Bool: { 'aws:PrincipalIsAWSService': 'true' } }, false, true],
    [{ Bool: { 'aws:PrincipalIsAWSService': 'false' } }, true, false],
    [{ StringEquals: { 'aws:PrincipalServiceName': 'events.amazonaws.com' } }, false, true],
    [{ ArnEquals: { 'aws:SourceArn': SERVICE.sourceArn } }, false, true],
    [{ StringEquals: { 'aws:SourceAccount': '000000000000' } }, false, true],
    [{ Null: { 'lambda:SourceFunctionArn': 'true' } }, false, true],
  ])('under %j is allowed: %s and %s', (condition, ofFunction, ofService) => {
    expect(given(condition)).toEqual([ofFunction, ofService]);
  });

  it('have the time of the clock, in seconds and as a date', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-31T12:00:00.900Z') });
    onTestFinished(() => void vi.useRealTimers());
    const isAt = (seconds: number) =>
      given({
        NumericEquals: { 'aws:EpochTime': String(seconds) },
        DateGreaterThan: { 'aws:CurrentTime': '2026-01-31T12:00:00Z' },
        DateLessThan: { 'aws:CurrentTime': '2026-01-31T12:00:01Z' },
      });
    const now = Date.parse('2026-01-31T12:00:00Z') / 1000;
    expect([isAt(now - 1), isAt(now), isAt(now + 1)].map(([allowed]) => allowed)).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe('a policy of a queue', () => {
  it.each<[Value, boolean]>([
    ['*', true],
    [{ AWS: '*' }, true],
    [{ AWS: '000000000000' }, true],
    [{ AWS: '111111111111' }, false],
    [{ AWS: 'arn:aws:iam::000000000000:root' }, true],
    [{ AWS: 'arn:aws:iam::111111111111:root' }, false],
    [{ AWS: ['arn:aws:iam::111111111111:root', arnOf('WorkerRole')] }, true],
    [{ AWS: 'arn:aws:iam::000000000000:role/Midturn-WorkerRole2' }, false],
    [{ Service: 'arn:aws:iam::000000000000:root' }, false],
    [{ Service: 'events.amazonaws.com' }, false],
  ])('for %j is one for the role of a function: %s', (Principal, allowed) => {
    const stack = stackOf([NOTHING], {
      OfQueue: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: {
          Queues: [{ Ref: 'Letters' }],
          PolicyDocument: { Statement: [{ ...STATEMENT, Principal }] },
        },
      },
    });
    const access = createAccess(readRoles(stack), () => {});
    const worker = functionCaller(stack, stack.withId('Worker'), 'worker');
    expect(access.mayBeAllowed(worker, NEED)).toBe(allowed);
  });
});

const LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
// "AWSLambdaBasicExecutionRole" and others, AWS Managed Policy Reference Guide.
it.each([
  ['service-role/AWSLambdaBasicExecutionRole', LOGS],
  ['service-role/AWSLambdaVPCAccessExecutionRole', LOGS],
  [
    'service-role/AWSLambdaSQSQueueExecutionRole',
    [...LOGS, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  ],
  ['AWSLambdaBasicExecutionRole', undefined],
  ['service-role/constructor', undefined],
])('AWS’s policy %s allows %j', (name, actions) => {
  const Statement = [{ Effect: 'Allow', Action: actions, Resource: '*' }];
  expect(managedPolicy(`arn:aws:iam::aws:policy/${name}`)).toEqual(actions && { Statement });
});

describe('what is listed of permissions', () => {
  it('are the statements of roles and of resources apart, and as unused those of roles that allow', () => {
    const Sid = 'Mine';
    const stack = stackOf(
      [
        { ...STATEMENT, Sid },
        { Effect: 'Allow', NotAction: 'a:b', NotResource: 'c' },
        { ...STATEMENT, Effect: 'Deny', Action: 's3:*' },
      ],
      {
        OfQueue: {
          Type: 'AWS::SQS::QueuePolicy',
          Properties: {
            Queues: [{ Ref: 'Letters' }],
            PolicyDocument: { Statement: [{ ...STATEMENT, Principal: '*' }] },
          },
        },
      },
    );
    const access = createAccess(readRoles(stack), () => {});
    const ids = (all: readonly { id: string }[]) => all.map(({ id }) => id);
    expect(ids(access.statements())).toEqual([
      'WorkerRole/Own[Mine]',
      'WorkerRole/Own[1]',
      'WorkerRole/Own[2]',
    ]);
    expect(ids(access.resourceStatements())).toEqual(['OfQueue[0]']);
    expect(access.unusedPermissions()).toEqual([
      {
        role: 'WorkerRole',
        statement: 'WorkerRole/Own[Mine]',
        actions: ['sqs:*'],
        resources: ['*'],
        whole: true,
      },
      // What is listed there is not allowed, so nothing of it can be taken away.
      { role: 'WorkerRole', statement: 'WorkerRole/Own[1]', actions: [], resources: [], whole: true },
    ]);
  });
});
