import { milliseconds } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import { readEvents } from '../../core/events/journal.ts';
import type {
  CallSetup,
  Model,
  ModelFailure,
  ModelPart,
  ModelRequest,
  Toolbox,
  ToolCall,
} from '../../core/model.ts';
import { dayOf } from '../../core/session/spend.ts';
import { principalSpendKey } from '../../core/store/keys.ts';
import { memoryCore } from '../../core/testing/memory-core.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../../core/testing/turn-in-memory.ts';
import { virtualClock } from '../../core/testing/virtual-clock.ts';
import type { SessionAgent, Subagent } from '../../core/turn/context.ts';

/** Turns in memory whose tool asks an agent, for tests. */

/** Of the model that asks: it calls twice. */
const OUTER_TOKENS = 4;
const USAGE = { inputTokens: 10, outputTokens: 5 };
export const TOKENS = 15;
export const LIMIT_MS = milliseconds(600_000);
export const finish = (reason = 'stop', usage = USAGE): ModelPart => ({ type: 'finish', reason, usage });
export const text = (said: string): ModelPart => ({ type: 'text', text: said });
export const look = (id: string, args: ToolCall['args'] = { n: 1 }): ModelPart => ({
  type: 'tool_call',
  id,
  name: 'look',
  args,
});
export const failing = (failure: Partial<ModelFailure> = {}): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'throttled',
    message: 'Limited.',
    retryable: true,
    diagnostic: 'scripted',
    ...failure,
  },
});

export type Parts =
  | readonly ModelPart[]
  | ((signal: AbortSignal, turn: TurnInMemory) => AsyncIterable<ModelPart>);
interface Given {
  fallback?: readonly Parts[];
  served?: Partial<SessionAgent>;
  ask?: Partial<Subagent>;
  toolbox?: Partial<Toolbox>;
  model?: Partial<Model>;
  settings?: Record<string, string>;
}

/** Asks an agent whose model takes these steps one after the other, the last one again and again. */
export async function asking(
  steps: readonly Parts[],
  { fallback, served, ask, toolbox, model: more, settings = {} }: Given = {},
) {
  const clock = virtualClock();
  const asked: (ModelRequest & { by: string; at: number })[] = [];
  const logged: { text: string; fields?: object }[] = [];
  const counted: string[] = [];
  const note = (words: string, fields?: object) =>
    void logged.push({ text: words, ...(fields && { fields }) });
  const log: Core['log'] = { info: note, warn: note, error: note, with: () => log };
  const metrics: Core['metrics'] = {
    ...memoryCore().metrics,
    count: (metric) => void counted.push(metric),
    countBy: (metric, part, value = 1) => void counted.push(`${metric} ${part} ${value}`),
  };
  const modelOf = (name: string, all: readonly Parts[]): Model => ({
    provider: 'test',
    name,
    ...more,
    async *stream(request, signal) {
      const made = asked.filter(({ by }) => by === name).length;
      asked.push({ ...request, messages: [...request.messages], by: name, at: clock.now() });
      const parts = all[made] ?? all.at(-1) ?? [];
      yield* typeof parts === 'function' ? parts(signal, turn) : parts;
    },
  });
  const runs: { call: ToolCall; key: string; setup: CallSetup }[] = [];
  const inner: Toolbox = {
    ...idleToolbox,
    timeLimitMs: () => LIMIT_MS,
    async run(call, { idempotencyKey: key, setup }) {
      runs.push({ call, key, setup });
      return { output: 'found', isError: false };
    },
    ...toolbox,
  };
  const outer: Model = {
    provider: 'test',
    name: 'outer',
    async *stream({ messages }) {
      if (messages.some(({ role }) => role === 'tool')) yield text('So.');
      else yield { type: 'tool_call', id: 'ask-1', name: 'ask', args: {} };
      yield finish('stop', { inputTokens: 1, outputTokens: 1 });
    },
  };
  const turn: TurnInMemory = await turnInMemory(outer, {
    toolbox: { ...idleToolbox, timeLimitMs: () => LIMIT_MS, isAbortable: () => true },
    worker: { maxToolMs: LIMIT_MS, remainingMs: () => milliseconds(2 * LIMIT_MS) },
    subagents: new Map([
      [
        'ask',
        {
          promptOf: async () => ({ prompt: 'Well?' }),
          serve: async () => ({
            model: modelOf('own', steps),
            toolbox: inner,
            ...(fallback && { fallback: modelOf('fallback', fallback) }),
            ...served,
          }),
          ...ask,
        },
      ],
    ]),
    budgeting: { holders: ['principal'], of: async () => ({ principal: { tokens: 1e9 }, tenant: {} }) },
    settings,
    core: { clock, log, metrics },
  });
  await turn.send('m1', 'go');
  await turn.run();
  const events = await readEvents(turn.core, turn.session, 1);
  const result = events.find((event) => event.type === 'tool_result');
  const spent = await turn.core.store.get(principalSpendKey(turn.session, dayOf(clock.now())));
  return {
    turn,
    events,
    result,
    /** What the model that asked is shown. */
    shown: (result?.shown as { value?: string } | undefined)?.value,
    asked,
    runs,
    logged,
    counted,
    /** Tokens of the agent. */
    used: (spent?.tokens ?? 0) - OUTER_TOKENS,
    sleeping: clock.sleeping,
  };
}
