import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Clock, Log } from '../../core/ports.ts';
import { SERVICE_TIMEOUTS } from '../timeouts.ts';

/**
 * Keeps a queue message invisible for other workers: for `seconds`, extended every third of that, so that a dead
 * worker is soon replaced.
 */
export interface VisibilityExtension {
  /**
   * Makes the message visible at once, or after `seconds`. The receipt handle is void afterwards: report the message
   * as failed, because Lambda must not delete it by that handle.
   */
  handBack(seconds?: number): Promise<void>;
  /** Stops extending. */
  stop(): Promise<void>;
}

export function extendVisibility(
  deps: { queueUrl: string; receiptHandle: string; seconds: number; clock: Clock; log: Log },
  client: SQSClient = new SQSClient(SERVICE_TIMEOUTS),
): VisibilityExtension {
  const { queueUrl, receiptHandle, seconds, clock, log } = deps;
  const stopped = new AbortController();
  const change = (VisibilityTimeout: number) =>
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
        await change(seconds);
      } catch (error) {
        // At worst another worker starts too early, and the fence rejects one of the two.
        log.warn('heartbeat failed', { error: String(error) });
      }
      await clock.sleep((seconds * 1000) / 3, stopped.signal);
    }
  })();
  return {
    async handBack(later = 0) {
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
