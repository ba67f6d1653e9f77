import type { Caller } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';
import { PreparationError } from '../../core/preparation-error.ts';
import { type AgentDefinition, AgentDefinitionError } from './agent-definition.ts';
import { TOOL_NAME } from './tool-name.ts';

/** Who is to have an agent. */
export interface AgentWish<NAMES extends string = string> {
  principal: Caller['principal'];
  /** As in `Caller`. */
  claims: Caller['claims'];
  /** What the client asked for: one of `MIDTURN_AGENTS`. Undefined: nothing. */
  asked: NAMES | undefined;
}

export interface AgentsOptions<NAMES extends string = string> {
  /** The agent of sessions for which nobody chooses. @default - the first one */
  default?: NoInfer<NAMES>;
  /**
   * Which agent a new session has, or none: undefined refuses the message with `AGENT_UNAVAILABLE`. A client that asked for one gets
   * that one or none. It is asked once for a session, before its first turn, and has 10 s.
   *
   * @default - what the client asked for, or the default agent
   * @example choose: ({ claims, asked = 'support' }) => (asked !== 'staff' || claims.role === 'staff' ? asked : undefined)
   */
  choose?: (
    wish: AgentWish<NoInfer<NAMES>>,
  ) => NoInfer<NAMES> | undefined | PromiseLike<NoInfer<NAMES> | undefined>;
}

/** Several agents of one deployment. Each session has one of them. */
export interface AgentSet {
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly default: string;
  /** @throws what the agent's code throws, and a `PreparationError` for a name that is none */
  choose(wish: AgentWish): Promise<string | undefined>;
}

/**
 * Puts several agents into one deployment. A session has one of them for all of its turns.
 *
 * @throws {AgentDefinitionError} for a mistake
 * @example export const agent = defineAgents({ support, sales }, { choose: ({ asked = 'support' }) => asked })
 */
export function defineAgents<const NAMES extends string>(
  agents: Readonly<Record<NAMES, AgentDefinition>>,
  options: AgentsOptions<NAMES> = {},
): AgentSet {
  const named: readonly [NAMES, AgentDefinition][] = entriesOf(agents);
  const [first] = named;
  if (!first) throw new AgentDefinitionError('AGENTS_INVALID', 'defineAgents names no agent.');
  for (const [name] of named)
    if (!TOOL_NAME.test(name))
      throw new AgentDefinitionError(
        'AGENTS_INVALID',
        `Agent name "${name}": only letters, digits, _ and - are allowed, at most 64.`,
      );
  const { default: usual = first[0], choose } = options;
  if (ownValue(agents, usual) === undefined)
    throw new AgentDefinitionError('AGENTS_INVALID', `default: there is no agent "${usual}".`);
  const isName = (name: string | undefined): name is NAMES => named.some(([known]) => known === name);
  return {
    agents: new Map(named),
    default: usual,
    async choose({ asked, ...who }) {
      if (asked !== undefined && !isName(asked)) return undefined;
      const chosen = choose ? await choose({ ...who, asked }) : (asked ?? usual);
      if (chosen !== undefined && !isName(chosen))
        throw new PreparationError('choose gave a name that is no agent');
      return chosen;
    },
  };
}

const entriesOf = <NAMES extends string, T>(record: Readonly<Record<NAMES, T>>): [NAMES, T][] =>
  Object.entries(record) as [NAMES, T][];

/** What the module of an agent exports. */
export const isAgentSet = (exported: AgentDefinition | AgentSet): exported is AgentSet =>
  'agents' in exported;
