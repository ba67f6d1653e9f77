import { agent } from '../../agent/agent.ts';
import type { Environment } from '../../config/settings/setting.ts';
import type { Core } from '../../core/core.ts';
import type { AgentChoice, WorkerContext } from '../../core/turn/context.ts';
import type { AgentDefinition } from '../../model/agent/agent-definition.ts';
import { type AgentSet, isAgentSet } from '../../model/agent/define-agents.ts';
import { composeAgent } from './agent-for.ts';

/** The deployment's agents, composed from `agent/`, the settings and their secrets. */
export interface Agents extends Pick<WorkerContext, 'agentFor'> {
  /** Asks MCP servers for their tools. The turn function starts it beside a turn's first reads and writes. */
  offerTools(): Promise<unknown>;
}

/** @param exported what the agent's module exports: one agent, or several */
export function createAgents(
  env: Environment,
  core: Core,
  exported: AgentDefinition | AgentSet = agent,
): Agents {
  return isAgentSet(exported) ? several(env, core, exported) : one(env, core, exported);
}

function one(env: Environment, core: Core, definition: AgentDefinition): Agents {
  const { serve, offerTools } = composeAgent(definition, env, core);
  return {
    // Of a deployment that had several before: a session's agent is none that this one can stand in for.
    agentFor: async ({ agent: name }) => ({
      ...(await serve()),
      ...(name !== undefined && { choice: 'gone' }),
    }),
    offerTools,
  };
}

function several(env: Environment, core: Core, { agents, default: usual, choose }: AgentSet): Agents {
  const composed = new Map(
    [...agents].map(([name, definition]) => [name, composeAgent(definition, env, core, name)]),
  );
  const serve = (name: string) => {
    const found = composed.get(name);
    if (!found) throw new Error(`There is no agent "${name}".`);
    return found.serve();
  };
  const choice: AgentChoice = { choose: (who, asked) => choose({ ...who, asked }) };
  return {
    async agentFor({ agent: name }) {
      if (name !== undefined && composed.has(name)) return serve(name);
      return { ...(await serve(usual)), choice: name === undefined ? choice : 'gone' };
    },
    offerTools: () => Promise.all([...composed.values()].map(({ offerTools }) => offerTools())),
  };
}
