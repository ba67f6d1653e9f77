import type { Limits, Rates, Retention, SteerScope } from '../config/settings.ts';
import type { Clock, Gateway, Log, Metrics, NewId, Queues, Store } from './ports.ts';

/** All that the core is given: its ports and its settings. */
export interface Core {
  store: Store;
  queues: Queues;
  gateway: Gateway;
  clock: Clock;
  newId: NewId;
  log: Log;
  metrics: Metrics;
  limits: Limits;
  steerScope: SteerScope;
  rates: Rates;
  retention: Retention;
}

const DAY = 24 * 3600;
const HOUR = 3600;

/**
 * When items expire, in seconds since the epoch. A session outlives its lanes, and a lane outlives the events and outcomes
 * that refer to it, by days: DynamoDB may delete up to two days late, and a session that was gone too early would
 * count from zero under old entries.
 */
export const expiry = (core: Pick<Core, 'clock' | 'retention'>) => {
  const now = Math.floor(core.clock.now() / 1000);
  const { transcriptDays, eventHours } = core.retention;
  const events = now + eventHours * HOUR;
  const session = Math.max(now + transcriptDays * DAY, events) + 14 * DAY;
  return {
    /** API Gateway ends every connection after two hours. */
    connection: now + DAY,
    events,
    outcome: now + DAY,
    entry: now + transcriptDays * DAY,
    lane: Math.max(events, now + DAY) + 4 * DAY,
    session,
    /** Beyond the session's, which moves ahead with every turn: so it is renewed once in a month, not with every turn. */
    listing: session + 30 * DAY,
    /** Of a deleted session: long after everything that could still write for it is over. */
    tombstone: now + DAY,
  };
};
