import { type Seconds, seconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { ConnectionId } from '../ids.ts';
import type { Listening } from '../store/listening.ts';

/**
 * A replay whose mark in the audience has not moved for this long was left by a function that died. A live one moves it
 * every half second, and a post takes less than three.
 */
const WATCH_SECONDS = seconds(4);

/** Has another function look at a replay after a while: it goes on with one that stands still at `mark`. */
export const watchReplay = (
  core: Pick<Core, 'queues'>,
  connection: ConnectionId,
  mark: Listening,
): Promise<void> => core.queues.sendReplay({ connection, mark }, WATCH_SECONDS);

/** Has another function go on with a replay at once. */
export const leaveReplay = (
  core: Pick<Core, 'queues'>,
  connection: ConnectionId,
  mark: Listening,
): Promise<void> => core.queues.sendReplay({ connection, mark }, NOW);

const NOW: Seconds = seconds(0);
