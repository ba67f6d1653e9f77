import type { MessageOutcome } from '../../core/store/items.ts';
import { AGENTS } from './agents.ts';
import type { Evidence, Witness } from './evidence.ts';
import type { Stored } from './stored.ts';

/**
 * Of several agents, a session has one for all of its turns: each begins with it, also after a take-over and where devices connect at
 * the same time, and no other one calls a model for them (P11). No agent reads a message that was sent for another one (P2).
 */
export function judgeAgents(cloud: Evidence, { session }: Stored, devices: readonly Witness[]): void {
  if (!cloud.agents) return;
  const began = new Map<string, string | undefined>();
  for (const event of cloud.committed.values()) {
    if (event.type !== 'turn_start') continue;
    began.set(event.turn, event.agent);
    if (event.agent === undefined || event.agent !== session?.agent)
      cloud.violated(
        'P11',
        `turn ${event.turn} began with agent ${event.agent}, of a session with ${session?.agent}`,
      );
  }
  for (const { turn, agent } of cloud.agents)
    if (agent !== began.get(turn))
      cloud.violated('P11', `agent ${agent} called a model for turn ${turn} of ${began.get(turn)}`);
  const applied = new Set(
    [...cloud.committed.values()].flatMap((event) =>
      event.type === 'applied' ? event.messages.map(({ id }) => String(id)) : [],
    ),
  );
  for (const { name, sent } of devices)
    for (const { id, wish, outcome } of sent.values()) {
      if (wish !== undefined && applied.has(id) && wish !== session?.agent)
        cloud.violated('P2', `${id} was sent for agent ${wish}, and ${session?.agent} has read it`);
      if (outcome === 'AGENT_FIXED' && wish !== undefined && wish === session?.agent)
        cloud.violated('P2', `${id} of ${name} was refused for the agent that the session has`);
      if (outcome === 'AGENT_UNAVAILABLE' && wish !== undefined && AGENTS.some((known) => known === wish))
        cloud.violated('P2', `${id} of ${name} was refused, and there is an agent ${wish}`);
    }
}

/** Whether a message was refused, since its sender asked for an agent that the session does not have. */
export const isForOtherAgent = (outcome: MessageOutcome | undefined): boolean =>
  outcome?.outcome === 'withdrawn' && /^AGENT_(FIXED|UNAVAILABLE)$/.test(outcome.code);
