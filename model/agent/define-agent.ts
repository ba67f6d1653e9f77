import { type AgentDefinition, AgentDefinitionError, checked } from './agent-definition.ts';
import type { AgentOptions } from './agent-options.ts';
import { type GivenTools, withPolicies } from './agent-tools.ts';
import { type Context, complaintAboutOptions } from './sdk-options.ts';

/** Checks a definition when its module is loaded, so that a mistake shows at start and not in a turn. */
export function defineAgent<
  CALL_OPTIONS = never,
  RUNTIME_CONTEXT extends Context = Context,
  TOOLS extends GivenTools = Record<never, never>,
  SERVERS extends string = never,
>(options: AgentOptions<CALL_OPTIONS, RUNTIME_CONTEXT, TOOLS, SERVERS>): AgentDefinition {
  const unsupported = complaintAboutOptions(options);
  if (unsupported) throw new AgentDefinitionError('OPTION_UNSUPPORTED', unsupported);
  const { instructions = '', tools = {} } = options;
  // Functions of the agent's own types of tools, options and contexts are called with values of these types alone.
  return checked({ ...options, instructions, tools: withPolicies(tools) } as unknown as AgentDefinition);
}
