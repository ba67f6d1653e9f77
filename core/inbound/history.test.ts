import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { cases } from '../../test/support/sample.ts';
import { anyText } from '../../test/support/text.ts';
import type { Model, ModelPart } from '../model.ts';
import { type ClientInMemory, clientInMemory } from '../testing/client-in-memory.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';

interface Entry {
  n: number;
  role: string;
  content?: string;
  args?: unknown;
  turn_id?: string;
}
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** A session in which each question was answered so: texts, with a call of a tool between them. */
async function given(answers: readonly (readonly string[])[], args: object = {}) {
  let left: string[] = [];
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'says',
    async *stream(): AsyncGenerator<ModelPart> {
      const text = left.shift();
      if (text) yield { type: 'text', text };
      if (left.length > 0)
        yield { type: 'tool_call', id: `call-${++calls}`, name: 'look', args: args as never };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const client = await clientInMemory({ model, toolbox: idleToolbox });
  for (const [n, answer] of answers.entries()) {
    left = [...answer];
    await client.send({ type: 'message', id: `m${n}`, content: `question ${n}` });
    await client.run();
  }
  return client;
}

/** All pages from the newest to the oldest, each of which is a frame. */
async function pagesOf({ send }: ClientInMemory, wish: object = {}): Promise<Entry[][]> {
  const pages: Entry[][] = [];
  for (let before: number | undefined; ; ) {
    const [frame] = await send({ type: 'history', ...wish, ...(before !== undefined && { before }) });
    expect(frame?.type).toBe('history');
    expect(bytesOf(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    pages.push(frame?.entries as Entry[]);
    if (frame?.next === undefined) return pages;
    before = frame.next as number;
    expect(before).toBe(pages.at(-1)?.[0]?.n);
    // No frame says that there is more where there is nothing.
    expect(pages.length).toBeLessThan(300);
  }
}
const all = (pages: Entry[][]) => pages.toReversed().flat();

/** Texts around the length of a page, and short ones. */
const text = fc.oneof(
  { weight: 3, arbitrary: anyText({ minLength: 1, maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('x', '€', '😀', '"'), fc.constantFrom(3000, 8000, 16_000))
      .map(([unit, bytes]) => unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)))),
  },
);
const answers = fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 });

describe('P1: the pages of a transcript', () => {
  it('are together each entry once and in order, and each fits into a frame, whatever its characters', async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.constantFrom(1, 2, 7, 50), async (given_, limit) => {
        const client = await given(given_);
        const pages = await pagesOf(client, { limit });
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
        const entries = all(pages);
        expect(entries.map(({ n }) => n)).toEqual(entries.map((_, i) => i + 1));
        const said = entries.filter(({ role }) => role === 'assistant').map(({ content }) => content);
        expect(said.join('')).toBe(given_.flat().join(''));
      }),
      { numRuns: cases(60), examples: [[[['€'.repeat(5000), '€'.repeat(5000), '€'.repeat(5000)]], 50]] },
    );
  });

  it('that are merged have each message and each word once, a turn on one page if it fits', async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.constantFrom(1, 2, 7, 50), async (given_, limit) => {
        const client = await given(given_);
        const entries = all(await pagesOf(client, { limit, merged: true }));
        const turns = [...Map.groupBy(entries, ({ turn_id }) => turn_id).values()];
        const said = turns.map((turn) =>
          turn
            .filter(({ role }) => role === 'assistant')
            .sort((a, b) => a.n - b.n)
            .map(({ content }) => content)
            .join(''),
        );
        expect(said).toEqual(given_.map((answer) => answer.join('')));
        expect(entries.filter(({ role }) => role === 'user')).toHaveLength(given_.length);
      }),
      { numRuns: cases(60), examples: [[[['€'.repeat(5000), '€'.repeat(5000), '€'.repeat(5000)]], 50]] },
    );
  });

  it('have as many entries as were asked for, fifty if nobody says, and `next` only where there are more', async () => {
    const client = await given(Array.from({ length: 30 }, () => ['ok']));
    const whole = all(await pagesOf(client, { limit: 200 }));
    const sizes = async (wish: object) => (await pagesOf(client, wish)).map((page) => page.length);
    expect((await sizes({}))[0]).toBe(50);
    for (const limit of [whole.length - 1, whole.length, whole.length + 1])
      expect(await sizes({ limit })).toEqual(limit < whole.length ? [limit, 1] : [whole.length]);
  });

  it('of a new session are one empty page', async () => {
    expect(await pagesOf(await clientInMemory())).toEqual([[]]);
  });
});

it.each([
  ['x', 20_000, false],
  ['€', 5000, false],
  ['€', 12_000, true],
  ['x', 32_000, true],
])(
  'arguments of %s times %d are left out of a page: %s; the page says so and fits',
  async (unit, times, out) => {
    const args = { text: unit.repeat(times) };
    const client = await given([['look', 'done']], args);
    const call = all(await pagesOf(client)).find(({ role }) => role === 'tool_call');
    expect(call).toMatchObject(out ? { args: null, truncated: true } : { args });
    if (!out) expect(call).not.toHaveProperty('truncated');
  },
);
