import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { PromptMessage, Verbatim } from '../model.ts';
import { addEvents, entriesOf } from './entries.ts';
import type { EventDraft, TurnEvent } from './events.ts';
import { decodeEvents, encodeEvents, frameOf, numbered } from './events.ts';
import { historyEntry } from './history-entry.ts';
import { CONTINUE_REQUEST, promptOf } from './prompt.ts';
import { entryOf, storedEntry } from './stored-entry.ts';

const TURN = asTurnId('t');
const MODEL = 'p:thinker';

const BEGIN: EventDraft[] = [
  { type: 'turn_start', message_ids: [], entry: 1, at: epochMs(1) },
  { type: 'applied', messages: [{ id: asMessageId('m1'), content: 'first', at: epochMs(1) }], step: 1 },
];
const eventsOf = (...drafts: EventDraft[]): TurnEvent[] =>
  [...BEGIN, ...drafts].map((draft, i) => numbered(draft, i + 1, TURN));

const chunk = (content: string, verbatim?: Verbatim): EventDraft => ({
  type: 'chunk',
  content,
  offset: 0,
  ...(verbatim && { verbatim }),
});
const call = (id: string, verbatim?: Verbatim): EventDraft => ({
  type: 'tool_call',
  id,
  name: 'look',
  args: {},
  ...(verbatim && { verbatim }),
});
const result = (id: string): EventDraft => ({ type: 'tool_result', id, name: 'look', output: 'seen' });
const gave = (...parts: Verbatim['parts']): Verbatim => ({ model: MODEL, parts });

const thought = { opaque: { type: 'reasoning', text: 'Hm.', providerOptions: { p: { signature: 's' } } } };
const step = gave(thought, { text: 5, meta: 'm' }, { call: 'c1', meta: { signature: 'x' } }, { call: 'c2' });

/** Thinks, says "hello", calls two tools. */
const STEP = [
  { type: 'thinking', content: 'Hm.' } as const,
  chunk('hel'),
  chunk('lo'),
  call('c1'),
  call('c2', step),
  result('c2'),
  result('c1'),
];

const promptFor = (events: readonly TurnEvent[], model = MODEL, shape: object = {}): PromptMessage[] =>
  promptOf(entriesOf(events, 'include'), { model, ...shape });

const assistants = (prompt: readonly PromptMessage[]) => prompt.filter(({ role }) => role === 'assistant');

describe('what is a provider’s own', () => {
  it('is stored with its event, where earlier versions do not look, and comes back', () => {
    const events = eventsOf(...STEP, chunk('bye', gave(thought, { text: 3 })));
    const texts = encodeEvents(events);
    expect(decodeEvents(texts)).toEqual(events);
    // An earlier version reads the first four elements, and takes a null for "the same turn".
    for (const [i, text] of texts.entries()) {
      const { verbatim: _, ...event } = events[i] as TurnEvent;
      const [seq, name, more, turn] = JSON.parse(text);
      expect(decodeEvents([JSON.stringify([seq, name, more, turn ?? TURN])])).toEqual([event]);
    }
  });

  it('is in no frame and in no entry that is sent', () => {
    const events = eventsOf(...STEP, chunk('bye', gave(thought, { text: 3 })));
    const sent = [
      ...events.map((event) => frameOf(event, () => '')),
      ...entriesOf(events, 'include').map((entry) => JSON.stringify(historyEntry(entry))),
    ].join();
    for (const own of ['signature', 'opaque', 'verbatim', MODEL]) expect(sent).not.toContain(own);
  });

  it('is left out where only a newer version knows its form', () => {
    const [, , , last] = eventsOf(chunk('a'), chunk('b'));
    const text = encodeEvents(last ? [last] : []).map((json) => JSON.parse(json));
    expect(decodeEvents([JSON.stringify([...(text[0] ?? []), { model: 1, form: 'new' }])])).toEqual([last]);
  });

  it('P13: whatever it is, its entry comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const opaque = JSON.parse(JSON.stringify(json));
        const entries = entriesOf(
          eventsOf(chunk('a', gave({ opaque }, { text: 1 })), call('c', gave({ call: 'c', meta: opaque }))),
          'include',
        );
        for (const entry of entries)
          expect(entryOf(storedEntry(entry, { first: 1, expires: epochSeconds(1) }))).toEqual(entry);
      }),
    );
  });

  it('P11: entries are the same, however the events are divided', () => {
    const paused: Verbatim = { ...gave(thought), paused: true };
    const events = eventsOf(
      ...STEP,
      { type: 'thinking', content: '', verbatim: paused },
      chunk('x'),
      chunk('y', gave({ text: 2 })),
      chunk('more'),
    );
    const [start, ...rest] = events;
    if (start?.type !== 'turn_start') throw new Error('no start');
    let soFar = addEvents({ turn: TURN, next: start.entry, text: '' }, [start]).soFar;
    const one = rest.flatMap((event) => {
      const added = addEvents(soFar, [event]);
      soFar = added.soFar;
      return added.entries;
    });
    expect(one).toEqual(entriesOf(events));
    expect(one.at(-1)).toMatchObject({ content: 'xy', verbatim: gave(thought, { text: 2 }) });
  });
});

describe('the prompt', () => {
  it('P11: has a step as the model gave it, and an answer as well', () => {
    const answer = gave(thought, { text: 3 });
    const prompt = promptFor(eventsOf(...STEP, chunk('bye', answer)));
    expect(assistants(prompt)).toEqual([
      {
        role: 'assistant',
        text: 'hello',
        calls: [
          { id: 'c1', name: 'look', args: {} },
          { id: 'c2', name: 'look', args: {} },
        ],
        verbatim: step,
      },
      { role: 'assistant', text: 'bye', calls: [], verbatim: answer },
    ]);
  });

  it.each([
    ['another model', 'p:other', {}],
    ['a provider that refused it', MODEL, { unthoughtTo: 100 }],
    ['a provider that refused calls', MODEL, { plainTo: 100 }],
  ])('has nothing of it for %s', (_what, model, shape) => {
    const prompt = promptFor(eventsOf(...STEP, chunk('bye', gave(thought, { text: 3 }))), model, shape);
    expect(JSON.stringify(prompt)).not.toContain('verbatim');
    expect(JSON.stringify(prompt)).toContain('bye');
  });

  it('what a cut call said is not a part of the next one, which was asked to go on from it', () => {
    const whole = gave(thought, { text: 2 }, { call: 'c1' });
    const prompt = promptFor(
      eventsOf(
        { type: 'thinking', content: 'half' },
        chunk('so '),
        chunk('on'),
        call('c1', whole),
        result('c1'),
      ),
    );
    expect(prompt.slice(1, 4)).toEqual([
      { role: 'assistant', text: 'so ', calls: [] },
      { role: 'user', content: CONTINUE_REQUEST },
      { role: 'assistant', text: 'on', calls: [{ id: 'c1', name: 'look', args: {} }], verbatim: whole },
    ]);
    // The order of roles that strict templates take is kept.
    expect(
      promptFor(eventsOf(chunk('so '), chunk('on'), call('c1', whole), result('c1')), MODEL, {
        alternating: true,
      }).map(({ role }) => role),
    ).toEqual(['user', 'assistant', 'user', 'assistant', 'tool']);
  });

  it('a paused answer goes on without a request, also one that left no text', () => {
    const paused: Verbatim = { ...gave(thought, { text: 1 }), paused: true };
    const empty: Verbatim = { ...gave(thought), paused: true };
    const before = eventsOf(chunk('a', paused));
    expect(promptFor(before).at(-1)).toEqual({ role: 'assistant', text: 'a', calls: [], verbatim: paused });
    expect(promptFor(eventsOf({ type: 'thinking', content: '', verbatim: empty })).at(-1)).toEqual({
      role: 'assistant',
      text: '',
      calls: [],
      verbatim: empty,
    });
    const after = promptFor(eventsOf(chunk('a', paused), chunk('b', gave({ text: 1, meta: 'm' }))));
    expect(after.slice(1).map(({ role }) => role)).toEqual(['assistant', 'assistant']);
  });
});
