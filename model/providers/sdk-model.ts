import {
  type FinishReason,
  isStepCount,
  type LanguageModel,
  streamText,
  ToolChoiceViolationError,
  type ToolSet,
  tool,
} from 'ai';
import type { Model, ModelFailure, ModelPart, ModelRequest, Usage } from '../../core/model.ts';
import type { AgentDefinition, AgentTool } from '../agent/agent-definition.ts';
import type { OfferedTools, ToolSource } from '../mcp/tool-source.ts';
import { toJson } from '../tools/json-safe.ts';
import { checkOnly, describeInvalidCall } from '../tools/tool-input.ts';
import { CUT_OFF, EMPTY, toFailure, WITHHELD } from './failure.ts';
import { type CallIds, hasImages, type ShownImages, toModelMessages } from './prompt.ts';

export interface SdkModelOptions {
  provider: string;
  name: string;
  languageModel: LanguageModel;
  agent: Pick<AgentDefinition, 'instructions' | 'settings'>;
  tools: ToolSource;
  /**
   * How the model is kept from calling tools. `choice`: by the provider's own setting. `instruction`: by a sentence after
   * the instructions, for providers where that setting would take the tools, and with them all calls and results, out of
   * the prompt.
   */
  forbidToolsBy: 'choice' | 'instruction';
  callIds: CallIds;
  /** Which images its provider can take in a request. */
  images: ShownImages;
  /** For what an operator should know of a call that went on. */
  warn(message: string, fields: Record<string, unknown>): void;
  /** Values that must not get into a log. */
  secrets: readonly string[];
}

/** So that the model says what it could not look up, instead of making something up. */
const missingNote = ({ missing }: OfferedTools): string[] =>
  missing.length > 0 ? [`The tools of ${missing.join(' and ')} cannot be reached at the moment.`] : [];

const NO_TOOLS_INSTRUCTION = 'Do not call any tool now: answer with what you know.';

/**
 * A model over the AI SDK: one provider call per `stream`, a second one only without images that were refused, and tools
 * declared but not run.
 */
export function createSdkModel(options: SdkModelOptions): Model {
  const { provider, name } = options;
  let declared: Declared | undefined;
  const declareAll = async (): Promise<Declared> => {
    const offered = await options.tools.offered();
    if (declared?.offered !== offered) declared = { offered, tools: declareTools(offered) };
    return declared;
  };
  return {
    provider,
    name,
    async *stream(request, signal) {
      yield* streamParts(options, await declareAll(), request, signal);
    },
  };
}

interface Declared {
  offered: OfferedTools;
  tools: ToolSet;
}

const declareTools = ({ tools }: OfferedTools): ToolSet =>
  Object.fromEntries(Object.entries(tools).map(([name, { tool }]) => [name, declare(tool)]));

/** Without `execute`, the SDK checks a call and leaves running it to the turn, which commits it first. */
function declare({
  description,
  inputSchema,
  inputExamples,
  strict,
  providerOptions,
}: AgentTool['tool']): ToolSet[string] {
  return tool({
    inputSchema: checkOnly(inputSchema),
    ...(description !== undefined && { description }),
    ...(inputExamples !== undefined && { inputExamples }),
    ...(strict !== undefined && { strict }),
    ...(providerOptions !== undefined && { providerOptions }),
  });
}

/**
 * A prompt that is refused as it stands would be refused in every later turn too, since the transcript only grows. If there are
 * images in it (an address that is gone, a model that takes none), they are why, most likely: it is sent once more with a
 * note in the place of each, and the model says so.
 */
async function* streamParts(
  options: SdkModelOptions,
  declared: Declared,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelPart, void, undefined> {
  const { images, provider, name } = options;
  const mayBeTheirs = hasImages(request.messages, images);
  let isFirst = true;
  for await (const part of streamOnce(options, declared, request, signal)) {
    if (isFirst && mayBeTheirs && part.type === 'failure' && part.failure.reason === 'rejected') {
      options.warn('the provider refused a prompt with images: sent again without them', {
        provider,
        model: name,
      });
      yield* streamOnce({ ...options, images: 'none' }, declared, request, signal);
      return;
    }
    isFirst = false;
    yield part;
  }
}

async function* streamOnce(
  { languageModel, agent, forbidToolsBy, callIds, images, secrets }: SdkModelOptions,
  { tools, offered }: Declared,
  { messages, toolChoice }: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelPart, void, undefined> {
  if (signal.aborted) return;
  // A reader that leaves early must end the request too: the SDK's stream is a tee, whose other half would read on.
  const left = new AbortController();
  const mayCall = toolChoice === 'auto';
  const instruct = !mayCall && forbidToolsBy === 'instruction';
  const answer = new Answer(messages, mayCall);
  try {
    const { stream } = streamText({
      ...agent.settings,
      model: languageModel,
      instructions: [
        agent.instructions,
        ...missingNote(offered),
        ...(instruct ? [NO_TOOLS_INSTRUCTION] : []),
      ].join('\n'),
      messages: toModelMessages(messages, { callIds, images }),
      tools,
      toolChoice: instruct ? 'auto' : toolChoice,
      // A URL of a user's is fetched by the provider or by nobody: from here it would reach what only functions can.
      experimental_download: async (files) => files.map(() => null),
      stopWhen: isStepCount(1),
      maxRetries: 0,
      abortSignal: AbortSignal.any([signal, left.signal]),
      // Errors come as parts; the default would also print them, request and all.
      onError: () => {},
    });
    for await (const part of stream) {
      if (signal.aborted) return;
      switch (part.type) {
        case 'text-delta':
          if (part.text === '') break;
          answer.hasText = true;
          yield { type: 'text', text: part.text };
          break;
        case 'reasoning-delta':
          if (part.text !== '') yield { type: 'thinking', text: part.text };
          break;
        case 'tool-call':
          if (!part.providerExecuted) answer.addCall(part);
          break;
        case 'error':
          // The model called a tool although it was told not to. The call is dropped; what it said stands.
          if (ToolChoiceViolationError.isInstance(part.error)) break;
          yield { type: 'failure', failure: toFailure(part.error, secrets) };
          return;
        case 'finish':
          yield* answer.finish(part.finishReason, part.rawFinishReason, {
            inputTokens: part.totalUsage.inputTokens ?? 0,
            outputTokens: part.totalUsage.outputTokens ?? 0,
          });
          return;
      }
    }
    if (!signal.aborted) yield failureOf(CUT_OFF, 'The stream ended without a finish part.');
  } catch (error) {
    if (!signal.aborted) yield { type: 'failure', failure: toFailure(error, secrets) };
  } finally {
    left.abort();
  }
}

function failureOf(verdict: Omit<ModelFailure, 'diagnostic'>, diagnostic: string): ModelPart {
  const failure: ModelFailure = { ...verdict, diagnostic };
  return { type: 'failure', failure };
}

interface SdkToolCall {
  toolCallId: string;
  toolName: string;
  input: unknown;
  invalid?: boolean | undefined;
  error?: unknown;
}

/**
 * What one model call has given so far. Calls are held back until it is complete: of an answer that breaks off, the last
 * call may lack half of its arguments and still be valid, and none of them may run.
 */
class Answer {
  hasText = false;
  readonly #calls: Extract<ModelPart, { type: 'tool_call' }>[] = [];
  readonly #usedIds: Set<string>;
  readonly #mayCall: boolean;

  constructor(messages: ModelRequest['messages'], mayCall: boolean) {
    this.#mayCall = mayCall;
    this.#usedIds = new Set(
      messages.flatMap((message) => (message.role === 'assistant' ? message.calls.map(({ id }) => id) : [])),
    );
  }

  addCall({ toolCallId, toolName, input, invalid, error }: SdkToolCall): void {
    if (!this.#mayCall) return;
    this.#calls.push({
      type: 'tool_call',
      id: this.#uniqueId(toolCallId),
      name: toolName,
      args: toJson(input),
      ...(invalid && { invalid: describeInvalidCall(error, toolName) }),
    });
  }

  /** Some servers count their calls anew in every answer (`call_0`); a result must name one call of the turn. */
  #uniqueId(id: string): string {
    let unique = id;
    for (let n = 2; this.#usedIds.has(unique); n++) unique = `${id}_${n}`;
    this.#usedIds.add(unique);
    return unique;
  }

  *finish(reason: FinishReason, rawReason: string | undefined, usage: Usage): Generator<ModelPart> {
    // Every provider names a reason when its answer is complete; without one, the connection was closed before.
    if (rawReason === undefined) {
      yield failureOf(CUT_OFF, `The stream ended without a finish reason from the provider (${reason}).`);
    } else if (this.hasText || this.#calls.length > 0) {
      yield* this.#calls;
      // Here `error` stands for nothing but a call that was forbidden, and dropped.
      yield { type: 'finish', reason: reason === 'error' ? 'tool-calls' : reason, usage };
    } else {
      yield failureOf(
        reason === 'content-filter' ? WITHHELD : EMPTY,
        `Finish reason ${rawReason}, no text, no call.`,
      );
    }
  }
}
