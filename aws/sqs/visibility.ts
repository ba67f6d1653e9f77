import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { milliseconds, type Seconds, seconds, toMs } from '../../config/units.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { SQS_OPTIONS } from '../timeouts.ts';

/** Hides a received message of a queue from other workers for so long, from now on. */
export type HideMessage = (receiptHandle: string, duration: Seconds) => Promise<void>;

export function sqsHideMessage(
  queueUrl: string,
  client: SQSClient = new SQSClient(SQS_OPTIONS),
): HideMessage {
  return async (receiptHandle, duration) => {
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: duration,
      }),
    );
  };
}

/** A message that its worker hides for a short time, again and again, so that a dead worker is soon replaced. */
export interface HeldMessage {
  /**
   * Resolves when it is hidden for the first time, or when that takes too long to be waited for. Whatever may kill a worker
   * begins later.
   */
  held: Promise<void>;
  /**
   * Makes the message visible at once, or after `later`. The receipt handle is void afterwards: report the message
   * as failed, because Lambda must not delete it by that handle.
   */
  handBack(later?: Seconds): Promise<void>;
  /** Stops hiding it again. */
  stop(): Promise<void>;
}

/** A first heartbeat that takes longer than this does not hold up the turn. It goes on beside it. */
const FIRST_HEARTBEAT_MS = milliseconds(1000);

/**
 * Hides a message for `visibility`, at once and again after each third of that. Until the first time, the queue's own
 * visibility time-out applies, which is at least the function's time limit.
 */
export function holdMessage(deps: {
  hide: (duration: Seconds) => Promise<void>;
  visibility: Seconds;
  clock: Clock;
  log: Log;
}): HeldMessage {
  const { hide, visibility, clock, log } = deps;
  const stopped = new AbortController();
  const beat = async () => {
    try {
      await hide(visibility);
    } catch (error) {
      // At worst another worker starts too early, and the fence rejects one of the two.
      log.error('heartbeat failed', { error: String(error) });
    }
  };
  const first = beat();
  const beating = (async () => {
    let begun = clock.now();
    await first;
    for (;;) {
      const next = begun + toMs(visibility) / 3;
      await clock.sleep(milliseconds(Math.max(0, next - clock.now())), stopped.signal);
      if (stopped.signal.aborted) return;
      begun = clock.now();
      await beat();
    }
  })();
  const waitForFirst = async () => {
    const patience = new AbortController();
    await Promise.race([first, clock.sleep(FIRST_HEARTBEAT_MS, patience.signal)]);
    patience.abort('over');
  };
  return {
    held: waitForFirst(),
    async handBack(later = seconds(0)) {
      stopped.abort();
      await beating;
      await hide(later);
    },
    async stop() {
      stopped.abort();
      await beating;
    },
  };
}
