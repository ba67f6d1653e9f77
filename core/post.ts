import { after, milliseconds } from '../config/units.ts';
import type { Core } from './core.ts';
import type { ConnectionId } from './ids.ts';

/** A post that is throttled, or fails, is repeated for this long. The pauses in between double. */
const REPEAT_FOR_MS = milliseconds(2000);
const FIRST_PAUSE_MS = milliseconds(50);
const MAX_CLOSE_TRIES = 3;

/**
 * Posts a frame to a connection. One that cannot be posted to is closed, so that its client resumes, and is `gone` for the
 * caller. It never throws. A connection that does not answer costs its caller less than three seconds, once.
 */
export async function post(
  core: Pick<Core, 'gateway' | 'clock' | 'log'>,
  connection: ConnectionId,
  frame: string,
): Promise<'sent' | 'gone'> {
  const { gateway, clock } = core;
  const until = after(clock.now(), REPEAT_FOR_MS);
  for (let pause: number = FIRST_PAUSE_MS; ; pause *= 2) {
    let reason: string;
    try {
      const outcome = await gateway.post(connection, frame);
      if (outcome !== 'unanswered') return outcome;
      // It is not repeated: a repeat would wait as long.
      reason = outcome;
    } catch (error) {
      if (clock.now() + pause < until) {
        // A frame that arrives twice is harmless, since clients drop a `seq` that they have. A missing one is not.
        await clock.sleep(milliseconds(pause));
        continue;
      }
      reason = String(error);
    }
    // The events are stored, but this client would not notice that it misses some. A new connection resumes (P9).
    await closeConnection(core, connection, reason);
    return 'gone';
  }
}

/** Closes a connection, so that its client connects again and resumes. */
export async function closeConnection(
  { gateway, clock, log }: Pick<Core, 'gateway' | 'clock' | 'log'>,
  connection: ConnectionId,
  reason: string,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const outcome = await gateway.disconnect(connection);
      log.warn('connection closed, so that it resumes', { connection, reason, outcome });
      return;
    } catch (error) {
      // Its client may be there, and does not know that it misses something.
      if (tries === MAX_CLOSE_TRIES) {
        log.error('connection not closed', { connection, reason, error: String(error) });
        return;
      }
      await clock.sleep(FIRST_PAUSE_MS);
    }
  }
}
