import { expect, it } from 'vitest';
import { createAccess } from './aws/access.ts';
import { functionCaller } from './aws/caller.ts';
import { arnOf, stackOf } from './aws/fixtures.ts';
import { readRoles } from './aws/roles.ts';
import { missingOperation } from './event-sources.ts';

const ALL = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

it.each([
  [ALL, undefined],
  [ALL.slice(1), 'ReceiveMessage'],
  [ALL.filter((action) => action !== 'sqs:DeleteMessage'), 'DeleteMessage'],
  [ALL.slice(0, 2), 'GetQueueAttributes'],
])('a mapping with a role that allows %j misses %j', (actions, expected) => {
  const stack = stackOf([{ Effect: 'Allow', Action: actions, Resource: arnOf('Letters') }]);
  const [worker] = stack.ofType('AWS::Lambda::Function');
  const [queue] = stack.ofType('AWS::SQS::Queue');
  if (!worker || !queue) throw new Error('no function or no queue');
  const access = createAccess(readRoles(stack), () => {});
  const caller = functionCaller(stack, worker, 'worker');
  expect(missingOperation(access, caller, stack.attribute(queue, 'Arn'))).toBe(expected);
});
