import { expect, it } from 'vitest';
import { createAccess } from '../aws/access.ts';
import { functionCaller } from '../aws/caller.ts';
import { arnOf, stackOf } from '../aws/fixtures.ts';
import { readRoles } from '../aws/roles.ts';
import type { Value } from '../template/template.ts';
import { type AsynchronousOptions, asynchronousInvocations } from './asynchronous.ts';

/** A function that fails so many times. */
function given(failures: number, { dead = true, allowed = true } = {}) {
  const Statement: Value = {
    Effect: 'Allow',
    Action: allowed ? 'sqs:SendMessage' : 'sqs:ReceiveMessage',
    Resource: arnOf('Letters'),
  };
  const DeadLetterConfig = { TargetArn: arnOf('Letters') };
  const stack = stackOf(
    [Statement],
    {
      Worker: {
        Type: 'AWS::Lambda::Function',
        Properties: { Role: arnOf('WorkerRole'), ...(dead && { DeadLetterConfig }) },
      },
    },
    'http://127.0.0.1:9',
  );
  const [worker] = stack.ofType('AWS::Lambda::Function');
  if (!worker) throw new Error('no function');
  const tried: unknown[] = [];
  const buried: unknown[] = [];
  const options = {
    stack,
    access: createAccess(readRoles(stack), () => {}),
    functions: {
      caller: () => functionCaller(stack, worker, 'worker'),
      pool: () => ({
        async invoke(event: unknown) {
          tried.push(event);
          if (tried.length <= failures) throw new Error(`failure ${tried.length}`);
        },
      }),
    },
    queues: { config: {}, send: async ({ input }: { input: unknown }) => void buried.push(input) },
  } as unknown as AsynchronousOptions;
  const done = asynchronousInvocations(options).invoke(worker, { a: 'é' });
  return { done, tried, buried };
}

// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: two more tries, then the dead-letter queue.
it.each([0, 1, 2])('an event whose function fails %i times is handled', async (failures) => {
  const { done, tried, buried } = given(failures);
  await done;
  expect(tried).toEqual(Array(failures + 1).fill({ a: 'é' }));
  expect(buried).toEqual([]);
});

it('an event whose function fails three times lies in its dead-letter queue, with the last error', async () => {
  const { done, tried, buried } = given(9);
  await done;
  expect(tried).toHaveLength(3);
  expect(buried).toMatchObject([
    {
      QueueUrl: expect.stringMatching(/Midturn-Letters$/),
      MessageBody: '{"a":"é"}',
      MessageAttributes: { ErrorMessage: { StringValue: 'failure 3' } },
    },
  ]);
});

it.each([
  ['without such a queue', { dead: false }, 'failure 3'],
  ['whose role may not send to it', { allowed: false }, 'may not send to its dead-letter queue'],
])('an event of a function %s is lost with an error', async (_, how, why) => {
  const { done, buried } = given(9, how);
  await expect(done).rejects.toThrow(why);
  expect(buried).toEqual([]);
});
