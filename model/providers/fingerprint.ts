import type { Json } from '../../core/json.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { passedOptions } from '../agent/sdk-options.ts';
import { toJson } from '../tools/json-safe.ts';

export interface ModelIdentity {
  provider: string;
  name: string;
  /** Where it is, or what it is called there, if the settings say so. */
  address?: string | null;
}

/**
 * Identifies everything except the transcript that determines an answer, if the same prompt gets the same answer: at
 * temperature 0, without tools. Undefined otherwise.
 *
 * @param agentName among several agents
 */
export async function fingerprintOf(
  { provider, name, address = null }: ModelIdentity,
  agent: AgentDefinition,
  agentName?: string,
): Promise<Json | undefined> {
  const { instructions, tools, mcp, output } = agent;
  const options = passedOptions(agent);
  const hasTools = Object.keys(tools).length > 0 || Object.keys(mcp ?? {}).length > 0;
  if (provider === 'demo' || options.temperature !== 0 || hasTools || agent.prepareStep) return undefined;
  // A form that cannot be told fails the model call, which says so.
  const form = await Promise.resolve(output?.responseFormat).catch(() => undefined);
  if (output && !form) return undefined;
  return {
    // Agents share no answers, whatever they have in common.
    ...(agentName !== undefined && { agent: agentName }),
    provider,
    model: name,
    address,
    // Of a turn's own: the cache has those that were committed with it.
    instructions: typeof instructions === 'function' ? null : toJson(instructions),
    settings: toJson(options),
    ...(form && { output: toJson(form) }),
  };
}
