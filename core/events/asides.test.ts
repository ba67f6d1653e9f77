import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { PromptMessage, Verbatim, VerbatimPart } from '../model.ts';
import { pairedRuns } from './asides.ts';
import { entriesOf } from './entries.ts';
import { type EventDraft, numbered } from './events.ts';
import { promptOf } from './prompt.ts';

const TURN = asTurnId('t');
const MODEL = 'p:searcher';
const run = (id: string): VerbatimPart => ({ opaque: `run ${id}`, of: 'call', id });
const found = (id: string): VerbatimPart => ({ opaque: `found ${id}`, of: 'result', id });
const thought: VerbatimPart = { opaque: 'hm' };
const text = (length: number): VerbatimPart => ({ text: length });
const gave = (...parts: VerbatimPart[]): Verbatim => ({ model: MODEL, parts });

const BEGIN: EventDraft[] = [
  { type: 'turn_start', message_ids: [], entry: 1, at: epochMs(1) },
  { type: 'applied', messages: [{ id: asMessageId('m1'), content: 'first', at: epochMs(1) }], step: 1 },
];
const search: EventDraft = {
  type: 'tool_call',
  id: 's1',
  name: 'search',
  args: { query: 'tide' },
  provider_executed: true,
};
const result: EventDraft = {
  type: 'tool_result',
  id: 's1',
  name: 'search',
  output: ['noon'],
  provider_executed: true,
};
const say = (content: string, verbatim?: Verbatim): EventDraft => ({
  type: 'chunk',
  content,
  offset: 0,
  ...(verbatim && { verbatim }),
});
const source: EventDraft = {
  type: 'source',
  source_id: 'source-1',
  source_type: 'url',
  url: 'https://example.com/tide',
  title: 'Tides',
};

const promptFor = (model: string, ...drafts: EventDraft[]): PromptMessage[] =>
  promptOf(
    entriesOf(
      [...BEGIN, ...drafts].map((draft, i) => numbered(draft, i + 1, TURN)),
      'include',
    ),
    {
      model,
    },
  );

describe('P11: a search of the provider', () => {
  const own = gave(text(6), run('s1'), found('s1'), text(5));
  const drafts = [say('I look'), search, result, say('Noon.', own), source];

  it('is given back to its model with what it found, and the sources are in it', () => {
    expect(promptFor(MODEL, ...drafts)).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', text: 'I lookNoon.', calls: [], verbatim: own },
    ]);
  });

  it('is told to another model in words, with the sources', () => {
    expect(promptFor('q:other', ...drafts)).toEqual([
      { role: 'user', content: 'first' },
      {
        role: 'assistant',
        text: 'I lookNoon.',
        calls: [],
        aside: [
          'search was run with {"query":"tide"} and gave: ["noon"]',
          'Source: Tides, https://example.com/tide',
        ],
      },
    ]);
  });

  it('of a call that was cut is told in words to its own model too', () => {
    const [, answer] = promptFor(MODEL, say('I look'), search, result, say('No'));
    expect(answer).toMatchObject({ text: 'I lookNo', aside: [expect.stringContaining('noon')] });
  });

  it('comes back where nothing was said, also over a pause', () => {
    const paused: Verbatim = { ...gave(thought, run('s1')), paused: true };
    const goesOn = gave(found('s1'), text(5));
    const all = promptFor(MODEL, { ...search, verbatim: paused }, result, say('Noon.', goesOn));
    expect(all.slice(1)).toEqual([
      { role: 'assistant', text: '', calls: [], verbatim: paused },
      { role: 'assistant', text: 'Noon.', calls: [], verbatim: goesOn },
    ]);
  });

  it('that is not kept leaves the prompt with the thought that led to it, once a user’s message follows', () => {
    const messages: PromptMessage[] = [
      { role: 'assistant', text: 'I', calls: [], verbatim: gave(text(1), thought, run('s1')) },
      { role: 'user', content: 'second' },
    ];
    expect(pairedRuns(messages, false)[0]).toMatchObject({ verbatim: gave(text(1)) });
    expect(pairedRuns(messages.slice(0, 1), false)).toEqual(messages.slice(0, 1));
  });
});

describe('P13: the provider’s tools in a prompt', () => {
  const part = fc
    .constantFrom(run('a'), run('b'), found('a'), found('b'), thought, text(0))
    .map((one) => ({ ...one }));
  const message = fc.oneof(
    fc.constant<PromptMessage>({ role: 'user', content: 'u' }),
    fc
      .array(part, { maxLength: 5 })
      .map((parts): PromptMessage => ({ role: 'assistant', text: '', calls: [], verbatim: gave(...parts) })),
  );
  const marks = (messages: readonly PromptMessage[]) =>
    messages.flatMap((one, at) =>
      one.role === 'assistant'
        ? (one.verbatim?.parts ?? []).flatMap((p) =>
            'of' in p && p.of !== 'file' ? [{ of: p.of, id: p.id, at }] : [],
          )
        : [],
    );

  it('are results behind their calls, and calls with a result or without a user’s message behind them', () => {
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const shown = pairedRuns(messages, false);
        const lastUser = shown.findLastIndex(({ role }) => role === 'user');
        const all = marks(shown);
        for (const [i, { of, id, at }] of all.entries()) {
          if (of === 'result')
            expect(all.slice(0, i)).toContainEqual(expect.objectContaining({ of: 'call', id }));
          else if (at < lastUser) expect(all).toContainEqual(expect.objectContaining({ of: 'result', id }));
        }
      }),
    );
  });
});
