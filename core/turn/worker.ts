import { type EpochSeconds, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { LaneId, SessionKey, SlotId } from '../ids.ts';
import type { TurnObserver } from '../model.ts';
import type { TurnJob } from '../ports.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { retireSlot } from '../session/retire.ts';
import { keepListed } from '../session/session-list.ts';
import { carryOver } from '../session/sessions.ts';
import { rejectSlot } from '../session/slots.ts';
import { enterFlight, leaveFlight } from '../session/turns-in-flight.ts';
import type { Session } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { hasWorkFor } from '../store/lane/lane.ts';
import { activate, deactivate, retire } from '../store/session-writes.ts';
import { AGENTS_CODE_MS } from './agents-code.ts';
import type { Suspended } from './approvals.ts';
import type { AgentChosen } from './choose-agent.ts';
import type { SessionAgent, WorkerContext } from './context.ts';
import { Fenced } from './lease.ts';
import { LeasedTurn } from './leased-turn.ts';
import { beginAgent } from './spans.ts';
import { runTurn, type TurnEnd } from './turn.ts';

/**
 * What the queue is told of a job.
 *
 * - `over`: its slot is over. Delete the message.
 * - `handover`: a fresh invocation goes on. Make the message visible at once.
 * - `Suspended`: the turn waits for a user. Make the message visible after so many seconds.
 * - `fenced`: another worker has the lane. Report failure, never success: deleting by a stale handle may delete the
 *   message that the other worker needs.
 */
export type JobEnd = 'over' | 'handover' | 'fenced' | Suspended;

/** Each pass makes progress with one slot. More passes mean that two workers keep disturbing each other. */
const MAX_PASSES = 100;

/** Runs the slot that a turn job names to its end, and before it the slot that is active in its session (P5). */
export async function runJob(context: WorkerContext, job: TurnJob): Promise<JobEnd> {
  const { core } = context;
  /** Other slots run under this job. Each gets a job of its own first, in case this worker dies. */
  const sent = new Set<string>();
  const progress = { posted: 0 };
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = await nextSlot(core, job);
    if (next === 'over') return 'over';
    if (next === 'again') continue;
    const { laneId, slot } = next;
    if (slot !== job.slot && !sent.has(slot)) {
      sent.add(slot);
      // rule: other-slot-gets-own-job
      if (!(await opensOther(core, { ...job, lane: laneId, slot }))) continue;
    }
    const end = await runSlot(context, { session: job.session, ...next }, progress);
    if (end === 'handover' || end === 'fenced' || typeof end === 'object') return end;
    if (end === 'over' && slot === job.slot) return 'over';
  }
  core.log.error('turn job: no progress, returned to the queue', { slot: job.slot });
  return 'fenced';
}

/**
 * Gives a slot that runs under another job a place among the turns in flight and a job of its own: the function that opened it
 * may have died before it did.
 *
 * @returns false: there is no place for it, and its messages have been answered so
 */
async function opensOther(core: Core, other: TurnJob): Promise<boolean> {
  const hasPlace = await enterFlight(core, other);
  // One that has begun is not rejected any more.
  if (!hasPlace && (await rejectSlot(core, other, 'TOO_MANY_TURNS'))) {
    await reportOutcomes(core, other.lane, await core.store.get(laneKey(other.session, other.lane)));
    return false;
  }
  await core.queues.sendJob(other, core.newId());
  return true;
}

/** The slot to run next, as its lane was read. */
interface NextSlot {
  laneId: LaneId;
  slot: SlotId;
  seq: number;
  /** The session as activated. Undefined: the slot is not the active one yet. */
  sessionItem: Session | undefined;
}

/**
 * Nearly every job names the slot that is next, so the slot is activated while its lane is read. A slot that is over, or
 * that waits behind its own lane's turn, is active for a moment: for all others `session.active` is only a hint.
 */
async function nextSlot(core: Core, job: TurnJob): Promise<NextSlot | 'over' | 'again'> {
  const { session, lane: laneId, slot } = job;
  const [activating, reading] = await Promise.allSettled([
    activateSlot(core, session, laneId, slot),
    core.store.get(laneKey(session, laneId)),
  ]);
  const sessionItem = settledValue(activating);
  const lane = settledValue(reading);
  if (!sessionItem) return slotBefore(core, job);
  if (!lane?.slot || /* rule: job-kept-while-slot-has-work */ !hasWorkFor(lane, slot)) {
    await retireSlot(core, session, laneId, slot);
    return 'over';
  }
  if (lane.slot === slot) return { laneId, slot, seq: lane.seq, sessionItem };
  // rule: waiting-slot-is-not-active
  await core.store.update(sessionKey(session), deactivate(slot));
  return { laneId, slot: lane.slot, seq: lane.seq, sessionItem: undefined };
}

/** One turn at a time (P5): the active slot, whose worker died, comes first. */
async function slotBefore(core: Core, { session, slot }: TurnJob): Promise<NextSlot | 'over' | 'again'> {
  const read = await core.store.get(sessionKey(session));
  if (read?.deleted !== undefined) {
    // rule: deleted-turn-leaves-its-place
    await leaveFlight(core, { session, slot });
    return 'over';
  }
  const active = read?.active;
  if (!active || active.slot === slot) return 'again';
  const lane = await core.store.get(laneKey(session, active.lane));
  if (lane?.slot === active.slot)
    return { laneId: active.lane, slot: active.slot, seq: lane.seq, sessionItem: undefined };
  await retireSlot(core, session, active.lane, active.slot);
  return 'again';
}

/** `again`: the lane or the session has changed; read both again. `over`: the slot is over and retired. */
async function runSlot(
  context: WorkerContext,
  where: NextSlot & { session: SessionKey },
  /** `posted`: `seq` of the session's last event that this invocation posted. */
  progress: { posted: number },
): Promise<JobEnd | 'again'> {
  const { core } = context;
  const { session, laneId, slot, seq } = where;
  const sessionItem = where.sessionItem ?? (await activateSlot(core, session, laneId, slot));
  if (!sessionItem) return 'again';
  const [listing, asking, claiming] = await Promise.allSettled([
    keepListed(core, sessionItem),
    context.agentFor(sessionItem),
    LeasedTurn.claim(core, { session, laneId, slot, seq, sessionItem, posted: progress.posted }),
  ]);
  const turn = settledValue(claiming);
  if (!turn) return 'again';
  const span = beginAgent(core.tracer, { session, turn: turn.id, agent: turn.log.agent });
  const traced = { ...context, core: { ...core, tracer: span } };
  let observed: TurnObserver | undefined;
  try {
    const listed = settledValue(listing);
    let agent = await agentOf(turn, context, settledValue(asking));
    let end: TurnEnd | AgentChosen;
    for (;;) {
      observed = agent.observer;
      end = await runTurn(turn, { ...traced, ...agent });
      if (!isChosen(end)) break;
      agent = await context.agentFor(end);
    }
    if (end === 'handover') {
      await turn.handOver();
      return /* rule: handed-over-job-stays */ end;
    }
    if (end !== 'over') {
      await turn.suspend();
      return end;
    }
    progress.posted = turn.nextSeq - 1;
    if (turn.lane.slot === slot) {
      // A turn that follows from what was left in the inbox runs in the same slot, under the same job.
      await turn.spill();
      return 'again';
    }
    await retireLeased(turn, listed);
    return 'over';
  } catch (error) {
    if (!(error instanceof Fenced)) throw error;
    span.end({}, 'fenced');
    core.metrics.count('Fenced');
    core.log.warn('fenced', { turn: turn.id, reason: error.message });
    return /* rule: fenced-job-fails */ 'fenced';
  } finally {
    span.end();
    await turn.settled();
    await observed?.settled(leavingMs(context));
  }
}

const isChosen = (end: TurnEnd | AgentChosen): end is AgentChosen => typeof end === 'object' && 'type' in end;

/**
 * The agent that goes on with a turn is the one that it began with (P11), whatever the session says: one that began before there were
 * several agents goes on with the default one.
 */
async function agentOf(
  { log }: LeasedTurn,
  { agentFor }: WorkerContext,
  sessions: SessionAgent,
): Promise<SessionAgent> {
  if (!log.hasBegun) return sessions;
  const agent =
    log.agent === sessions.name
      ? sessions
      : await agentFor({ ...(log.agent !== undefined && { agent: log.agent }) });
  const { choice, ...other } = agent;
  return choice === 'gone' ? agent : other;
}

/** What is left of this invocation, for the agent's code that looks on: at most half of it. */
const leavingMs = ({ remainingMs }: WorkerContext) =>
  milliseconds(Math.max(0, Math.min(AGENTS_CODE_MS, remainingMs() / 2)));

async function activateSlot(
  core: Core,
  session: SessionKey,
  laneId: LaneId,
  slot: SlotId,
): Promise<Session | undefined> {
  const activated = await core.store.update(sessionKey(session), activate(slot, laneId, core.clock.now()));
  return activated.ok ? activated.item : undefined;
}

function settledValue<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** Retires the slot of a turn that this worker ended. Its events are in EVENTS first, so that a resume finds them (P9). */
async function retireLeased(turn: LeasedTurn, listed: EpochSeconds): Promise<void> {
  const { core, session, slot, lane, sessionItem } = turn;
  // rule: retire-after-spill
  await turn.spill();
  // They are posted first too: once the slot is retired, no worker posts them again.
  await turn.settled();
  await carryOver(core, session, sessionItem.audience, lane.audience);
  const [retired] = await Promise.all([
    core.store.update(
      sessionKey(session),
      retire(slot, sessionItem, lane.seq, lane.entry, expiry(core).session, listed),
    ),
    // rule: ended-turn-leaves-its-place
    leaveFlight(core, { session, slot }),
  ]);
  if (!retired.ok) await retireSlot(core, session, turn.laneId, slot);
}
