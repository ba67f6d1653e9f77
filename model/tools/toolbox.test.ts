import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { tool } from 'ai';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { DataError } from '../../core/data-error.ts';
import type { Json } from '../../core/json.ts';
import type { CallDisplay } from '../../core/model.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { toolContext } from '../agent/tool-context.ts';
import { createToolbox } from './toolbox.ts';

const seen: unknown[] = [];
const holding = Promise.withResolvers<void>();
const cleanedUp = Promise.withResolvers<void>();

function giving(output: unknown) {
  return { tool: tool({ inputSchema: z.object({}), execute: () => output }) };
}

/** By the specification alone, of no library: a failure that has a value too, and a path of objects. */
const standard = {
  '~standard': {
    version: 1,
    vendor: 'nobody',
    validate: (value: unknown) =>
      typeof value === 'object' && value !== null && 'grams' in value && Number(value.grams) > 0
        ? { value: { grams: Number(value.grams) } }
        : { value, issues: [{ message: 'must be a weight', path: [{ key: 'grams' }] }] },
    jsonSchema: {
      input: () => ({ type: 'object', properties: { grams: { type: 'number' } } }),
      output: () => ({ type: 'object' }),
    },
    types: undefined as { input: { grams: number }; output: { grams: number } } | undefined,
  },
} as const;

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

const agent = defineAgent({
  instructions: '',
  tools: {
    add: {
      idempotent: true,
      tool: tool({
        inputSchema: z.object({ a: z.coerce.number(), b: z.number().default(1) }),
        execute: async ({ a, b }) => ({ sum: a + b }),
      }),
    },
    weigh: { tool: tool({ inputSchema: standard, execute: ({ grams }) => grams * 2 }) },
    halve: {
      tool: tool({
        inputSchema: toStandardJsonSchema(v.object({ grams: v.pipe(v.number(), v.minValue(1)) })),
        execute: ({ grams }) => grams / 2,
      }),
    },
    look: {
      tool: tool({
        inputSchema: z.object({}),
        contextSchema: toolContext,
        execute: (_input, { toolCallId, abortSignal, context }) => {
          seen.push({ toolCallId, aborted: abortSignal?.aborted, key: context.idempotencyKey });
        },
      }),
    },
    stream: {
      tool: tool({
        inputSchema: z.object({}),
        async *execute() {
          yield 'half';
          yield 'whole';
        },
      }),
    },
    /** Goes on until it is stopped, then says what it has done. */
    count: {
      tool: tool({
        inputSchema: z.object({ last: z.boolean() }),
        async *execute({ last }, { abortSignal }) {
          try {
            for (let n = 1; !abortSignal?.aborted; n++) {
              yield `${n} so far`;
              await new Promise(setImmediate);
            }
            if (last) yield 'all that was done';
          } finally {
            cleanedUp.resolve();
          }
        },
      }),
    },
    chart: {
      tool: tool({
        inputSchema: z.object({ name: z.string(), data: z.unknown(), id: z.optional(z.string()) }),
        contextSchema: toolContext,
        execute: ({ name, data, id }, { context }) => {
          context.emit(name, data, id === undefined ? undefined : { id });
          return 'sent';
        },
      }),
    },
    fail: {
      tool: tool({
        inputSchema: z.object({}),
        execute: (): string => {
          throw new Error('The printer is on fire.');
        },
      }),
    },
    hold: {
      tool: tool({
        inputSchema: z.object({}),
        execute: (_input, { abortSignal }) =>
          new Promise((_resolve, reject) => {
            holding.resolve();
            abortSignal?.addEventListener('abort', () => reject(abortSignal.reason));
          }),
      }),
    },
    rich: giving({
      at: new Date(0),
      big: 12n,
      map: new Map([['a', new Set([1])]]),
      gone: undefined,
      nan: Number.NaN,
    }),
    cycle: giving(cycle),
  },
});

const toolbox = createToolbox(agent);

function run(
  name: string,
  args: Parameters<typeof toolbox.run>[0]['args'] = {},
  signal = new AbortController().signal,
  display: CallDisplay = UNSEEN,
) {
  return toolbox.run(
    { id: 'call-1', name, args },
    { signal, idempotencyKey: 'key-1', setup: ANNS_SETUP, display, files: NO_FILES },
  );
}

describe('a Standard Schema of another library', () => {
  test.each([
    ['weigh', { grams: '4' }, 8],
    ['halve', { grams: 4 }, 2],
  ])('%s is run with what it makes of the input', async (name, args, output) => {
    expect(await run(name, args)).toEqual({ output, isError: false });
  });

  test.each([
    ['weigh', 'grams: must be a weight'],
    ['halve', 'grams: Invalid value: Expected >=1 but received 0'],
  ])('%s is not run with what does not fit, although its answer has a value too', async (name, reason) => {
    expect(await run(name, { grams: 0 })).toEqual({
      output: `The arguments do not fit the tool "${name}": ${reason}.`,
      isError: true,
    });
  });
});

describe('run', () => {
  test('applies the schema to the input, defaults and all', async () => {
    expect(await run('add', { a: '2' })).toEqual({ output: { sum: 3 }, isError: false });
  });

  test('gives the tool its call id, the abort signal and the idempotency key', async () => {
    expect(await run('look')).toEqual({ output: null, isError: false });
    expect(seen).toEqual([{ toolCallId: 'call-1', aborted: false, key: 'key-1' }]);
  });

  test('shows each value of a tool that streams its output, and takes the last one', async () => {
    const shown: Json[] = [];
    const display = { ...UNSEEN, progress: (value: Json) => void shown.push(value) };
    expect(await run('stream', {}, undefined, display)).toEqual({ output: 'whole', isError: false });
    expect(shown).toEqual(['half', 'whole']);
  });

  test.each([
    [true, 'all that was done'],
    [false, expect.stringMatching(/^\d so far$/)],
  ])(
    'stops a tool that streams: its `finally` runs, and what it gave last is its output (says more: %s)',
    async (last, output) => {
      const controller = new AbortController();
      const shown: Json[] = [];
      const progress = (value: Json) => {
        shown.push(value);
        if (shown.length === 3) controller.abort('message');
      };
      expect(await run('count', { last }, controller.signal, { ...UNSEEN, progress })).toEqual({
        output,
        isError: false,
      });
      await cleanedUp.promise;
      expect(shown).toEqual(['1 so far', '2 so far', '3 so far']);
    },
  );

  test('gives the tool `emit`, whose values are JSON', async () => {
    const sent: unknown[] = [];
    const display = { ...UNSEEN, data: (part: unknown) => void sent.push(part) };
    const args = { name: 'chart', data: { rows: [1] }, id: 'sales' };
    expect(await run('chart', args, undefined, display)).toEqual({ output: 'sent', isError: false });
    expect(sent).toEqual([args]);
  });

  test('of a tool that sends what cannot be sent is an error outcome that says why', async () => {
    const display = {
      ...UNSEEN,
      data: () => {
        throw new DataError('DATA_TOO_LARGE', 'It is too large.');
      },
    };
    expect(await run('chart', { name: 'chart', data: 1 }, undefined, display)).toEqual({
      output: 'It is too large.',
      isError: true,
    });
  });

  test.each(['fly', 'constructor'])('of a tool that is not there (%s) is an error outcome', async (name) => {
    const outcome = await run(name);
    expect(outcome).toMatchObject({
      isError: true,
      output: expect.stringContaining(`no tool named "${name}"`),
    });
  });

  test('with arguments that do not fit names what is wrong, and runs nothing', async () => {
    const outcome = await run('add', { a: 1, b: 'x' });
    expect(outcome).toMatchObject({ isError: true, output: expect.stringContaining('b: ') });
  });

  test('of a tool that throws is an error outcome with its message alone', async () => {
    expect(await run('fail')).toEqual({ output: 'The printer is on fire.', isError: true });
  });

  test('of a tool that was aborted says so', async () => {
    const controller = new AbortController();
    const outcome = run('hold', {}, controller.signal);
    await holding.promise;
    controller.abort();
    expect(await outcome).toEqual({ output: 'The tool was stopped before it was done.', isError: true });
  });

  test('after an abort does not begin', async () => {
    seen.length = 0;
    expect((await run('look', {}, AbortSignal.abort())).isError).toBe(true);
    expect(seen).toEqual([]);
  });

  test('makes the output what JSON can hold', async () => {
    expect((await run('rich')).output).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      big: '12',
      map: { a: [1] },
      nan: null,
    });
  });

  test('of a tool whose output contains itself is an error outcome', async () => {
    expect((await run('cycle')).isError).toBe(true);
  });
});

test('only a tool that says so may be run again', () => {
  expect(['add', 'look', 'fly', 'constructor'].map(toolbox.isIdempotent)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('only a tool that says so may be stopped for a message', () => {
  const quick = tool({ inputSchema: z.object({}), execute: () => 'ok' });
  const { isAbortable } = createToolbox({
    instructions: '',
    tools: { quick: { tool: quick, abortable: true }, slow: { tool: quick } },
    mcp: { books: { url: 'https://books.invalid/mcp', abortable: true } },
  });
  expect(['quick', 'slow', 'fly', 'books_search'].map(isAbortable)).toEqual([true, false, false, true]);
});

test('a tool may take a minute, or what it says itself', () => {
  const quick = tool({ inputSchema: z.object({}), execute: () => 'ok' });
  const { timeLimitMs } = createToolbox({
    instructions: '',
    tools: { quick: { tool: quick }, slow: { tool: quick, timeoutSeconds: 120 } },
  });
  expect(['quick', 'slow', 'fly'].map(timeLimitMs)).toEqual([60_000, 120_000, 60_000]);
});

test('a question for approval that throws, or gets input that does not fit, is answered yes', async () => {
  const pay = tool({ inputSchema: z.object({ amount: z.number() }), execute: () => 'paid' });
  const over =
    (limit: number) =>
    ({ amount }: { amount: number }) => {
      if (amount < 0) throw new Error('never');
      return amount > limit;
    };
  const { needsApproval } = createToolbox({
    instructions: '',
    tools: {
      free: { tool: pay },
      small: { tool: pay, needsApproval: over(10) },
      later: { tool: pay, needsApproval: async (input: { amount: number }) => over(10)(input) },
    },
  });
  const asked = async (name: string, args: Json) => needsApproval({ id: 'c', name, args }, ANNS_SETUP);
  expect(await asked('free', { amount: -1 })).toBe(false);
  for (const name of ['small', 'later']) {
    expect(await asked(name, { amount: 10 })).toBe(false);
    expect(await asked(name, { amount: 11 })).toBe(true);
    expect(await asked(name, { amount: -1 })).toBe(true);
    expect(await asked(name, { amount: 'ten' })).toBe(true);
    expect(await asked(name, null)).toBe(true);
  }
});
