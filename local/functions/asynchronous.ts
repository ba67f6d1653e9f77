import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Access } from '../aws/access.ts';
import { LocalCloudError, messageOf } from '../errors.ts';
import { queueUrlOf } from '../queue-url.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import type { FunctionPools } from './functions.ts';

/** Lambda runs an asynchronous event again twice, after a minute and after two. Here it does so at once. */
const TRIES = 3;

/** Gives a function an event that nobody waits for. */
export interface AsynchronousInvocations {
  /** Resolves when it is handled, or lies in the function's dead-letter queue. @throws what the function threw, without such a queue */
  invoke(fn: StackResource, event: unknown): Promise<void>;
}

export interface AsynchronousOptions {
  stack: Stack;
  functions: Pick<FunctionPools, 'pool' | 'caller'>;
  queues: SQSClient;
  access: Access;
}

/** Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
export function asynchronousInvocations({
  stack,
  functions,
  queues,
  access,
}: AsynchronousOptions): AsynchronousInvocations {
  async function bury(fn: StackResource, event: unknown, error: unknown): Promise<void> {
    const targetArn = fn.properties.nested('DeadLetterConfig').optionalText('TargetArn');
    if (targetArn === undefined) throw error;
    const attempt = access.attempt(functions.caller(fn), {
      by: 'platform',
      service: 'sqs',
      operation: 'SendMessage',
      needs: [{ action: 'sqs:SendMessage', resource: targetArn }],
    });
    attempt.done({ requestBytes: 0, responseBytes: 0 });
    if (!attempt.allowed)
      throw new LocalCloudError(`${fn.logicalId}: its role may not send to its dead-letter queue.`);
    await queues.send(
      new SendMessageCommand({
        QueueUrl: await queueUrlOf(queues, stack, stack.find('AWS::SQS::Queue', targetArn)),
        MessageBody: JSON.stringify(event),
        MessageAttributes: { ErrorMessage: { DataType: 'String', StringValue: messageOf(error) } },
      }),
    );
  }

  return {
    async invoke(fn, event) {
      const pool = functions.pool(fn);
      for (let tries = 1; ; tries++) {
        try {
          await pool.invoke(event);
          return;
        } catch (error) {
          if (tries < TRIES) continue;
          await bury(fn, event, error);
          return;
        }
      }
    },
  };
}
