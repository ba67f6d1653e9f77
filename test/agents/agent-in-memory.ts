import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { systemClock } from '../../aws/system.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { readEvents } from '../../core/events/journal.ts';
import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import { readTranscriptBefore } from '../../core/events/transcript.ts';
import type { Json } from '../../core/json.ts';
import type { Clock, Files, Log } from '../../core/ports.ts';
import type { Connection } from '../../core/store/items.ts';
import { isWrite, MemoryTable, memoryStore } from '../../core/testing/memory-store.ts';
import { type TurnInMemory, turnInMemory } from '../../core/testing/turn-in-memory.ts';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { callPreparationOf } from '../../model/agent/call-preparation.ts';
import { CallbackQueue } from '../../model/agent/callbacks.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { hooksOf } from '../../model/agent/hooks.ts';
import { loopControlOf } from '../../model/agent/loop-control.ts';
import { observerOf } from '../../model/agent/observer.ts';
import type { Context } from '../../model/agent/sdk-options.ts';
import { sdkModelOf } from '../../model/providers/sdk-model-of.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';
import type { MessageFrame } from '../../protocol/client-frames.ts';

/** As the package that `ai` itself uses has them. */
export type ModelCall = MockLanguageModelV4['doStreamCalls'][number];
type StreamPart =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer Part>
    ? Part
    : never;

type ScriptedCalls = readonly (readonly [tool: string, input: unknown])[];

/**
 * What a scripted model gives in a step: a text, or calls of tools with their inputs, or both. Where its text was cut it goes on;
 * `anew`: it says the whole again.
 */
type ScriptedStep = string | ScriptedCalls | { anew: string; calls?: ScriptedCalls };

/** Decides by the prompt alone, as a model does: a repeated call is answered in the same way. */
export type Script = (call: ModelCall) => ScriptedStep | Promise<ScriptedStep>;

const USAGE = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 5, text: 5, reasoning: undefined },
};

/** A model of the AI SDK that follows a script. */
export function scriptedModel(script: Script, provider = 'house.chat'): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider,
    modelId: 'scripted',
    doStream: async (call) => ({ stream: convertArrayToReadableStream(partsOf(await script(call), call)) }),
  });
}

function partsOf(step: ScriptedStep, { prompt }: ModelCall): StreamPart[] {
  const isText = typeof step === 'string' || 'anew' in step;
  const text = typeof step === 'string' ? restOf(step, prompt) : isText ? step.anew : undefined;
  const calls = (isText ? typeof step === 'object' && step.calls : step) || [];
  const [unified, raw] =
    calls.length > 0 ? (['tool-calls', 'tool_calls'] as const) : (['stop', 'stop'] as const);
  return [
    { type: 'stream-start', warnings: [] },
    ...(text === undefined ? [] : textParts(text)),
    ...calls.map(([toolName, input], i): StreamPart => {
      const input_ = typeof input === 'string' ? input : JSON.stringify(input);
      return { type: 'tool-call', toolCallId: `call-${prompt.length}-${i}`, toolName, input: input_ };
    }),
    { type: 'finish', finishReason: { unified, raw }, usage: USAGE },
  ];
}

/** In two pieces. */
function textParts(text: string): StreamPart[] {
  const half = Math.ceil(text.length / 2);
  return [
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: text.slice(0, half) },
    { type: 'text-delta', id: '1', delta: text.slice(half) },
    { type: 'text-end', id: '1' },
  ];
}

/** What is left to say, where the model is asked to continue: a line break where nothing is. */
function restOf(text: string, prompt: ModelCall['prompt']): string {
  const [cut, request] = [prompt.at(-2), prompt.at(-1)];
  const isAsked = JSON.stringify(request?.content).includes(JSON.stringify(CONTINUE_REQUEST).slice(1, -1));
  if (!isAsked || cut?.role !== 'assistant') return text;
  const said = cut.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return text.slice(said.length) || '\n';
}

/** The results that a prompt has, in their order. */
export const resultsIn = ({ prompt }: ModelCall) =>
  prompt.flatMap(({ role, content }) =>
    role === 'tool' ? content.flatMap((part) => (part.type === 'tool-result' ? [part.output] : [])) : [],
  );

export interface Ran {
  /** The transcript, oldest first: what was said, called and given. */
  said: Json[];
  /** The turn's last event. */
  end: TurnEvent | undefined;
  /** The calls that the model was given. */
  calls: ModelCall[];
  /** Writes that workers made. */
  writes: number;
  /** Warnings and errors. */
  logged: { message: string; fields: unknown }[];
}

/** Dies instead of making the write of that number after `begin`, once. */
function dyingAt(write: number) {
  let writes = 0;
  let hasBegun = false;
  const store = memoryStore(new MemoryTable(), async (call, run) => {
    if (hasBegun && isWrite(call) && ++writes === write) throw new Error('the worker dies');
    return run();
  });
  const begin = () => {
    hasBegun = true;
  };
  return { store, begin, writes: () => writes };
}

/**
 * Runs one turn of an agent on a table in memory.
 *
 * @param dies the number of the write at which a worker dies. Another one takes over.
 */
export async function runAgent<CALL_OPTIONS = never, RUNTIME_CONTEXT extends Context = Context>(
  options: AgentOptions<CALL_OPTIONS, RUNTIME_CONTEXT>,
  script: Script,
  {
    message = 'Hello.',
    messageOptions,
    connection = {},
    dies = 0,
    began = () => {},
    clock = systemClock,
    files,
  }: {
    message?: string;
    messageOptions?: MessageFrame['options'];
    /** What is known of the sender. */
    connection?: Partial<Connection>;
    dies?: number;
    began?: (turn: TurnInMemory) => void;
    clock?: Clock;
    /** @default - the deployment takes none */
    files?: Files;
  } = {},
): Promise<Ran> {
  const languageModel = scriptedModel(script);
  const agent = defineAgent(options);
  const logged: { message: string; fields: unknown }[] = [];
  const note = (message: string, fields: unknown = {}) => void logged.push({ message, fields });
  const log: Log = { info: () => {}, warn: note, error: note, with: () => log };
  const callbacks = new CallbackQueue(agent, { clock, log });
  const identity = { provider: 'house.chat', name: 'scripted' };
  const model = await sdkModelOf(languageModel, identity, agent, { callbacks });
  const { store, begin, writes } = dyingAt(dies);
  const turn = await turnInMemory(model, {
    toolbox: createToolbox(agent),
    control: loopControlOf(agent),
    observer: observerOf(agent, callbacks),
    hooks: hooksOf(agent),
    preparation: callPreparationOf(agent),
    connection,
    core: { store, clock, log, ...(files && { files }) },
  });
  began(turn);
  await turn.send('m1', message, messageOptions && { options: messageOptions });
  begin();
  const deliveries = await turn.run();
  if (deliveries === undefined) throw new Error('the turn did not end');
  await turn.followUp();
  const said: Json[] = [];
  for await (const entry of readTranscriptBefore(turn.core, turn.session)) {
    if (entry.role === 'assistant') said.unshift(entry.content.trimEnd());
    else if (entry.role === 'tool_call') said.unshift({ called: entry.name, with: entry.args });
    else if (entry.role === 'tool_result')
      said.unshift({ gave: entry.output, ...(entry.is_error && { failed: true }) });
  }
  const end = (await readEvents(turn.core, turn.session, 1)).at(-1);
  return { said, end, calls: languageModel.doStreamCalls, writes: writes(), logged };
}

/** Runs the turn once for each of its writes, at which its worker dies. @returns what each of these turns said */
export async function runWithDeaths<CALL_OPTIONS = never, RUNTIME_CONTEXT extends Context = Context>(
  options: AgentOptions<CALL_OPTIONS, RUNTIME_CONTEXT>,
  script: Script,
  ran: () => void = () => {},
  given: Parameters<typeof runAgent>[2] = {},
): Promise<Ran[]> {
  const { writes } = await runAgent(options, script, given);
  ran();
  const turns: Ran[] = [];
  for (let dies = 1; dies <= writes; dies++) {
    turns.push(await runAgent(options, script, { ...given, dies }));
    ran();
  }
  return turns;
}
