import { LocalCloudError } from './errors.ts';
import { type EventSource, startEventSource } from './event-source.ts';
import type { FunctionPools } from './functions/functions.ts';
import type { Log } from './log.ts';
import type { QueueServer } from './queues.ts';
import type { Stack } from './template/stack.ts';

/** Starts the template's event source mappings. @throws {LocalCloudError} for what Lambda would refuse. */
export function startEventSources(
  stack: Stack,
  functions: FunctionPools,
  queues: QueueServer,
  log: Log,
): EventSource[] {
  return stack
    .ofType('AWS::Lambda::EventSourceMapping')
    .filter(({ properties }) => properties.all.Enabled !== false)
    .map(({ properties }) => {
      const queueArn = properties.text('EventSourceArn');
      const queue = stack.find('AWS::SQS::Queue', queueArn);
      const pool = functions.pool(stack.find('AWS::Lambda::Function', properties.text('FunctionName')));
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
        batchSize: Math.min(properties.number('BatchSize') ?? 10, 10),
        reportBatchItemFailures: properties.list('FunctionResponseTypes').includes('ReportBatchItemFailures'),
        concurrency: Math.min(pool.concurrency, maximum ?? Number.POSITIVE_INFINITY),
        invoke: (event) => pool.invoke(event),
        source: pool.spec.name,
        log,
      });
    });
}
