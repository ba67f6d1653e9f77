import type { Limits, Rates, Retention } from '../config/settings/limits.ts';
import type { SessionSettings } from '../config/settings/sessions.ts';
import type { Clock, Gateway, Log, Metrics, NewId, Queues, Store } from './ports.ts';

/** What the core is given: its ports and its settings. */
export interface Core {
  store: Store;
  queues: Queues;
  gateway: Gateway;
  clock: Clock;
  newId: NewId;
  log: Log;
  metrics: Metrics;
  limits: Limits;
  sessionSettings: SessionSettings;
  rates: Rates;
  retention: Retention;
}

const DAY = 24 * 3600;
const HOUR = 3600;

/**
 * When items expire, in seconds since the epoch. A session outlives its lanes by days, and a lane outlives the events and
 * outcomes that refer to it. DynamoDB may delete up to two days late. A session that was deleted before its entries would
 * count from zero again under them.
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
    /** A month after the session's, which moves with every turn: so the listing is renewed once a month. */
    listing: /* rule: listing-outlives-session */ session + 30 * DAY,
    /** Of a deleted session: long after the last function that could still write for it. */
    tombstone: now + DAY,
  };
};
