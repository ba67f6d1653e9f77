import { type LanguageModel, type ToolSet, tool } from 'ai';
import { type AgentTool, isRunByProvider } from '../agent/agent-tools.ts';
import type { OfferedTools } from '../mcp/tool-source.ts';
import { checkOnly } from '../tools/tool-input.ts';
import { type CacheMarks, markTools } from './cache-marks.ts';
import { takesTool } from './providers-own.ts';

/** Tools as a provider is told of them, and of what they were made. */
export interface Declared {
  offered: OfferedTools;
  tools: ToolSet;
}

/** The model that is told. */
interface DeclaredFor {
  name: string;
  languageModel: LanguageModel;
  cacheMarks?: CacheMarks;
  warn(message: string, fields: Record<string, unknown>): void;
}

/** Tools that another provider runs are left out, with a warning. */
export function declareTools(
  { tools }: OfferedTools,
  { cacheMarks, languageModel, name: model, warn }: DeclaredFor,
): ToolSet {
  const taken = Object.entries(tools).filter(([name, { tool }]) => {
    const isTaken = takesTool(languageModel, tool);
    if (!isTaken) warn(`the tool "${name}" is run by another provider, and is not offered to ${model}`, {});
    return isTaken;
  });
  const declared = Object.fromEntries(taken.map(([name, { tool }]) => [name, declare(tool)]));
  return cacheMarks ? markTools(declared, cacheMarks) : declared;
}

/**
 * Without `execute`, the SDK validates a call and leaves running it to the turn, which commits it first. A tool that the provider
 * runs is passed as it is.
 */
function declare(own: AgentTool['tool']): ToolSet[string] {
  if (isRunByProvider(own)) return own;
  const { description, inputSchema, inputExamples, strict, providerOptions } = own;
  return tool({
    inputSchema: checkOnly(inputSchema),
    ...(description !== undefined && { description }),
    ...(inputExamples !== undefined && { inputExamples }),
    ...(strict !== undefined && { strict }),
    ...(providerOptions !== undefined && { providerOptions }),
  });
}
