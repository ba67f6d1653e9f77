import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import { bytesOfJson } from '../json-bytes.ts';
import type {
  CallSetup,
  LoopControl,
  Model,
  ModelFailure,
  ModelPart,
  ModelRequest,
  Toolbox,
  ToolCall,
} from '../model.ts';
import { dayOf } from '../session/spend.ts';
import { principalSpendKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import type { SessionAgent, Subagent } from './context.ts';

/** What becomes of an agent that a tool asks where something of it fails, and what its code is asked. Tries: subagent-run.test.ts. */

/** Of the model that asks: it calls twice. */
const OUTER_TOKENS = 4;
const USAGE = { inputTokens: 10, outputTokens: 5 };
const TOKENS = 15;
const LIMIT_MS = milliseconds(600_000);
const finish = (reason = 'stop', usage = USAGE): ModelPart => ({ type: 'finish', reason, usage });
const text = (said: string): ModelPart => ({ type: 'text', text: said });
const look = (id: string, args: ToolCall['args'] = { n: 1 }): ModelPart => ({
  type: 'tool_call',
  id,
  name: 'look',
  args,
});
const failing = (failure: Partial<ModelFailure> = {}): ModelPart => ({
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

type Parts = readonly ModelPart[] | ((signal: AbortSignal, turn: TurnInMemory) => AsyncIterable<ModelPart>);
interface Given {
  fallback?: readonly Parts[];
  served?: Partial<SessionAgent>;
  ask?: Partial<Subagent>;
  toolbox?: Partial<Toolbox>;
  model?: Partial<Model>;
  settings?: Record<string, string>;
}

/** Asks an agent whose model takes these steps one after the other, the last one again and again. */
async function asking(
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
const partsOf = (result: Awaited<ReturnType<typeof asking>>['result']) =>
  (result?.output as { parts?: unknown[] } | undefined)?.parts;

describe('an agent that cannot be asked', () => {
  it('is not, where the input of the call does not fit: the model that asked is told why', async () => {
    const { asked, result, events } = await asking([[text('?'), finish()]], {
      ask: { promptOf: async () => ({ complaint: 'city: expected a text' }) },
    });
    expect(asked).toEqual([]);
    expect(result).toMatchObject({ is_error: true, output: 'city: expected a text' });
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  });

  it.each<[string, Partial<Subagent>]>([
    ['served', { serve: () => Promise.reject(new TypeError('SECRET')) }],
    ['given a prompt', { promptOf: () => Promise.reject(new TypeError('SECRET')) }],
  ])('since it cannot be %s is an error of the call, and the log has its name alone', async (_, ask) => {
    const { result, logged, events } = await asking([[text('?'), finish()]], { ask });
    expect(result).toMatchObject({ is_error: true, output: 'The agent could not be asked.' });
    expect(logged).toContainEqual({
      text: 'an agent that a tool asks failed',
      fields: { turn: events[0]?.turn, tool: 'ask', error: 'TypeError' },
    });
    expect(JSON.stringify(logged)).not.toContain('SECRET');
  });
});

describe('a model call of an agent', () => {
  it('P3: of which something was seen is not made again, by no model', async () => {
    for (const seen of [
      text('Half'),
      { type: 'provider_call', id: 'p', name: 'search', args: {} } as ModelPart,
    ]) {
      const { asked, result, counted, used } = await asking([[seen, failing()]], {
        fallback: [[text('Never.'), finish()]],
      });
      expect(asked.map(({ by }) => by)).toEqual(['own']);
      expect(result).toMatchObject({ is_error: true, output: 'The agent failed: Limited.' });
      expect(counted).toContain('ModelFailures PROVIDER_ERROR 1');
      expect(used).toBeGreaterThan(0);
    }
  });

  it('that breaks off is made again, and what each has used is estimated', async () => {
    const { asked, shown, used } = await asking([[], [text('Yes.'), finish()]]);
    expect(asked).toHaveLength(2);
    expect(shown).toBe('Yes.');
    // Five bytes were asked.
    expect(used).toBe(2 + TOKENS);
  });

  it('whose provider refuses it has used nothing, also where the agent is stopped in the pause after it', async () => {
    const { asked, used, events } = await asking([
      async function* (_signal, turn) {
        void turn.core.clock
          .sleep(milliseconds(100))
          .then(() => turn.send('m2', 'Stop that.', { delivery: 'now' }));
        yield failing({ retryAfterMs: milliseconds(20_000) });
      },
    ]);
    expect(asked).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: 'done' });
    expect(used).toBe(0);
  });

  it('of a silent model fails after as long as any, and is made again', async () => {
    const silent: Parts = async function* (signal, turn) {
      await turn.core.clock.sleep(LIMIT_MS, signal);
      yield* [];
    };
    const { asked, shown, sleeping } = await asking([silent, [text('Yes.'), finish()]], {
      settings: { MIDTURN_MODEL_STALL_SECONDS: '30', MIDTURN_MODEL_WAIT_SECONDS: '30' },
    });
    const [first = 0, second = 0] = asked.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(30_250);
    expect(second - first).toBeLessThanOrEqual(31_000);
    expect(shown).toBe('Yes.');
    expect(sleeping).toBe(0);
  });

  it.each<[string, readonly ModelPart[], number]>([
    ['text', [text('é'.repeat(200))], 100],
    ['thoughts', [{ type: 'thinking', text: '€'.repeat(200) }], 150],
    ['calls', [look('c', '😀'.repeat(100))], 101],
  ])('that fails has used what was asked, and what was written of %s in bytes', async (_, parts, tokens) => {
    // An answer that cannot be read was billed.
    const { used } = await asking([[...parts, failing({ reason: 'unreadable', retryable: false })]]);
    expect(used).toBe(2 + tokens);
  });

  it('is logged with the agent that made it, and counted as any call', async () => {
    const { logged, counted, events } = await asking([[text('Yes.'), finish()]]);
    expect(logged).toContainEqual({
      text: 'model call',
      fields: expect.objectContaining({
        turn: events[0]?.turn,
        agent: 'ask',
        model: 'test:own',
        finish: 'stop',
      }),
    });
    expect(counted).toContain('InputTokens test:own 10');
    expect(counted.filter((one) => one === 'Steps')).toHaveLength(3);
  });

  it('P13: gives whole characters, and calls an id that no other call has', async () => {
    const { asked, runs, result } = await asking([
      [text('Half \ud83d'), look('c', ['\ude00']), finish()],
      [look('c', { n: 2 }), finish()],
      [text('Yes.'), finish()],
    ]);
    const said = asked[2]?.messages.flatMap((message) => (message.role === 'assistant' ? message : [])) ?? [];
    expect(said[0]?.text).toBe('Half \ufffd');
    expect(runs[0]?.call.args).toEqual(['\ufffd']);
    expect(new Set(said.flatMap(({ calls }) => calls.map(({ id }) => id))).size).toBe(2);
    expect(JSON.stringify(result)).not.toMatch(/\\ud83d(?!\\ude)/);
  });
});

describe('what an agent says', () => {
  it('has the tools that its provider ran', async () => {
    const { result } = await asking([
      [
        { type: 'provider_call', id: 'p', name: 'search', args: { q: 'soup' } },
        { type: 'provider_result', id: 'p', name: 'search', output: ['a'], isError: false },
        text('Yes.'),
        finish(),
      ],
    ]);
    expect(partsOf(result)).toEqual([
      {
        type: 'tool-search',
        toolCallId: 'p',
        input: { q: 'soup' },
        providerExecuted: true,
        state: 'output-available',
        output: ['a'],
      },
      { type: 'text', text: 'Yes.', state: 'done' },
    ]);
  });

  it('is nothing, or as much as an output may have, for the model that asked', async () => {
    expect((await asking([[text(' '), finish()]])).shown).toBe('The agent has given no text.');
    const { shown } = await asking([[text('é'.repeat(20_000)), finish()]]);
    expect(shown).toContain('Cut: ');
    expect(bytesOfJson(shown) - 2).toBeLessThanOrEqual(16 * 1024);
    expect(bytesOfJson(shown)).toBeGreaterThan(15 * 1024);
  });

  it('goes on after a pause, but not in the last call that it may make', async () => {
    const { asked, shown } = await asking(
      [
        [text('On '), finish('paused')],
        [text('and on.'), finish('paused')],
      ],
      {
        settings: { MIDTURN_MAX_STEPS: '3' },
      },
    );
    expect(asked.map(({ toolChoice }) => toolChoice)).toEqual(['auto', 'auto', 'none']);
    expect(shown).toBe('On and on.and on.');
  });
});

describe('the code of an agent that a tool asks', () => {
  it('P13: does not run a call whose arguments are not valid: its model is told', async () => {
    const { asked, runs } = await asking([
      [{ ...look('c'), invalid: 'n: expected a text' } as ModelPart, finish()],
      [text('Yes.'), finish()],
    ]);
    expect(runs).toEqual([]);
    expect(JSON.stringify(asked[1]?.messages)).toContain('The arguments are not valid: n: expected a text');
  });

  it('says when it stops, after the results of a step, and what form its answer has', async () => {
    const seen: unknown[] = [];
    const control = (isStopped: boolean, value: string | undefined): LoopControl => ({
      async isStopped(steps, setup) {
        seen.push([
          steps.map(({ text: said, results }) => [said, results.length]),
          setup.caller.principal.subject,
        ]);
        return isStopped;
      },
      readOutput: async ({ text: said }) => (said === value ? { value } : undefined),
    });
    const steps = [
      [text('I look.'), look('c'), finish()],
      [text('Yes.'), finish()],
    ];
    const stopped = await asking(steps, { served: { control: control(true, undefined) } });
    expect([stopped.asked.length, stopped.shown]).toEqual([1, 'I look.']);
    expect(seen).toEqual([[[['I look.', 1]], 'ann']]);
    const read = await asking(steps, { served: { control: control(false, 'Yes.') } });
    expect([read.asked.length, read.shown]).toEqual([2, 'Yes.']);
    const unread = await asking(steps, { served: { control: control(false, 'No.') } });
    expect(unread.result).toMatchObject({
      is_error: true,
      output: 'The answer of the agent does not have its form.',
    });
  });

  it('prepares its calls for who asks, and its tools and models are given what it has prepared', async () => {
    const prepared: unknown[] = [];
    const { runs, asked } = await asking(
      [
        [look('c'), finish()],
        [text('Yes.'), finish()],
      ],
      {
        served: {
          preparation: {
            check: async (options) => ({ options }),
            prepare: async (caller) => {
              prepared.push(caller);
              return { tone: 'dry' };
            },
          },
        },
      },
    );
    expect(prepared).toMatchObject([{ principal: { subject: 'ann' } }]);
    expect(runs[0]?.setup.prepared).toEqual({ tone: 'dry' });
    for (const { setup } of asked) expect(setup?.prepared).toEqual({ tone: 'dry' });
  });

  it('prepares each step: it is given what was done, and which model goes on', async () => {
    const seen: unknown[] = [];
    const called: string[] = [];
    const steps = [[look('c'), finish()], [failing({ retryable: false })], [text('Yes.'), finish()]];
    const { asked, shown } = await asking([[]], {
      fallback: [[]],
      model: {
        async prepareStep(request, requestFor, isFallback) {
          seen.push([request.steps?.length, isFallback]);
          const parts = steps[seen.length - 1] ?? [];
          const model: Model = {
            provider: 'test',
            name: `named ${seen.length}`,
            async *stream({ messages }) {
              called.push(`${model.name}: ${messages.length}`);
              yield* parts;
            },
          };
          return { model, request: requestFor(model) };
        },
      },
    });
    expect([asked, shown]).toEqual([[], 'Yes.']);
    expect(seen).toEqual([
      [0, false],
      [1, false],
      [1, true],
    ]);
    expect(called).toEqual(['named 1: 1', 'named 2: 3', 'named 3: 3']);
  });

  it('P8: checks a call under the key that the tool has for it, as a call of the agent that asks', async () => {
    const keys: string[] = [];
    const { runs } = await asking(
      [
        [look('c'), finish()],
        [text('Yes.'), finish()],
      ],
      {
        served: {
          hooks: {
            limitMs: () => milliseconds(1000),
            async beforeToolCall({ id }, { idempotencyKey }) {
              keys.push(id, idempotencyKey);
              return undefined;
            },
            async afterToolCall({ id }, _outcome, { idempotencyKey }) {
              keys.push(id, idempotencyKey);
              return undefined;
            },
          },
        },
      },
    );
    const { call, key } = runs[0] ?? {};
    expect(call?.id).toMatch(/^ask-1\/[\w-]{16}$/);
    expect(keys).toEqual([call?.id, key, call?.id, key]);
  });
});
