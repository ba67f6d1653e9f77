import type { Toolbox, ToolOutcome } from '../../core/model.ts';
import { type AgentDefinition, findTool, policyOf, type ToolContext } from '../agent/agent-definition.ts';
import { serverOf } from '../mcp/definition.ts';
import { ownTools, type ToolSource } from '../mcp/tool-source.ts';
import { toJson } from './json-safe.ts';
import { checkInput, describeInvalidCall, unknownTool } from './tool-input.ts';

const MAX_ERROR_LENGTH = 500;
const DEFAULT_TIMEOUT_SECONDS = 60;
const STOPPED = 'The tool was stopped before it was done.';

/** The agent's tools, run as the AI SDK runs them: schema first, then `execute`, of a stream of outputs the last. */
export function createToolbox(agent: AgentDefinition, source: ToolSource = ownTools(agent)): Toolbox {
  return {
    isIdempotent: (name) => policyOf(agent, name)?.idempotent === true,
    isAbortable: (name) => policyOf(agent, name)?.abortable === true,

    async needsApproval({ name, args }) {
      const needs = policyOf(agent, name)?.needsApproval ?? false;
      if (typeof needs === 'boolean') return needs;
      try {
        // Of what its schema makes of the arguments, as `execute` sees them. What does not fit is not run.
        const { tools } = await source.offered();
        const schema = findTool({ tools }, name)?.tool.inputSchema;
        const checked = schema ? await checkInput(schema, args) : { success: true as const, value: args };
        return checked.success ? await needs(checked.value as never) : true;
      } catch {
        return true;
      }
    },

    timeLimitMs: (name) => (policyOf(agent, name)?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000,

    async run({ id, name, args }, { signal, idempotencyKey }) {
      const { tools, missing } = await source.offered();
      const { execute, inputSchema: schema } = findTool({ tools }, name)?.tool ?? {};
      if (!execute && missing.includes(serverOf(name))) {
        return failed(`The server "${serverOf(name)}" cannot be reached: the tool was not run.`);
      }
      if (!execute) return failed(unknownTool(name, Object.keys(tools)));
      try {
        const checked = schema ? await checkInput(schema, args) : { success: true as const, value: args };
        if (!checked.success) return failed(describeInvalidCall(checked.error, name));
        // While the schema was at work, the turn may have been aborted: a tool that listens from now on would not hear of it.
        if (signal.aborted) return failed(STOPPED);
        const context: ToolContext = { idempotencyKey };
        const output: unknown = execute(checked.value, {
          toolCallId: id,
          abortSignal: signal,
          context,
          // The SDK would show the prompt here; a tool of ours works from its input alone, so that it can be run again.
          messages: [],
        });
        return {
          output: toJson(isAsyncIterable(output) ? await lastOf(output) : await output),
          isError: false,
        };
      } catch (error) {
        return failed(signal.aborted ? STOPPED : messageOf(error));
      }
    },
  };
}

function failed(message: string): ToolOutcome {
  return { output: message, isError: true };
}

/** A tool's own message, for the model and the user to see; never the stack. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : typeof error === 'string' ? error : '';
  return (message || 'The tool failed without saying why.').slice(0, MAX_ERROR_LENGTH);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function lastOf(outputs: AsyncIterable<unknown>): Promise<unknown> {
  let last: unknown;
  for await (const output of outputs) last = output;
  return last;
}
