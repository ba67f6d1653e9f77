/** The public module for agents. `agent/` imports this module and nothing else of Midturn. */
export type {
  AgentDefinition,
  AgentSettings,
  AgentTool,
  ToolContext,
} from './agent-definition.ts';
export { AgentDefinitionError, defineAgent, toolContext } from './agent-definition.ts';
export type { ToolPolicy } from './tool-policy.ts';
