import { seconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { ConnectionId } from '../ids.ts';
import type { GreetingJob } from '../ports.ts';
import { openConnection } from './open-connection.ts';

/**
 * API Gateway allows no post until `$connect` has returned, and a client that speaks does so within this time, also where the
 * function of its first frame has to start.
 */
const GREET_AFTER = seconds(2);

/** Has another function look at a connection that is being made: one that is silent by then is greeted. */
export const greetLater = (core: Pick<Core, 'queues'>, connection: ConnectionId): Promise<void> =>
  core.queues.sendGreeting({ connection }, GREET_AFTER);

/**
 * Opens a connection that has sent no frame, as its first frame would have: it is sent `session_start`, and what follows. One
 * that has spoken, has expired or is closed is sent nothing.
 */
export async function greet(core: Core, { connection }: GreetingJob): Promise<void> {
  await openConnection(core, connection, core.clock.now());
}
