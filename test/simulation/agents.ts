import type { AgentChoice } from '../../core/turn/context.ts';
import type { Random } from './random.ts';

/** Several agents of one deployment, in histories with them. They differ in their names alone. */
export const AGENTS = ['first', 'second'] as const;

/** Which agent made a model call of a turn. */
export interface Served {
  turn: string;
  agent: string | undefined;
}

/** What each device asks for: mostly nothing, or what others ask for, so that most messages are taken. */
export function wishesOf(random: Random): ReadonlyMap<string, string | undefined> {
  const usual = random.pick(undefined, ...AGENTS);
  return new Map(
    ['A', 'B', 'C'].map((device) => [device, random.pick(undefined, usual, usual, ...AGENTS, 'third')]),
  );
}

/** Whoever asks for nothing is given another agent each time that the code is asked, so that asking again shows. */
export function standingOf(
  cloud: { chosen: number },
  { agent }: { agent?: string },
): { name: string; choice?: AgentChoice } {
  if (agent !== undefined) return { name: agent };
  return {
    name: AGENTS[0],
    choice: { choose: async (_who, asked) => asked ?? AGENTS[cloud.chosen++ % AGENTS.length] },
  };
}
