import { seconds, toMs } from '../../config/units.ts';
import { InputRequiredError } from '../../core/elicitation.ts';
import type { CallSetup, Toolbox, ToolCall, ToolOutcome } from '../../core/model.ts';
import { type AgentDefinition, findTool, policyOf } from '../agent/agent-definition.ts';
import { isRunByClient, type SdkTool } from '../agent/agent-tools.ts';
import { withContexts } from '../agent/call-contexts.ts';
import { toolContextOf } from '../agent/call-preparation.ts';
import type { CallContext, ToolContext } from '../agent/tool-context.ts';
import { serverOf } from '../mcp/definition.ts';
import { ownTools, type ToolSource } from '../mcp/tool-source.ts';
import { type CheckedInput, clientTools } from './client-tools.ts';
import { toJson } from './json-safe.ts';
import { LentToken, noToken, notForwarded } from './lent-token.ts';
import { shownJson } from './shown-output.ts';
import { needOf, ruleFor } from './tool-approval.ts';
import { checkInput, describeInvalidCall, unknownTool } from './tool-input.ts';

const DEFAULT_TIMEOUT = seconds(60);
/** The session keeps it. */
const MAX_BOUND_LENGTH = 200;
const STOPPED = 'The tool was stopped before it was done.';

/**
 * Runs the agent's tools like the AI SDK: validates the input, and calls `execute`. Of a stream of outputs it shows each, and
 * takes the last.
 */
export function createToolbox(agent: AgentDefinition, source: ToolSource = ownTools(agent)): Toolbox {
  /** The validated input, which a policy's functions get as `execute` does. An invalid call does not run in any case. */
  async function inputOf({ name, args }: ToolCall): Promise<CheckedInput> {
    const { tools } = await source.offered();
    const schema = findTool({ tools }, name)?.tool.inputSchema;
    return schema ? await checkInput(schema, args) : { success: true as const, value: args };
  }

  /** What a function about a call is given beside its input. */
  const optionsOf = ({ id, name }: ToolCall, setup: CallSetup) => ({
    toolCallId: id,
    messages: NO_MESSAGES,
    context: toolContextOf(agent, setup, name),
  });

  return {
    ...(agent.toolCallConcurrency !== undefined && { concurrency: agent.toolCallConcurrency }),
    ...(Object.values(agent.tools).some(isRunByClient) && { client: clientTools(agent, inputOf) }),
    isIdempotent: (name) => policyOf(agent, name)?.idempotent === true,
    isAbortable: (name) => policyOf(agent, name)?.abortable === true,

    async needsApproval(call, setup) {
      const { toolApproval } = agent;
      if (toolApproval !== undefined && ruleFor(toolApproval, call.name) !== undefined) {
        try {
          const checked = await inputOf(call);
          const { tools } = await source.offered();
          const sdkTools = Object.fromEntries(Object.entries(tools).map(([name, { tool }]) => [name, tool]));
          const contexts = withContexts(agent, setup);
          const asked = {
            call,
            input: checked.success && checked.value,
            tools: sdkTools,
            runtimeContext: contexts.runtimeContext ?? {},
            toolsContext: { ...contexts.toolsContext, [call.name]: toolContextOf(agent, setup, call.name) },
          };
          return checked.success ? await needOf(toolApproval, asked) : true;
        } catch {
          return true;
        }
      }
      const needs = policyOf(agent, call.name)?.needsApproval ?? false;
      if (typeof needs === 'boolean') return needs;
      try {
        const checked = await inputOf(call);
        return checked.success ? await needs(checked.value as never, optionsOf(call, setup) as never) : true;
      } catch {
        return true;
      }
    },

    async alwaysCovers(call) {
      const { needsApproval, always: given } = policyOf(agent, call.name) ?? {};
      // What a function says of one call says nothing about the next one.
      const always = given ?? typeof (ruleFor(agent.toolApproval, call.name) ?? needsApproval) !== 'function';
      if (typeof always === 'boolean') return always ? call.name : undefined;
      try {
        const checked = await inputOf(call);
        const bound = checked.success ? await always(checked.value as never) : undefined;
        // A colon is in no tool's name.
        return typeof bound === 'string' && bound.length <= MAX_BOUND_LENGTH
          ? `${call.name}:${bound.toWellFormed()}`
          : undefined;
      } catch {
        return undefined;
      }
    },

    timeLimitMs: (name) => toMs(seconds(policyOf(agent, name)?.timeoutSeconds ?? DEFAULT_TIMEOUT)),

    async run(call, { signal, idempotencyKey, setup, display, files, token, input }) {
      const { id, name, args } = call;
      const forwards = policyOf(agent, name)?.forwardToken === true;
      const lent = new LentToken(forwards ? (token ?? noToken) : notForwarded(name));
      const { tools, missing } = await source.offered(token);
      const own = findTool({ tools }, name)?.tool;
      const { execute, inputSchema: schema } = own ?? {};
      if (!execute && missing.includes(serverOf(name))) {
        return failed(`The server "${serverOf(name)}" cannot be reached: the tool was not run.`);
      }
      if (!execute) return failed(unknownTool(name, Object.keys(tools)));
      try {
        const checked = schema ? await checkInput(schema, args) : { success: true as const, value: args };
        if (!checked.success) return failed(describeInvalidCall(checked.error, name));
        // The turn may have been aborted while the schema validated: a tool that listens from now on would miss it.
        if (signal.aborted) return failed(STOPPED);
        const options = optionsOf(call, setup);
        const emit: ToolContext['emit'] = (name, data, part = {}) =>
          display.data({ ...part, name, data: lent.without(toJson(data)) });
        const progress = (value: unknown) => display.progress(lent.without(toJson(value)));
        const context = await contextFor(own, {
          ...options.context,
          caller: setup.caller,
          idempotencyKey,
          emit,
          files,
          userToken: lent.token,
          progress,
          input,
        });
        if (!context.success)
          return failed(`The context of the tool "${name}" does not fit its contextSchema.`);
        const running: unknown = execute(checked.value, {
          ...options,
          abortSignal: signal,
          context: context.value,
        });
        const output = isAsyncIterable(running) ? await lastOf(running, signal, progress) : await running;
        const shown = await own?.toModelOutput?.({ toolCallId: id, input: checked.value, output });
        return {
          output: lent.without(toJson(output)),
          isError: false,
          ...(shown && { shown: lent.without(shownJson(shown)) }),
        };
      } catch (error) {
        if (error instanceof InputRequiredError && !signal.aborted) return asking(error, lent);
        return failed(signal.aborted ? STOPPED : lent.messageOf(error));
      }
    },
  };
}

/** The SDK would pass the prompt. Our tools see only their input, so that a call can run again. */
const NO_MESSAGES: never[] = [];

/** The context as the tool's schema makes it, always with what the call gives. */
async function contextFor(own: SdkTool | undefined, given: CallContext) {
  if (!own?.contextSchema) return { success: true as const, value: given };
  const checked = await checkInput(own.contextSchema, given);
  return checked.success
    ? {
        success: true as const,
        value: Object.assign({}, checked.value, {
          idempotencyKey: given.idempotencyKey,
          caller: given.caller,
          emit: given.emit,
          files: given.files,
          userToken: given.userToken,
        }),
      }
    : checked;
}

/** What a tool asks the user. Its state is given back as it is, so it cannot be kept without a token that is in it. */
function asking(
  { message, required: { questions, state } }: InputRequiredError,
  lent: LentToken,
): ToolOutcome {
  if (state !== undefined && lent.without(state) !== state)
    return failed('Not done: what the server asks to be kept has the token of the user.');
  const asks = { questions: lent.without(questions), ...(state !== undefined && { state }) };
  return { ...failed(message), asks };
}

function failed(message: string): ToolOutcome {
  return { output: message, isError: true };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * The last of a tool's outputs. Each is shown when it comes, since nobody knows which one is the last. After an abort, one more output
 * counts, with which a tool can say what it has done, and the tool's `return` is called.
 */
async function lastOf(
  outputs: AsyncIterable<unknown>,
  signal: AbortSignal,
  show: (output: unknown) => void,
): Promise<unknown> {
  let last: unknown;
  for await (const output of outputs) {
    last = output;
    if (signal.aborted) break;
    show(output);
  }
  return last;
}
