import {
  type CallWarning,
  InvalidResponseDataError,
  isStepCount,
  type LanguageModel,
  type LanguageModelUsage,
  type ModelMessage,
  NoOutputGeneratedError,
  streamText,
  ToolChoiceViolationError,
  type ToolSet,
  TypeValidationError,
} from 'ai';
import type { CallSetup, Model, ModelPart, ModelRequest, Price, Usage } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { type AgentOfTurn, agentOfTurn, toolContextOf } from '../agent/call-preparation.ts';
import type { Callbacks } from '../agent/callbacks.ts';
import { instructionsText } from '../agent/instructions.ts';
import { formOfAnswer } from '../agent/output.ts';
import { passedOptions } from '../agent/sdk-options.ts';
import type { OfferedTools, ToolSource } from '../mcp/tool-source.ts';
import { Answer } from './answer.ts';
import { type CacheMarks, markInstructions, markMessages } from './cache-marks.ts';
import type { CallCallbacks } from './call-callbacks.ts';
import { type Declared, declareTools } from './declared-tools.ts';
import { toFailure } from './failure.ts';
import { type CallIds, type ShownFiles, type ShownImages, toModelMessages } from './prompt.ts';
import { withLifeSigns } from './provider-fetch.ts';
import { providerCall, providerResult, sourceOf } from './providers-own.ts';
import { sendableCalls } from './sendable-calls.ts';
import { namesOf, type SdkCaller, stepPreparation } from './step-model.ts';
import { withInstructions, withNotes } from './system-prompt.ts';

export interface SdkModelOptions {
  provider: string;
  name: string;
  languageModel: LanguageModel;
  agent: Omit<AgentDefinition, 'tools'>;
  tools: ToolSource;
  /**
   * How the model is kept from calling tools. `choice`: by the provider's setting. `instruction`: by a sentence after
   * the instructions, for providers whose setting would remove the tools, and all calls and results, from the prompt.
   */
  forbidToolsBy: 'choice' | 'instruction';
  callIds: CallIds;
  /** Calls that the provider accepts in one message. @default any number */
  maxCalls?: number;
  /** The images that the provider accepts in a request. */
  images: ShownImages;
  /** The files that the provider accepts in a request. @default all */
  files?: ShownFiles;
  /** The marks by which the provider's prompt cache is asked for. Undefined: it takes none. */
  cacheMarks?: CacheMarks;
  /** Options of the provider's own, by its name. */
  providerOptions?: NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;
  /** Tokens that one call may write, if the agent's settings name none. */
  maxOutputTokens?: number;
  /** Undefined: what a call costs is not known. */
  price?: Price;
  /** The agent's callbacks about model calls. Undefined: it has none. */
  callbacks?: CallCallbacks;
  /** Logs a problem of a call that continues. */
  warn(message: string, fields: Record<string, unknown>): void;
  /** Values that must not be logged. */
  secrets: Iterable<string>;
}

/** Tells the model which tools are missing, so that it does not invent their results. */
const missingNote = ({ missing }: OfferedTools): string[] =>
  missing.length > 0 ? [`The tools of ${missing.join(' and ')} cannot be reached at the moment.`] : [];

const NO_TOOLS_INSTRUCTION = 'Do not call any tool now: answer with what you know.';

/**
 * A model over the AI SDK. Each `stream` makes one provider call. Tools are declared but not run.
 *
 * @param other the options for another model of the agent's code
 */
export function createSdkModel(
  options: SdkModelOptions,
  other: (model: LanguageModel) => Promise<SdkModelOptions>,
): Model {
  const caller = sdkCaller(options);
  return {
    ...namesOf(options),
    stream: (request, signal, alive) => caller.stream(request, signal, alive),
    ...(options.agent.prepareStep && {
      prepareStep: stepPreparation(caller, async (model) => sdkCaller(await other(model))),
    }),
  };
}

function sdkCaller(options: SdkModelOptions): SdkCaller {
  const { callIds, images, files, maxCalls } = options;
  let declared: Declared | undefined;
  const warn = onceEach(options.warn);
  const declareAll = async ({ token }: ModelRequest): Promise<Declared> => {
    const offered = await options.tools.offered(token);
    if (declared?.offered !== offered)
      declared = { offered, tools: declareTools(offered, { ...options, warn }) };
    return declared;
  };
  const promptOf = ({ messages, files: bytes }: ModelRequest, { tools }: Declared) =>
    sendableCalls(toModelMessages(messages, { callIds, images, ...(files && { files }), bytes }), {
      declared: tools,
      ...(maxCalls !== undefined && { maxCalls }),
    });
  return {
    options,
    promptOf: async (request) => promptOf(request, await declareAll(request)),
    async *stream(request, signal, alive = () => {}, prepared) {
      const told = options.callbacks?.ofCall(request);
      const called = { ...options, warn, callbackOptions: told?.options };
      const declared = await declareAll(request);
      const parts = streamParts(called, declared, request, signal, alive, () => {
        const prompt = promptOf(request, declared);
        return prepared
          ? { agent: prepared.agent, prompt: prepared.messages ?? prompt }
          : { agent: agentOfTurn(options.agent, request.setup), prompt };
      });
      yield* told ? told.watched(parts) : parts;
    },
  };
}

/** Each message once: a provider's package warns in every call. */
function onceEach(warn: SdkModelOptions['warn']): SdkModelOptions['warn'] {
  const warned = new Set<string>();
  return (message, fields) => {
    if (!warned.has(message)) warn(message, fields);
    warned.add(message);
  };
}

async function* streamParts(
  options: SdkModelOptions & { callbackOptions: Callbacks | undefined },
  { tools, offered }: Declared,
  { toolChoice, bare, setup }: ModelRequest,
  signal: AbortSignal,
  alive: () => void,
  prepare: () => { agent: AgentOfTurn; prompt: ModelMessage[] },
): AsyncGenerator<ModelPart, void, undefined> {
  const { languageModel, forbidToolsBy, cacheMarks, secrets, provider, name } = options;
  if (signal.aborted) return;
  // A consumer that stops early must end the request: the SDK's stream is a tee, whose other branch would read on.
  const left = new AbortController();
  try {
    const { agent, prompt: unmarked } = prepare();
    const mayCall = toolChoice === 'auto' && agent.toolChoice !== 'none';
    const instruct = !mayCall && forbidToolsBy === 'instruction';
    const answer = new Answer(mayCall);
    const prompt = cacheMarks ? markMessages(unmarked, cacheMarks) : unmarked;
    const notes = [...missingNote(offered), ...(instruct ? [NO_TOOLS_INSTRUCTION] : [])];
    const system = cacheMarks
      ? markInstructions(agent.instructions, notes, cacheMarks)
      : withNotes(agent.instructions, notes);
    const call = {
      ...(options.maxOutputTokens !== undefined && { maxOutputTokens: options.maxOutputTokens }),
      ...passedOptions(agent, options.providerOptions),
      model: languageModel,
      ...(bare
        ? { messages: withInstructions(instructionsText(agent.instructions), prompt) }
        : {
            // Providers refuse an empty text.
            ...(system.length > 0 && { instructions: system }),
            messages: prompt,
            tools,
            // For descriptions that are functions. The type is that of tools whose context is not known here.
            ...(setup && { toolsContext: contextsOf(options.agent, setup, tools) as never }),
            toolChoice: mayCall ? (agent.toolChoice ?? 'auto') : instruct ? 'auto' : 'none',
          }),
      // The provider fetches a user's URL, or nobody: from here it could reach addresses inside the account.
      experimental_download: async (files: readonly unknown[]) => files.map(() => null),
      ...options.callbackOptions,
      ...(agent.telemetry && { telemetry: agent.telemetry }),
      stopWhen: isStepCount(1),
      maxRetries: 0,
      ...(agent.repairToolCall && { repairToolCall: agent.repairToolCall }),
      abortSignal: AbortSignal.any([signal, left.signal]),
      // The whole answer, as the SDK's own loop would give it back.
      onStepEnd: ({ response }: { response: { messages: readonly ModelMessage[] } }) => {
        answer.message = response.messages.find(({ role }) => role === 'assistant');
      },
      // Errors arrive as parts. The default handler would also print them, with the request.
      onError: () => {},
    };
    const output = formOfAnswer(agent.output);
    const { stream } = withLifeSigns(alive, () => streamText(output ? { ...call, output } : call));
    for await (const part of stream) {
      if (signal.aborted) return;
      // For packages that call the network by themselves.
      alive();
      switch (part.type) {
        case 'start-step':
          if (part.warnings.some(isSilentLimit)) {
            options.warn(
              'the model is unknown, and its answers are limited to 4,096 tokens: set MIDTURN_MODEL_MAX_OUTPUT_TOKENS',
              { provider, model: name },
            );
          }
          break;
        case 'text-delta':
          if (part.text === '') break;
          answer.hasText = true;
          yield { type: 'text', text: part.text };
          break;
        case 'reasoning-delta':
          if (part.text !== '') yield { type: 'thinking', text: part.text };
          break;
        case 'tool-call':
          if (part.providerExecuted) yield providerCall(part);
          else answer.addCall(part);
          break;
        case 'tool-result':
        case 'tool-error':
          if (part.providerExecuted && !('preliminary' in part && part.preliminary))
            yield providerResult(part);
          break;
        case 'source':
          yield sourceOf(part);
          break;
        case 'file':
          answer.hasFile = true;
          yield { type: 'file', mediaType: part.file.mediaType, data: part.file.base64 };
          break;
        case 'error':
          // The model called a tool although it must not. The call is dropped, and its text is kept.
          if (ToolChoiceViolationError.isInstance(part.error)) break;
          if (isUnknownEvent(part.error)) break;
          yield endsWithoutReason(part.error)
            ? answer.brokenOff('The stream ended without a finish reason.')
            : { type: 'failure', failure: toFailure(part.error, secrets) };
          return;
        case 'finish':
          yield* answer.finish(part.finishReason, part.rawFinishReason, usageOf(part.totalUsage));
          return;
      }
    }
    if (!signal.aborted) yield answer.brokenOff('The stream ended without a finish part.');
  } catch (error) {
    if (!signal.aborted) yield { type: 'failure', failure: toFailure(error, secrets) };
  } finally {
    left.abort();
  }
}

const contextsOf = (agent: SdkModelOptions['agent'], setup: CallSetup, tools: ToolSet) =>
  Object.fromEntries(Object.keys(tools).map((name) => [name, toolContextOf(agent, setup, name)]));

/** Packages say 0 also for what their provider does not tell: then the count is left out. */
function usageOf({
  inputTokens = 0,
  outputTokens = 0,
  inputTokenDetails: { cacheReadTokens, cacheWriteTokens },
  outputTokenDetails: { reasoningTokens },
}: LanguageModelUsage): Usage {
  return {
    inputTokens,
    outputTokens,
    ...(cacheReadTokens && { cacheReadTokens }),
    ...(cacheWriteTokens && { cacheWriteTokens }),
    ...(reasoningTokens && { reasoningTokens }),
  };
}

/** Anthropic's package knows no limit of this model, and sends 4,096. */
const isSilentLimit = (warning: CallWarning): boolean =>
  warning.type === 'compatibility' && warning.feature === 'maxOutputTokens';

/** Anthropic adds events and blocks (https://docs.anthropic.com/en/docs/build-with-claude/streaming): they are left out. */
function isUnknownEvent(error: unknown): boolean {
  if (!TypeValidationError.isInstance(error)) return false;
  const { value } = error;
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return typeof value.type === 'string' && !MUST_BE_READ.has(value.type);
}

/** Events of Anthropic's stream without which an answer is not whole. */
const MUST_BE_READ: ReadonlySet<string> = new Set([
  'message_start',
  'message_delta',
  'message_stop',
  'error',
]);

/** The error that a provider's package reports for a stream that just ends. */
const endsWithoutReason = (error: unknown): boolean =>
  NoOutputGeneratedError.isInstance(error) ||
  (InvalidResponseDataError.isInstance(error) && /finish reason/.test(error.message));
