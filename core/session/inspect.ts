import type { Limits } from '../../config/settings/limits.ts';
import { between, type EpochMs, type Milliseconds } from '../../config/units.ts';
import {
  byId,
  type LaneId,
  type RequestId,
  type SessionKey,
  type SlotId,
  slotOf,
  type TurnId,
} from '../ids.ts';
import { ownValue } from '../own-value.ts';
import type { Store } from '../ports.ts';
import { ASKED, type Lane, type Session } from '../store/items.ts';
import { laneIdOf, laneKey, lanesRange, sessionKey } from '../store/keys.ts';
import { hasWorkFor, isClosed, unclaimedSlot } from '../store/lane/lane.ts';
import { readListening } from '../store/listening.ts';
import { OPENER_GRACE_MS } from './slots.ts';

/** How a session stands, for an operator: ids and figures, no content. */
export interface Inspection {
  session: SessionKey;
  deleted?: EpochMs;
  lastEvent: number;
  entries: number;
  connections: { live: number; catchingUp: number };
  /** Slots in the order in which they were admitted. */
  queue: { slot: SlotId; lane: LaneId; sinceMs: Milliseconds; isActive: boolean }[];
  lanes: LaneInspection[];
}

export interface LaneInspection {
  lane: LaneId;
  state: LaneState;
  turn?: TurnId;
  slot?: SlotId;
  /** Messages that the turn in flight takes in, and those that wait for a turn of their own. */
  inbox: number;
  waiting: number;
  /** Messages whose senders have not received that they were withdrawn. */
  undelivered: number;
  lastEvent: number;
  /** Model calls of the turn that were completed. */
  steps: number;
  attempts: number;
  claims: number;
  /** What the state means, and what comes next, in sentences. */
  meaning: string;
}

type LaneState =
  | 'idle'
  | 'waits for another turn'
  | 'waits for a worker'
  | 'waits for an approval'
  | 'waits for a client'
  | 'waits for an answer'
  | 'runs'
  | 'is repeated'
  | 'is stopped';

const MAX_LANES = 1000;

/**
 * Reads a session and its lanes, and says what they mean. Each item is consistent in itself; between them a turn may have
 * moved on.
 *
 * @returns undefined: there is no such session
 */
export async function inspectSession(
  { store, now, limits }: { store: Store; now: EpochMs; limits: Pick<Limits, 'queueTimeoutSeconds'> },
  key: SessionKey,
): Promise<Inspection | undefined> {
  const session = await store.get(sessionKey(key));
  if (!session) return undefined;
  const lanes = new Map<LaneId, Lane>();
  for (const found of await store.keys(...lanesRange(key), MAX_LANES)) {
    const id = laneIdOf(found);
    const lane = await store.get(laneKey(key, id));
    if (lane) lanes.set(id, lane);
  }
  const listening = Object.values(session.audience ?? {}).map((how) => readListening(how).isLive);
  const live = listening.filter(Boolean).length;
  return {
    session: key,
    ...(session.deleted !== undefined && { deleted: session.deleted }),
    lastEvent: Math.max(session.seq ?? 0, ...[...lanes.values()].map(({ seq }) => seq)),
    entries: session.entry ?? 0,
    connections: { live, catchingUp: listening.length - live },
    queue: byId(session.queue ?? {})
      .toSorted(([, a], [, b]) => a.at - b.at)
      .map(([slot, { lane, at }]) => ({
        slot,
        lane,
        sinceMs: between(at, now),
        isActive: session.active?.slot === slot,
      })),
    lanes: [...lanes]
      .filter(([, lane]) => !isClosed(lane) || Object.keys(lane.undelivered).length > 0)
      .map(([id, lane]) => inspectLane(id, lane, { session, lanes, now, limits })),
  };
}

interface Surroundings {
  session: Session;
  lanes: ReadonlyMap<LaneId, Lane>;
  now: EpochMs;
  limits: Pick<Limits, 'queueTimeoutSeconds'>;
}

function inspectLane(id: LaneId, lane: Lane, around: Surroundings): LaneInspection {
  const { state, meaning } = stateOf(lane, around);
  const inFlight = lane.begun?.turn === lane.turn;
  return {
    lane: id,
    state,
    ...(lane.turn !== undefined && { turn: lane.turn }),
    ...(lane.slot !== undefined && { slot: lane.slot }),
    inbox: Object.keys(lane.inbox).length,
    waiting: Object.keys(lane.waiting).length,
    undelivered: Object.keys(lane.undelivered).length,
    lastEvent: lane.seq,
    steps: inFlight ? (lane.usage?.steps ?? 0) : 0,
    attempts: lane.attempts,
    claims: lane.claims ?? 0,
    meaning: [meaning, ...furtherOf(lane)].join(' '),
  };
}

/** The requests without an answer. */
const openOf = (
  requests: Readonly<Record<RequestId, unknown>> = {},
  answers: Readonly<Record<RequestId, unknown>> = {},
) => Object.keys(requests).filter((request) => !Object.hasOwn(answers, request));

function stateOf(lane: Lane, around: Surroundings): { state: LaneState; meaning: string } {
  if (lane.turn === undefined || lane.slot === undefined)
    return { state: 'idle', meaning: 'No turn is in flight: the next message opens one.' };
  if (unclaimedSlot(lane) !== undefined) return unclaimed(lane, lane.slot, around);
  if (lane.cancel?.turn === lane.turn)
    return {
      state: 'is stopped',
      meaning: `A user aborted the turn: its worker ends it at its next look at the lane, within a second, if it is alive.`,
    };
  const requests = openOf(lane.approvals, lane.decisions);
  if (requests.length > 0)
    return {
      state: 'waits for an approval',
      meaning: `A person must answer ${counted(requests.length, 'approval request')}: ${requests.join(', ')}. The turn goes on with the answer, or after MIDTURN_APPROVAL_TIMEOUT_SECONDS.`,
    };
  const open = openOf(lane.asked, lane.outputs) as RequestId[];
  const questions = open.filter((request) => ownValue(lane.asked, request) === ASKED.answer);
  if (questions.length > 0)
    return {
      state: 'waits for an answer',
      meaning: `A person must answer ${counted(questions.length, 'question')} of a tool: ${questions.join(', ')}. The turn goes on with the answer, or after MIDTURN_APPROVAL_TIMEOUT_SECONDS.`,
    };
  const asked = open.filter((request) => ownValue(lane.asked, request) !== ASKED.answer);
  if (asked.length > 0)
    return {
      state: 'waits for a client',
      meaning: `The client of this lane must answer ${counted(asked.length, 'tool output request')}: ${asked.join(', ')}. The turn goes on with the answer, or when the time limit of the call is over.`,
    };
  if (lane.attempts > 1)
    return {
      state: 'is repeated',
      meaning: `${lane.attempts} workers in a row claimed the turn and committed nothing: look for "turn failed" and for invocations that died in the log of the turn function. After the third it ends with an error, and the session goes on.`,
    };
  return {
    state: 'runs',
    meaning:
      'A worker has the turn. If it died, another one replaces it MIDTURN_VISIBILITY_SECONDS after its last heartbeat; the last line "turn claimed" of the log says since when this one has it.',
  };
}

function unclaimed(
  lane: Lane,
  slot: SlotId,
  { session, lanes, now, limits }: Surroundings,
): { state: LaneState; meaning: string } {
  const waited = lane.since === undefined ? 0 : between(lane.since, now);
  const rejected = `If no worker has claimed it ${limits.queueTimeoutSeconds} s after it was opened, its messages are answered SESSION_QUEUE_TIMEOUT.`;
  const { active } = session;
  if (active && active.slot !== slot && hasWorkFor(lanes.get(active.lane), active.slot))
    return {
      state: 'waits for another turn',
      meaning: `It waits behind the turn of lane ${active.lane}, slot ${active.slot}, for ${inSeconds(waited)} now. ${rejected}`,
    };
  const inQueue = Object.hasOwn(session.queue ?? {}, slot);
  if (waited <= OPENER_GRACE_MS)
    return { state: 'waits for a worker', meaning: 'It was opened a moment ago: a worker claims it now.' };
  const cause = inQueue
    ? 'The session admitted it, so its job was probably sent: the turn function is throttled, disabled or fails before it claims (alarms TurnQueueAge, FunctionThrottles and TurnErrors).'
    : 'The session has not admitted it: the function that opened it died before it sent the job.';
  return {
    state: 'waits for a worker',
    meaning: `No worker has claimed it for ${inSeconds(waited)}. ${cause} A reconnect of its client, or the same message again, sends the job again. ${rejected}`,
  };
}

/** What else an operator should know of a lane. */
function* furtherOf(lane: Lane): Generator<string> {
  const waiting = Object.values(lane.waiting);
  if (waiting.length > 0)
    yield `${counted(waiting.length, 'message')} of it will have a turn of their own, in slot ${waiting.map(({ turn }) => slotOf(turn)).join(', ')}.`;
  const undelivered = Object.keys(lane.undelivered).length;
  if (undelivered > 0)
    yield `${counted(undelivered, 'outcome')} of withdrawn messages did not reach the client: its next connection is told.`;
}

const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
const inSeconds = (ms: Milliseconds | 0) => `${(ms / 1000).toFixed(1)} s`;
