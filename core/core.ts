import { fileDays, type Limits, type Rates, type Retention } from '../config/settings/limits.ts';
import type { SessionSettings } from '../config/settings/sessions.ts';
import {
  after,
  type EpochMs,
  type EpochSeconds,
  expiresAfter,
  milliseconds,
  seconds,
} from '../config/units.ts';
import type {
  Clock,
  EventBus,
  Files,
  Gateway,
  Log,
  Metrics,
  Milestones,
  NewId,
  OpenToken,
  Queues,
  SealToken,
  Store,
} from './ports.ts';
import type { Tracer } from './tracing.ts';

/** What the core is given: its ports and its settings. */
export interface Core {
  store: Store;
  queues: Queues;
  gateway: Gateway;
  /** Where other systems listen. @default - nobody is told */
  bus?: EventBus;
  /** Where files are. @default - nobody can send one */
  files?: Files;
  /** Of the function that knows the tokens of users. @default - none is kept */
  sealToken?: SealToken;
  /** Of the function that runs tools. @default - it can open none */
  openToken?: OpenToken;
  clock: Clock;
  newId: NewId;
  log: Log;
  metrics: Metrics;
  milestones: Milestones;
  tracer: Tracer;
  limits: Limits;
  sessionSettings: SessionSettings;
  rates: Rates;
  retention: Retention;
}

/** In seconds. */
const HOUR = 3600;
const DAY = 24 * HOUR;

/** When the entries of a turn expire that began at `at`. */
export const entriesExpire = ({ transcriptDays }: Retention, at: EpochMs): EpochSeconds =>
  expiresAfter(at, seconds(transcriptDays * DAY));

/**
 * When items expire. A session outlives its lanes by days, and a lane outlives the events and
 * outcomes that refer to it. DynamoDB may delete up to two days late. A session that was deleted before its entries would
 * count from zero again under them.
 */
export const expiry = (core: Pick<Core, 'clock' | 'retention'>) => {
  const now = core.clock.now();
  const keptFor = (duration: number) => expiresAfter(now, seconds(duration));
  const entry = core.retention.transcriptDays * DAY;
  const events = core.retention.eventHours * HOUR;
  const session = Math.max(entry, events) + 14 * DAY;
  return {
    /** A file that no message has yet. */
    unsent: after(now, milliseconds(DAY * 1000)),
    /** A file that a message has: as long as that is in the transcript, if it is sent within a day. */
    sent: after(now, milliseconds((entry + 2 * DAY) * 1000)),
    /** What is known of a file, which the bucket keeps for `fileDays`. */
    file: keptFor((fileDays(core.retention) + 2) * DAY),
    /** API Gateway ends every connection after two hours. */
    connection: keptFor(DAY),
    // A turn that takes a day still finds its own.
    events: keptFor(Math.max(events, DAY)),
    outcome: keptFor(DAY),
    entry: keptFor(entry),
    lane: keptFor(Math.max(events, DAY) + 4 * DAY),
    session: keptFor(session),
    /** A month after the session's, which moves with every turn: so the listing is renewed once a month. */
    listing: keptFor(/* rule: listing-outlives-session */ session + 30 * DAY),
    /** Of a deleted session: long after the last function that could still write for it. */
    tombstone: keptFor(DAY),
  };
};
