import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Clock, Log } from '../../core/ports.ts';
import { SERVICE_PATIENCE } from '../timeouts.ts';

/** A worker's hold on its queue message: short and renewed, so that a dead worker is replaced within `seconds`. */
export interface Lease {
  /** Visible for the next worker, at once or after so many seconds. The handle is void afterwards: report failure, so that nobody deletes by it. */
  handBack(seconds?: number): Promise<void>;
  /** Stops renewing. */
  stop(): Promise<void>;
}

export function holdMessage(
  deps: { queueUrl: string; receiptHandle: string; seconds: number; clock: Clock; log: Log },
  client: SQSClient = new SQSClient(SERVICE_PATIENCE),
): Lease {
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
  // Until the first change the queue's own visibility time applies, which covers the function's whole time limit.
  const beating = (async () => {
    while (!stopped.signal.aborted) {
      try {
        await change(seconds);
      } catch (error) {
        // Only a replacement that comes too early is at stake, and the fence holds against that.
        log.warn('heartbeat failed', { error: String(error) });
      }
      await clock.sleep((seconds * 1000) / 3, stopped.signal);
    }
  })();
  return {
    async handBack(later = 0) {
      stopped.abort();
      await beating;
      await change(later);
    },
    async stop() {
      stopped.abort();
      await beating;
    },
  };
}
