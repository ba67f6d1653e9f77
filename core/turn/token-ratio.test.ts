import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { entriesOf } from '../events/entries.ts';
import { type EventDraft, numbered } from '../events/events.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import { TokenRatio } from './token-ratio.ts';

/** Instructions and tools: in each count. */
const OVERHEAD = 3000;
const sizeOf = (entry: object) => Buffer.byteLength(JSON.stringify(entry));

/** A conversation whose model counts a token for so many bytes of the entries that it read. */
function conversation(
  texts: readonly (readonly [question: string, answer: string])[],
  {
    per,
    model = () => 'm',
    before = () => [],
  }: {
    per: number;
    model?: (turn: number) => string;
    before?: (turn: number) => EventDraft[];
  },
) {
  const entries: ReturnType<typeof entriesOf> = [];
  for (const [t, [question, answer]] of texts.entries()) {
    const turn = asTurnId(`t${t}`);
    const begin: EventDraft[] = [
      { type: 'turn_start', message_ids: [], entry: entries.length + 1, at: epochMs(1) },
      {
        type: 'applied',
        messages: [{ id: asMessageId(`m${t}`), content: question, at: epochMs(1) }],
        step: 1,
      },
      ...before(t),
    ];
    const ofTurn = (drafts: readonly EventDraft[]) =>
      entriesOf(drafts.map((d, i) => numbered(d, i + 1, turn)));
    const read = [...entries, ...ofTurn(begin)].filter(({ role }) => role !== 'event');
    const tokens = OVERHEAD + Math.round(read.reduce((sum, entry) => sum + sizeOf(entry), 0) / per);
    const end: EventDraft = {
      type: 'done',
      first: 1,
      input_tokens: tokens,
      last_input_tokens: tokens,
      output_tokens: 1,
      model: model(t),
      provider: 'p',
      steps: 1,
    };
    entries.push(...ofTurn([...begin, { type: 'chunk', content: answer, offset: 0 }, end]));
  }
  return entries;
}

function ratioOf(entries: ReturnType<typeof entriesOf>): number {
  const ratio = new TokenRatio();
  for (const entry of entries.toReversed()) ratio.addOlder(entry, entry.role === 'event' ? 0 : sizeOf(entry));
  return ratio.bytesPerToken;
}

const long = fc.string({ minLength: 700, maxLength: 3000 });
const talk = fc.array(fc.tuple(long, long), { minLength: 4, maxLength: 8 });

describe('P11: bytes of a token', () => {
  it('are those that the provider counts, whatever instructions and tools there are', () => {
    fc.assert(
      fc.property(talk, fc.double({ min: 1, max: 4, noNaN: true }), (texts, per) => {
        expect(ratioOf(conversation(texts, { per }))).toBeCloseTo(per, 1);
      }),
      { numRuns: 50 },
    );
  });

  it('are 1 to 32: beyond these, something else was counted', () => {
    const texts = Array.from({ length: 6 }, () => ['q'.repeat(40_000), 'a'.repeat(40_000)] as const);
    const ratios = [0.5, 1.5, 31, 33, 100].map((per) => ratioOf(conversation(texts, { per })));
    expect(ratios[0]).toBe(1);
    expect(ratios[1]).toBeCloseTo(1.5, 1);
    expect(ratios[2]).toBeCloseTo(31, 0);
    expect(ratios.slice(3)).toEqual([32, 32]);
  });

  it('are an estimate while too little is counted, or by different models', () => {
    const texts = Array.from({ length: 6 }, () => ['q'.repeat(1000), 'a'.repeat(1000)] as const);
    expect(ratioOf(conversation(texts.slice(0, 1), { per: 2 }))).toBe(4);
    expect(
      ratioOf(
        conversation(
          [
            ['a', 'b'],
            ['c', 'd'],
          ],
          { per: 2 },
        ),
      ),
    ).toBe(4);
    expect(ratioOf(conversation(texts, { per: 2, model: (t) => `m${t % 6}` }))).toBe(4);
  });

  it('are read from two counts that differ by 500 tokens or more: closer ones say little', () => {
    const seen = new Set<number>();
    for (let length = 300; length < 700; length++) {
      const texts = [['q', 'a'] as const, ['q', 'a'] as const, ['q'.repeat(length), 'a'] as const];
      const entries = conversation(texts, { per: 1 });
      const counts = entries.flatMap((entry) =>
        entry.role === 'event' && entry.event.type === 'done' ? [entry.event.last_input_tokens] : [],
      );
      const difference = (counts[2] ?? 0) - (counts[1] ?? 0);
      seen.add(difference);
      if (difference < 500) expect([difference, ratioOf(entries)]).toEqual([difference, 4]);
      else expect(ratioOf(entries)).toBeCloseTo(1, 1);
    }
    for (const difference of [499, 500, 501]) expect(seen).toContain(difference);
  });

  it('are not read from turns before which a prompt had another form', () => {
    const texts = Array.from({ length: 6 }, () => ['q'.repeat(1000), 'a'.repeat(1000)] as const);
    const trimmed: EventDraft = {
      type: 'history_trimmed',
      dropped_messages: 3,
      kept_turns: 1,
      reason: 'overlong',
    };
    const all = conversation(texts, { per: 2, before: (t) => (t === 5 ? [trimmed] : []) });
    expect(ratioOf(all)).toBe(4);
  });

  it('are read from the turns since the last cut, each of which says that it is cut', () => {
    const texts = Array.from({ length: 8 }, () => ['q'.repeat(1000), 'a'.repeat(1000)] as const);
    const cutAt = (dropped: number, to?: number): EventDraft => ({
      type: 'history_trimmed',
      dropped_messages: dropped,
      kept_turns: 1,
      reason: 'context_tokens',
      ...(to !== undefined && { compacted_to: to }),
    });
    expect(ratioOf(conversation(texts, { per: 2, before: () => [cutAt(3)] }))).toBeCloseTo(2, 1);
    const moved = conversation(texts, { per: 2, before: (t) => [cutAt(t)] });
    expect(ratioOf(moved)).toBe(4);
    const summarised = conversation(texts, { per: 2, before: (t) => [cutAt(3, t === 7 ? 3 : undefined)] });
    expect(ratioOf(summarised)).toBe(4);
  });
});
