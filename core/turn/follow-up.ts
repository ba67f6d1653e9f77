import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { type Entry, entriesOf } from '../events/entries.ts';
import { decodeEvents, isEnd, mergeEvents, type TurnEvent, type TurnFacts } from '../events/events.ts';
import { readEvents } from '../events/journal.ts';
import { promptOf } from '../events/prompt.ts';
import type { EndedTurn } from '../hooks.ts';
import type { EndedTurnJob } from '../ports.ts';
import type { Session } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import type { SessionAgent, WorkerContext } from './context.ts';
import { afterTurn } from './hooks.ts';
import { setupOf } from './opening.ts';
import { writeTitle } from './title.ts';
import { TurnLog } from './turn-log.ts';

/**
 * What follows the end of a turn, beside the session's turns: nobody waits for it. It happens at least once: the queue delivers its
 * job again if its worker dies.
 */

type FollowUpContext = Pick<WorkerContext, 'core' | 'agentFor' | 'remainingMs' | 'reserveMs'>;

/** @throws if the store fails */
export async function followTurn(context: FollowUpContext, job: EndedTurnJob): Promise<void> {
  const { core } = context;
  const item = await core.store.get(sessionKey(job.session));
  if (!item || item.deleted !== undefined) return;
  const ended = await readEnded(core, job);
  if (!ended) {
    core.log.error('the events of a turn are gone: no hook is told of its end', { turn: job.turn });
    return;
  }
  const agent = await context.agentFor({ ...(ended.log.agent !== undefined && { agent: ended.log.agent }) });
  // What another agent's code would do belongs to no turn of this one.
  if (agent.choice !== undefined) return;
  const entries = entriesOf(ended.log.events);
  await Promise.all([
    callHook(context, agent, item, ended, entries),
    // rule: title-follows-an-answer
    ended.end.type === 'done' && writeTitle(context, job.session, item, agent, entries),
  ]);
}

/** A turn that has ended, whole. */
interface Ended {
  log: TurnLog;
  end: Extract<TurnEvent, { type: 'done' | 'aborted' | 'error' }>;
  facts: TurnFacts;
}

async function readEnded(
  core: Core,
  { session, lane: laneId, turn, first }: EndedTurnJob,
): Promise<Ended | undefined> {
  // The lane before the items: what has left the lane by then is there.
  const lane = await core.store.get(laneKey(session, laneId));
  const spilled = await readEvents(core, session, first);
  const events = mergeEvents(spilled, decodeEvents(lane?.unspilled ?? [])).filter(
    (event) => event.turn === turn,
  );
  const end = events.at(-1);
  const log = new TurnLog(events);
  const isWhole =
    end !== undefined && log.start !== undefined && events.length === end.seq - log.start.seq + 1;
  return isWhole && isEnd(end) && end.facts ? { log, end, facts: end.facts } : undefined;
}

async function callHook(
  context: FollowUpContext,
  agent: SessionAgent,
  item: Session,
  { log, end, facts }: Ended,
  entries: readonly Entry[],
): Promise<void> {
  const ended: EndedTurn = {
    outcome: end.type,
    ...(end.type === 'error' && { code: end.code }),
    messages: promptOf(entries),
    text: log.text,
    steps: facts.steps,
    usage: facts.usage,
    ...(facts.provider !== undefined && { provider: facts.provider }),
    ...(facts.model !== undefined && { model: facts.model }),
  };
  const setup = setupOf(item, end.turn, log.context);
  const ms = milliseconds(Math.max(0, context.remainingMs() - context.reserveMs));
  await afterTurn({ ...context, ...agent }, { id: end.turn, setup }, ended, ms);
}
