import { offeredAgents } from '../../config/settings/sessions.ts';
import { inOrderOfArrival } from '../arrival.ts';
import type { MessageId } from '../ids.ts';
import type { MessageContext } from '../message-context.ts';
import { PreparationError } from '../preparation-error.ts';
import type { Session, Withdrawal } from '../store/items.ts';
import { sessionKey } from '../store/keys.ts';
import { chooseAgent as giveAgent } from '../store/session-writes.ts';
import { asked, nameOf } from './agents-code.ts';
import { type LookUp, lookUp, removePending } from './apply.ts';
import type { TurnContext } from './context.ts';
import { Fenced } from './lease.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** The session has an agent now, which goes on with the turn. */
export interface AgentChosen {
  type: 'chosen';
  agent: string;
}

/**
 * Gives a session one of several agents, before its first turn begins: the first pending message that can have one decides. It is
 * stored with the session before anything of the turn is, so that each later worker finds it. Messages before that one are
 * withdrawn.
 *
 * @returns undefined if messages were withdrawn: decide again
 * @throws Fenced if the session is deleted
 */
export async function chooseAgent(turn: LeasedTurn, context: TurnContext): Promise<AgentChosen | undefined> {
  const lookUps = new Map<MessageId, LookUp>();
  await lookUp(turn, lookUps);
  const known: MessageId[] = [];
  const unfit = new Map<MessageId, Withdrawal>();
  for (const { id } of inOrderOfArrival(turn.lane.inbox)) {
    const { outcome, said } = lookUps.get(id) ?? {};
    if (outcome) {
      known.push(id);
      continue;
    }
    const answer = said ? await agentFor(turn, context, said.context) : ({ code: 'AGENT_ERROR' } as const);
    if ('code' in answer) {
      unfit.set(id, answer);
      continue;
    }
    if (known.length + unfit.size > 0) break;
    const agent = await keep(turn, answer.name);
    turn.sessionItem = { ...turn.sessionItem, agent };
    return { type: 'chosen', agent };
  }
  await removePending(turn, context, known, unfit);
  return undefined;
}

const UNAVAILABLE = { code: 'AGENT_UNAVAILABLE' } as const;

/** The agent for the sender of a message, or why there is none. */
async function agentFor(
  { sessionItem }: LeasedTurn,
  { core, choice }: TurnContext,
  { claims = {}, agent: wish }: MessageContext,
): Promise<{ name: string } | Withdrawal> {
  if (choice === undefined || choice === 'gone') return UNAVAILABLE;
  if (wish !== undefined && !offeredAgents(core.sessionSettings).includes(wish)) return UNAVAILABLE;
  const { tenant, subject } = sessionItem.principal;
  try {
    const chosen = await asked(
      core.clock,
      'choose',
      choice.choose({ principal: { tenant, subject }, claims }, wish),
    );
    // What a client asks for is what it gets, or nothing.
    return chosen === undefined || (wish !== undefined && chosen !== wish) ? UNAVAILABLE : { name: chosen };
  } catch (error) {
    core.log.error("the agent's code cannot choose an agent for a session", {
      error: error instanceof PreparationError ? error.message : nameOf(error),
    });
    return { code: 'AGENT_ERROR' };
  }
}

/** Stores the choice. @returns the one that counts: the first that was stored */
async function keep(turn: LeasedTurn, name: string): Promise<string> {
  const { core, session } = turn;
  const key = sessionKey(session);
  for (let read: Session | undefined = turn.sessionItem; ; read = await core.store.get(key)) {
    if (!read || read.deleted !== undefined) throw new Fenced(`session of lane ${turn.laneId} is deleted`);
    if (read.agent !== undefined) return read.agent;
    const given = await core.store.update(key, giveAgent(read, name));
    if (!given.ok) continue;
    if (given.item.revocations !== read.revocations) turn.startTellingTrusts(given.item);
    return name;
  }
}
