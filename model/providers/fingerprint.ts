import type { ModelAccess } from '../../config/settings/models.ts';
import type { Json } from '../../core/json.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';

/**
 * Identifies everything except the transcript that determines an answer, if the same prompt gets the same answer: at
 * temperature 0, without tools. Undefined otherwise.
 */
export function fingerprintOf({ choice, baseUrl }: ModelAccess, agent: AgentDefinition): Json | undefined {
  const { instructions, settings, tools, mcp } = agent;
  const hasTools = Object.keys(tools).length > 0 || Object.keys(mcp ?? {}).length > 0;
  if (choice.provider === 'demo' || settings?.temperature !== 0 || hasTools) return undefined;
  return {
    provider: choice.provider,
    model: choice.modelId,
    address: baseUrl ?? null,
    instructions,
    settings: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
  };
}
