import {
  between,
  type EpochSeconds,
  epochMs,
  epochSeconds,
  type Milliseconds,
  milliseconds,
} from '../../config/units.ts';
import type { ClientFrame, ClientFrameType } from '../../protocol/client-frames.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import { errorReply } from '../replies.ts';
import type { Principal, RateCount } from '../store/items.ts';
import { rateKey } from '../store/keys.ts';
import type { Update } from '../store/update.ts';
import { count, setIfAbsent } from '../store/update.ts';

/**
 * What is counted, each on its own, in fixed windows of a minute over all connections of a principal. Aborts have their own
 * count under the limit of frames, so that a user who sent too many messages can still stop the turn. A `ping` counts like
 * any frame: its refusal shows as well as its answer that the connection works. What the application sends (`system`) has its own
 * count too, so that neither takes the other's share.
 */
export type Counted = 'frames' | 'aborts' | 'connections' | 'system';

const WINDOW_MS = milliseconds(60_000);

/**
 * For how many frames one counts. A `message` is 1: its turn costs more than the frame, and turns have limits of their own. A
 * page of a transcript or of the list reads up to a few hundred items, and a deletion writes as many, a fork more.
 */
const WEIGHTS: Readonly<Record<ClientFrameType, number>> = {
  connect: 1,
  message: 1,
  abort: 1,
  cancel: 1,
  approval_response: 1,
  tool_output: 1,
  elicitation_answer: 1,
  rename: 1,
  revoke: 1,
  ping: 1,
  // Their bytes are counted apart (`dayFileBytes`).
  upload: 1,
  download: 1,
  history: 4,
  sessions: 4,
  export: 4,
  delete: 10,
  // And more, if it has more than 200 entries: `excessOfFork`.
  fork: 20,
};
/** Entries that are copied for one frame. A message writes as many items with its turn. */
const COPIED_PER_FRAME = 10;
/** A `connect` that asks for events, each of which is a post of its own. */
const REPLAY_WEIGHT = 10;
/** A search reads a hundred sessions, whatever it finds. */
const SEARCH_WEIGHT = 10;

/** A principal that goes on to this many times the limit loses the connection that it sends on. */
const DISCONNECT_AT = 3;

/** When a client tries again whose frame could not be counted: a throttled partition of DynamoDB recovers in about a second. */
const UNCOUNTED_RETRY_MS = milliseconds(1000);

export function weightOf(frame: ClientFrame): number {
  if (frame.type === 'connect' && frame.resume?.after_seq !== undefined) return REPLAY_WEIGHT;
  if (frame.type === 'sessions' && frame.query !== undefined) return SEARCH_WEIGHT;
  return WEIGHTS[frame.type];
}

/** Counts a frame, or what a client sent in the place of one. */
export const excessOfFrame = (
  core: Core,
  principal: Principal,
  frame: ClientFrame | undefined,
): Promise<Excess | undefined> =>
  excessOf(core, principal, frame?.type === 'abort' ? 'aborts' : 'frames', frame ? weightOf(frame) : 1);

export interface Excess {
  /** `over`: the limit is reached. `flood`: far beyond it. `uncounted`: nobody knows, since counting failed. */
  kind: 'over' | 'flood' | 'uncounted';
  limit: number;
  /** Until the next window, or the next try. */
  retryAfterMs: Milliseconds;
}

/** Unconditional: a count is always right, and a repeated request counts too many, on the safe side. */
const more = (weight: number, expires: EpochSeconds): Update<RateCount> => ({
  when: [],
  change: [count('count', weight), setIfAbsent('expires', expires)],
});

/**
 * Counts, and returns the excess if that is over the limit. It never throws. A frame that cannot be counted is refused, or
 * whoever makes the count fail would have no limit. Its client sends it again after a second, and loses nothing.
 *
 * Honest users seldom meet it: each principal and minute has an item of its own, so a throttled count is that of one principal,
 * or all of the table's writes are throttled and the frame would fail with them.
 */
export async function excessOf(
  core: Core,
  principal: Principal,
  kind: Counted,
  weight = 1,
): Promise<Excess | undefined> {
  const limit = kind === 'connections' ? core.rates.connectionsPerMinute : core.rates.framesPerMinute;
  if (limit === 0) return undefined;
  const now = core.clock.now();
  const window = Math.floor(now / WINDOW_MS);
  const ends = epochMs((window + 1) * WINDOW_MS);
  try {
    const written = await core.store.update(
      rateKey(principal, kind, window),
      more(weight, epochSeconds(Math.ceil(ends / 1000))),
    );
    const sum = written.ok ? written.item.count : Number.POSITIVE_INFINITY;
    if (sum <= limit) return undefined;
    const isFlood = sum > DISCONNECT_AT * limit;
    return { kind: isFlood ? 'flood' : 'over', limit, retryAfterMs: between(now, ends) };
  } catch (error) {
    core.log.warn('rate not counted', { kind, error: String(error) });
    return { kind: 'uncounted', limit, retryAfterMs: UNCOUNTED_RETRY_MS };
  }
}

/**
 * Counts what a long fork is beyond its frame, before anything is copied. At most half the limit, so that a fork can be made at all
 * where the limit is low. The next frame closes the connection after a flood.
 */
export async function excessOfFork(
  core: Core,
  principal: Principal,
  entries: number,
): Promise<Excess | undefined> {
  const most = Math.floor(core.rates.framesPerMinute / 2);
  const more = Math.min(Math.ceil(entries / COPIED_PER_FRAME), most) - WEIGHTS.fork;
  const excess = more > 0 ? await excessOf(core, principal, 'frames', more) : undefined;
  return excess?.kind === 'flood' ? { ...excess, kind: 'over' } : excess;
}

/** The answer to a frame over the limit. Nothing of the frame is stored, so the client may send it again unchanged. */
export const tooMany = ({ kind, limit, retryAfterMs }: Excess, id: string | undefined): ErrorReply =>
  errorReply('RATE_LIMITED', `${REASONS[kind](limit)} Send this frame again later.`, {
    ...(id !== undefined && { id }),
    limit,
    retry_after_ms: retryAfterMs,
  });

const REASONS: Readonly<Record<Excess['kind'], (limit: number) => string>> = {
  over: (limit) => `More than ${limit} frames in a minute.`,
  flood: (limit) => `More than ${DISCONNECT_AT * limit} frames in a minute; the connection is closed.`,
  uncounted: () => 'The frame could not be counted.',
};

/** Before a connection is closed that was to be sent the same events once more. A new one resumes at once. */
export const replayedTwice = (): ErrorReply =>
  errorReply('RATE_LIMITED', 'This connection was replayed twice and is closed. Resume on a new one.', {
    retry_after_ms: 0,
  });
