import { setImmediate as nextTick } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { anyText, brokenText } from '../../test/support/text.ts';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import type { Hooks } from '../hooks.ts';
import type { Json } from '../json.ts';
import type { Budgeting, Model, ModelFailure, ModelPart, StepFacts, ToolCall } from '../model.ts';
import { dayOf } from '../session/spend.ts';
import { principalSpendKey } from '../store/keys.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';

/** What a turn makes of the parts of a model call, also of one that ends before its `finish`. */

const USAGE = { inputTokens: 10, outputTokens: 5 };
const finish = (reason = 'stop'): ModelPart => ({ type: 'finish', reason, usage: USAGE });
const text = (said: string): ModelPart => ({ type: 'text', text: said });
const call = (id: string, args: Json = {}): ModelPart => ({ type: 'tool_call', id, name: 'tool', args });
const failing = (failure: Partial<ModelFailure>): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'provider',
    message: 'No.',
    retryable: false,
    diagnostic: 'scripted',
    ...failure,
  },
});

type Step = readonly ModelPart[] | ((signal: AbortSignal) => AsyncIterable<ModelPart>);

/** A model that takes these steps one after the other. */
function steps(...all: Step[]): Model {
  let made = 0;
  return {
    provider: 'test',
    name: 'scripted',
    async *stream(_request, signal) {
      const step = all[made++];
      if (!step) throw new Error(`call ${made} is not scripted`);
      yield* typeof step === 'function' ? step(signal) : step;
    },
  };
}

const untilAborted = async (signal: AbortSignal) => {
  while (!signal.aborted) await nextTick();
};
const eventsOf = ({ core, session }: TurnInMemory) => readEvents(core, session, 1);

async function ran(model: Model, parts: Parameters<typeof turnInMemory>[1] = {}) {
  const turn = await turnInMemory(model, parts);
  await turn.send('m', 'hello');
  expect(await turn.run()).toBeDefined();
  return { turn, events: await eventsOf(turn) };
}

const UNREACHED: Budgeting = {
  holders: ['principal'],
  of: async () => ({ principal: { tokens: 1e9 }, tenant: {} }),
};
const spentBy = async ({ core, session }: TurnInMemory) =>
  (await core.store.get(principalSpendKey(session, dayOf(core.clock.now()))))?.tokens ?? 0;

describe('what a call has used whose provider does not tell', () => {
  const parts = fc.array(
    fc.tuple(fc.constantFrom('text', 'thinking', 'tool_call'), anyText({ maxLength: 60 })),
    { maxLength: 6 },
  );
  const bytesIn = (given: readonly (readonly [kind: string, said: string])[]) =>
    given.reduce(
      (sum, [kind, said]) => sum + Buffer.byteLength(kind === 'tool_call' ? JSON.stringify({ said }) : said),
      0,
    );
  const partsOf = (given: readonly (readonly [kind: string, said: string])[]) =>
    given.map(([kind, said], n): ModelPart => {
      if (kind === 'tool_call') return call(`c${n}`, { said });
      return { type: kind === 'text' ? 'text' : 'thinking', text: said };
    });

  it('is a quarter of the bytes that it read and wrote: text, thoughts and arguments, in whichever language', async () => {
    await fc.assert(
      fc.asyncProperty(anyText({ minLength: 1 }), parts, async (asked, given) => {
        let turn: TurnInMemory;
        const model = steps(async function* (signal) {
          yield* partsOf(given);
          await turn.abort();
          await untilAborted(signal);
        });
        turn = await turnInMemory(model, { budgeting: UNREACHED });
        // One that is blank is no message.
        await turn.send('m', `x${asked}`);
        await turn.run();
        expect(await spentBy(turn)).toBe(
          Math.ceil(Buffer.byteLength(`x${asked}`) / 4) + Math.ceil(bytesIn(given) / 4),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('is the same where it is a call of an agent that a tool asks', async () => {
    await fc.assert(
      fc.asyncProperty(anyText({ minLength: 1 }), parts, async (asked, given) => {
        let turn: TurnInMemory;
        const inner = steps(async function* (signal) {
          yield* partsOf(given);
          await turn.abort();
          await untilAborted(signal);
        });
        const outer = steps([call('c'), finish('tool_calls')]);
        turn = await turnInMemory(outer, {
          core: { clock: virtualClock() },
          budgeting: UNREACHED,
          toolbox: { ...idleToolbox, timeLimitMs: () => milliseconds(60_000) },
          worker: { maxToolMs: milliseconds(60_000) },
          subagents: new Map([
            [
              'tool',
              {
                promptOf: async () => ({ prompt: asked }),
                serve: async () => ({ model: inner, toolbox: idleToolbox }),
              },
            ],
          ]),
        });
        await turn.send('m', 'hello');
        await turn.run();
        const { inputTokens, outputTokens } = USAGE;
        expect(await spentBy(turn)).toBe(
          inputTokens +
            outputTokens +
            Math.ceil(Buffer.byteLength(asked) / 4) +
            Math.ceil(bytesIn(given) / 4),
        );
      }),
      { numRuns: 30 },
    );
  });

  it.each(['stalled', 'cut_off', 'unreadable', 'empty'] as const)(
    'counts for each try of a call that failed (%s), although nothing of it was seen',
    async (reason) => {
      const failure = failing({ reason, retryable: true });
      const { turn } = await ran(steps([failure], [text('yes'), finish()]), { budgeting: UNREACHED });
      const { inputTokens, outputTokens } = USAGE;
      expect(await spentBy(turn)).toBe(Math.ceil('hello'.length / 4) + inputTokens + outputTokens);
    },
  );
});

describe('a model call', () => {
  it('ends before the next one begins: its signal is aborted, and its stream is closed', async () => {
    const open: string[] = [];
    const watched = (name: string, given: readonly ModelPart[]): Step =>
      async function* (signal) {
        expect(open).toEqual([]);
        open.push(name, `signal of ${name}`);
        signal.addEventListener('abort', () => open.splice(open.indexOf(`signal of ${name}`), 1));
        try {
          yield* given;
        } finally {
          // It takes a while.
          for (let ticks = 0; ticks < 5; ticks++) await nextTick();
          open.splice(open.indexOf(name), 1);
        }
      };
    const { events } = await ran(
      steps(
        watched('one that fails', [failing({ retryable: true })]),
        watched('one that calls', [call('c'), finish('tool_calls')]),
        watched('one that pauses', [text('well, '), finish('paused')]),
        watched('one that answers', [text('yes'), finish()]),
      ),
    );
    expect(events.at(-1)).toMatchObject({ type: 'done', steps: 3 });
    expect(open).toEqual([]);
  });

  it('that goes on for longer than MIDTURN_MODEL_STALL_SECONDS and sends parts all the while is not silent', async () => {
    const clock = virtualClock();
    const began = clock.now();
    const { events } = await ran(
      steps(async function* () {
        for (let words = 0; words < 10; words++) {
          await clock.sleep(milliseconds(20_000));
          yield text('word ');
        }
        yield finish();
      }),
      { core: { clock }, settings: { MIDTURN_MODEL_STALL_SECONDS: '30', MIDTURN_MODEL_WAIT_SECONDS: '60' } },
    );
    expect(events.at(-1)).toMatchObject({ type: 'done', steps: 1 });
    expect(clock.now() - began).toBeGreaterThanOrEqual(200_000);
  });

  it('shows the first text after thoughts at once: it is not gathered with them', async () => {
    const clock = virtualClock();
    let saidAt = 0;
    let shownAt: number | undefined;
    const model = steps(async function* () {
      for (let thoughts = 0; thoughts < 30; thoughts++) {
        yield { type: 'thinking', text: 'hm ' };
        await clock.sleep(milliseconds(50));
      }
      saidAt = clock.now();
      yield text('word ');
      await clock.sleep(milliseconds(5000));
      yield finish();
    });
    const store = memoryStore(new MemoryTable(), async (access, perform) => {
      if (isWrite(access) && JSON.stringify(access).includes('word ')) shownAt ??= clock.now();
      return perform();
    });
    const turn = await turnInMemory(model, { core: { clock, store }, settings: { MIDTURN_FLUSH_MS: '' } });
    await turn.send('m', 'hello');
    await turn.run();
    expect(shownAt).toBe(saidAt);
  });

  it('P3: that breaks keeps what it has named so far: its sources stand behind its text', async () => {
    const source: ModelPart = { type: 'source', source: { kind: 'url', url: 'https://example.org/' } };
    const { events } = await ran(steps([text('As they say, '), source, failing({})]));
    expect(events.slice(2).map(({ type }) => type)).toEqual(['chunk', 'source', 'error']);
  });

  it('P13: that pauses behind its calls has called: each call runs', async () => {
    const ranCalls: string[] = [];
    const { events } = await ran(steps([call('c'), finish('paused')], [text('yes'), finish()]), {
      toolbox: {
        ...idleToolbox,
        async run({ id }) {
          ranCalls.push(id);
          return { output: 'ran', isError: false };
        },
      },
    });
    expect(ranCalls).toEqual(['c']);
    expect(events.find(({ type }) => type === 'tool_result')).toMatchObject({ output: 'ran' });
  });

  it('P13: gives a tool the arguments and the id that are stored, whatever halves of characters came in', async () => {
    await fc.assert(
      fc.asyncProperty(brokenText(), brokenText(), async (id, said) => {
        const ranCalls: ToolCall[] = [];
        const { events } = await ran(
          steps([call(`c${id}`, { [said]: [said] }), finish('tool_calls')], [finish()]),
          {
            toolbox: {
              ...idleToolbox,
              async run(one) {
                ranCalls.push(one);
                return { output: null, isError: false };
              },
            },
          },
        );
        const stored = events.find((event) => event.type === 'tool_call');
        expect(ranCalls).toEqual([{ id: stored?.id, name: 'tool', args: stored?.args }]);
        expect(events.at(-1)).toMatchObject({ type: 'done', steps: 2 });
      }),
      { numRuns: 40 },
    );
  });

  it('P11: keeps what its provider wants back of each of its texts, in whichever language', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyText({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
        async (pieces) => {
          const parts = pieces.flatMap((piece, n) => [{ opaque: n }, { text: piece.length, meta: n }]);
          const { events } = await ran(
            steps([...pieces.map(text), { type: 'finish', reason: 'stop', usage: USAGE, parts }]),
          );
          const kept = events.flatMap((event) =>
            'verbatim' in event && event.verbatim ? event.verbatim : [],
          );
          expect(kept).toEqual([{ model: 'test:scripted', parts }]);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the log', () => {
  const said = 'My address is 5 Elm Street, Ελλάδα 12345.';
  const logOf = (lines: string[]) => {
    const note = (...line: unknown[]) => void lines.push(JSON.stringify(line));
    const log: Core['log'] = { info: note, warn: note, error: note, with: () => log };
    return log;
  };

  it.each([true, false])(
    'has nothing of the conversation that a provider quotes in its error (retryable: %s)',
    async (retryable) => {
      const lines: string[] = [];
      const failure = failing({ retryable, diagnostic: `400: invalid message "${said}"` });
      const turn = await turnInMemory(steps([failure], [failure], [failure]), {
        core: { log: logOf(lines) },
      });
      await turn.send('m', said);
      await turn.run();
      const failed = lines.filter((line) => line.includes('model call'));
      expect(failed).toHaveLength(retryable ? 3 : 1);
      for (const line of failed) {
        expect(line).toContain('400: invalid message');
        expect(line).not.toContain('Elm Street');
        expect(line).not.toContain('Ελλάδα');
      }
    },
  );
});

describe('hooks at a model call', () => {
  const limitMs = () => milliseconds(60_000);

  it('P3: text is shown before a hook is asked about the calls behind it', async () => {
    const shown: string[] = [];
    let turn: TurnInMemory;
    const hooks: Hooks = {
      limitMs,
      async beforeToolCall() {
        const lane = await turn.read();
        shown.push(JSON.stringify(lane?.unspilled));
        return undefined;
      },
    };
    const model = steps([text('one '), text('two'), call('c'), finish('tool_calls')], [finish()]);
    turn = await turnInMemory(model, {
      hooks,
      core: { clock: virtualClock() },
      settings: { MIDTURN_FLUSH_MS: '400' },
    });
    await turn.send('m', 'hello');
    await turn.run();
    expect(shown).toEqual([expect.stringMatching(/one .*two/)]);
  });

  it('a hook is not asked about a call whose arguments are not valid: it does not run anyway', async () => {
    const asked: string[] = [];
    const hooks: Hooks = {
      limitMs,
      async beforeToolCall({ id }) {
        asked.push(id);
        return undefined;
      },
    };
    const invalid: ModelPart = { type: 'tool_call', id: 'bad', name: 'tool', args: {}, invalid: 'no' };
    await ran(steps([call('good'), invalid, finish('tool_calls')], [finish()]), { hooks });
    expect(asked).toEqual(['good']);
  });

  it('a step has its own text and calls, and none of those that the provider ran', async () => {
    const told: StepFacts[] = [];
    const hooks: Hooks = {
      limitMs,
      async afterStep(step) {
        told.push(step);
      },
    };
    const provider: ModelPart[] = [
      { type: 'provider_call', id: 'web', name: 'search', args: {} },
      { type: 'provider_result', id: 'web', name: 'search', output: 'found', isError: false },
    ];
    await ran(
      steps(
        [...provider, text('I look. '), call('one'), finish('tool_calls')],
        [text('Once more. '), ...provider, call('two'), finish('tool_calls')],
        [text('So.'), finish()],
      ),
      { hooks },
    );
    expect(told.map(({ text, calls }) => [text, ...calls.map(({ id }) => id)])).toEqual([
      ['I look. ', 'one'],
      ['Once more. ', 'two'],
      ['So.'],
    ]);
  });
});
