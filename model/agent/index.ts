/** The public module for agents. `agent/` imports this module and nothing else of Midturn. */

export type { FilePart as StoredFile } from '../../core/content.ts';
export { DataError, type DataErrorCode } from '../../core/data-error.ts';
export { FileError, type FileErrorCode } from '../../core/file-error.ts';
export type { MadeFile } from '../../core/files/call-files.ts';
export type { Caller } from '../../core/model.ts';
export { UserTokenError, type UserTokenErrorCode } from '../../core/user-token-error.ts';
export type {
  AgentDefinition,
  AgentErrorCode,
  AgentSettings,
} from './agent-definition.ts';
export { AgentDefinitionError } from './agent-definition.ts';
export type { AgentModel, ModelContext } from './agent-model.ts';
export type { AgentOptions } from './agent-options.ts';
export { type AgentToolOptions, agentTool } from './agent-tool.ts';
export type { AgentTool } from './agent-tools.ts';
export type { AgentBudget, BudgetFunction } from './budget.ts';
export type { InstructionsFunction } from './call-types.ts';
export type { CompactionOptions } from './compaction.ts';
export { defineAgent } from './define-agent.ts';
export { type AgentSet, type AgentsOptions, type AgentWish, defineAgents } from './define-agents.ts';
export type {
  AgentHooks,
  Hook,
  HookEvent,
  HookToolCall,
  Refuse,
  TurnReport,
  TurnReportUsage,
} from './hooks.ts';
export { modelFile } from './model-file.ts';
export type { Prices } from './prices.ts';
export type { TitleOptions } from './titles.ts';
export type { DataParts, Emit, TokenOfUser, ToolContext } from './tool-context.ts';
export { toolContext, toolContextWith } from './tool-context.ts';
export type { ToolPolicy } from './tool-policy.ts';
