import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { milliseconds, type Seconds, seconds, toMs } from '../../config/units.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { SERVICE_TIMEOUTS } from '../timeouts.ts';

/**
 * Keeps a queue message invisible for other workers: for `visibility`, extended every third of that, so that a dead
 * worker is soon replaced.
 */
export interface VisibilityExtension {
  /**
   * Makes the message visible at once, or after `later`. The receipt handle is void afterwards: report the message
   * as failed, because Lambda must not delete it by that handle.
   */
  handBack(later?: Seconds): Promise<void>;
  /** Stops extending. */
  stop(): Promise<void>;
}

export function extendVisibility(
  deps: { queueUrl: string; receiptHandle: string; visibility: Seconds; clock: Clock; log: Log },
  client: SQSClient = new SQSClient(SERVICE_TIMEOUTS),
): VisibilityExtension {
  const { queueUrl, receiptHandle, visibility, clock, log } = deps;
  const stopped = new AbortController();
  const change = (VisibilityTimeout: Seconds) =>
    client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout,
      }),
    );
  // Until the first change, the queue's own visibility time-out applies, which is longer than the function's time limit.
  const extending = (async () => {
    while (!stopped.signal.aborted) {
      try {
        await change(visibility);
      } catch (error) {
        // At worst another worker starts too early, and the fence rejects one of the two.
        log.warn('heartbeat failed', { error: String(error) });
      }
      await clock.sleep(milliseconds(toMs(visibility) / 3), stopped.signal);
    }
  })();
  return {
    async handBack(later = seconds(0)) {
      stopped.abort();
      await extending;
      await change(later);
    },
    async stop() {
      stopped.abort();
      await extending;
    },
  };
}
