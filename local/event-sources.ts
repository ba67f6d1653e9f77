import type { Access } from './aws/access.ts';
import type { AwsCaller } from './aws/caller.ts';
import { LocalCloudError } from './errors.ts';
import {
  type EventSource,
  type EventSourceOptions,
  POLLER_OPERATIONS,
  type PollerOperation,
  startEventSource,
} from './event-source.ts';
import type { FunctionPools } from './functions/functions.ts';
import type { Log } from './log.ts';
import type { QueueServer } from './queues.ts';
import type { Stack } from './template/stack.ts';

/** Starts the template's event source mappings. @throws {LocalCloudError} for a mapping that Lambda would reject */
export function startEventSources(
  stack: Stack,
  functions: FunctionPools,
  queues: QueueServer,
  access: Access,
  log: Log,
  ramp: Pick<EventSourceOptions, 'ramp'>,
): EventSource[] {
  return stack
    .ofType('AWS::Lambda::EventSourceMapping')
    .filter(({ properties }) => properties.all.Enabled !== false)
    .map(({ properties }) => {
      const queueArn = properties.text('EventSourceArn');
      const queue = stack.find('AWS::SQS::Queue', queueArn);
      const target = stack.find('AWS::Lambda::Function', properties.text('FunctionName'));
      const pool = functions.pool(target);
      const caller = functions.caller(target);
      const missing = missingOperation(access, caller, queueArn);
      if (missing) {
        throw new LocalCloudError(
          `${target.logicalId}: its role does not have permissions to call ${missing} on ${queue.logicalId}.`,
        );
      }
      const visibility = queue.properties.number('VisibilityTimeout') ?? 30;
      if (visibility < pool.spec.timeoutSeconds) {
        throw new LocalCloudError(
          `${queue.logicalId}: visibility timeout ${visibility} s is less than function ${pool.spec.name}'s timeout ${pool.spec.timeoutSeconds} s.`,
        );
      }
      const maximum = properties.nested('ScalingConfig').number('MaximumConcurrency');
      return startEventSource({
        client: queues.client,
        queueUrl: stack.ref(queue),
        queueArn,
        traceOf: queues.traceOf,
        batchSize: Math.min(properties.number('BatchSize') ?? 10, 10),
        reportBatchItemFailures: properties.list('FunctionResponseTypes').includes('ReportBatchItemFailures'),
        concurrency: Math.min(pool.concurrency, maximum ?? Number.POSITIVE_INFINITY),
        ...ramp,
        invoke: (event) => pool.invoke(event),
        ask: (operation) =>
          access.attempt(caller, {
            by: 'platform',
            service: 'sqs',
            operation,
            needs: [need(operation, queueArn)],
          }),
        source: pool.spec.name,
        log,
      });
    });
}

const need = (operation: PollerOperation, queueArn: string) => ({
  action: `sqs:${operation}`,
  resource: queueArn,
});

/** The permissions that Lambda lacks to poll a queue. Without them it rejects the mapping. */
export function missingOperation(
  access: Access,
  caller: AwsCaller,
  queueArn: string,
): PollerOperation | undefined {
  return POLLER_OPERATIONS.find((operation) => !access.mayBeAllowed(caller, need(operation, queueArn)));
}
