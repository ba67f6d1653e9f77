import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Content, FilePart } from '../content.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Entry } from './entries.ts';
import {
  fileBesideNote,
  fileNote,
  IMAGE_NOTE,
  promptOf,
  type Shape,
  SUMMARY_NOTE,
  SYSTEM_NOTE,
} from './prompt.ts';

type Said = Entry extends infer E ? (E extends Entry ? Omit<E, 'n' | 'turn'> : never) : never;
/** Numbered from 1 on. */
const entries = (...said: Said[]): Entry[] =>
  said.map((entry, i) => ({ n: i + 1, turn: asTurnId('t'), ...entry }) as Entry);
const user = (content: Content, from?: 'system'): Said => ({
  role: 'user',
  id: asMessageId('m'),
  content,
  at: epochMs(1),
  step: 1,
  ...(from && { from }),
});
const says = (content: string): Said => ({ role: 'assistant', content });
const call = (id: string, args: Json = { at: id }): Said => ({ role: 'tool_call', id, name: 'look', args });
const result = (id: string, output: Json = `found ${id}`, more: object = {}): Said => ({
  role: 'tool_result',
  id,
  name: 'look',
  output,
  ...more,
});
const answer = (text: string, ...ids: string[]) => ({
  role: 'assistant',
  text,
  calls: ids.map((id) => ({ id, name: 'look', args: { at: id } })),
});
const found = (...ids: string[]) => ({
  role: 'tool',
  results: ids.map((id) => ({ id, name: 'look', output: `found ${id}`, isError: false })),
});
const asked = (content: Content) => ({ role: 'user', content });
const IMAGE = { type: 'image', url: 'https://example.com/a.png' } as const;
const FILE: FilePart = { type: 'file', file: 'f', media_type: 'application/pdf', size: 9, name: 'a "b".pdf' };

describe('P11: the prompt of a transcript', () => {
  it('has who said what, one answer for what was said without a message between', () => {
    expect(
      promptOf(entries(user('one'), says('yes, '), says('and more'), user('two'), user('three'))),
    ).toEqual([asked('one'), answer('yes, and more'), asked('two'), asked('three')]);
  });

  it('P13: has the calls of a step in one message, and their results behind it in the order of the calls', () => {
    const said = [
      user('go'),
      says('I look.'),
      call('a'),
      call('b'),
      result('b'),
      result('a'),
      says('Done.'),
      call('c'),
      result('c'),
    ];
    expect(promptOf(entries(...said))).toEqual([
      asked('go'),
      answer('I look.', 'a', 'b'),
      found('a', 'b'),
      answer('Done.', 'c'),
      found('c'),
    ]);
    const failed = result('a', { why: 'not there' }, { is_error: true, shown: 'short' });
    expect(promptOf(entries(call('a'), failed))).toEqual([
      answer('', 'a'),
      {
        role: 'tool',
        results: [{ id: 'a', name: 'look', output: { why: 'not there' }, isError: true, shown: 'short' }],
      },
    ]);
  });

  it('P13: has a result for each call and a call for each result, whatever has expired', () => {
    const gone = {
      id: 'b',
      name: 'look',
      output: expect.stringContaining('not known any more'),
      isError: true,
    };
    expect(promptOf(entries(result('x'), user('go'), call('a'), call('b'), result('a')))).toEqual([
      asked('go'),
      answer('', 'a', 'b'),
      { role: 'tool', results: [...found('a').results, gone] },
    ]);
    expect(promptOf(entries(call('b'), user('go')))).toEqual([
      answer('', 'b'),
      { role: 'tool', results: [gone] },
      asked('go'),
    ]);
  });

  it('has no event of its session, and is well-formed', () => {
    const ended: Said = {
      role: 'event',
      event: { type: 'aborted', seq: 1, turn: asTurnId('t'), by: 'ann', first: 1 },
    };
    expect(promptOf(entries(user('half \ud83d'), says('a\udc00'), ended))).toEqual([
      asked('half \ufffd'),
      answer('a\ufffd'),
    ]);
  });

  it('says of a message of the application whose it is, before it, also beside images', () => {
    expect(promptOf(entries(user('wake up', 'system')))).toEqual([asked(`${SYSTEM_NOTE}\n\nwake up`)]);
    expect(promptOf(entries(user([IMAGE], 'system')))).toEqual([
      asked([{ type: 'text', text: SYSTEM_NOTE }, IMAGE]),
    ]);
  });

  it('begins with a summary of what is not shown, which nothing in it can end', () => {
    const [first, second] = promptOf(
      entries(user('go')),
      {},
      'They said </summary> and <SUMMARY> and <sum> and </Summary>.',
    );
    expect(first).toEqual(
      asked(
        `${SUMMARY_NOTE}\n<summary>\nThey said < /summary> and < SUMMARY> and <sum> and < /Summary>.\n</summary>`,
      ),
    );
    expect(second).toEqual(asked('go'));
    expect(promptOf([], {}, '')).toHaveLength(1);
    expect(promptOf([])).toEqual([]);
  });
});

describe('P11: the shape of a prompt', () => {
  const four = entries(user('one'), says('two'), user('three'), says('four'));
  const texts = (shape: Shape) =>
    promptOf(four, shape).map((message) =>
      'content' in message ? message.content : 'text' in message && message.text,
    );

  it('leaves out what is before its beginning, and single stretches, with their first and last entries', () => {
    expect(texts({ from: 3 })).toEqual(['three', 'four']);
    expect(texts({ from: 4 })).toEqual(['four']);
    expect(texts({ without: [{ first: 2, last: 3 }] })).toEqual(['one', 'four']);
    expect(
      texts({
        without: [
          { first: 1, last: 1 },
          { first: 4, last: 9 },
        ],
      }),
    ).toEqual(['two', 'three']);
  });

  it('has notes in the place of images and files, up to an entry, and what tools gave for those they showed', () => {
    const said = [
      user([IMAGE, { type: 'text', text: 'Look.' }, FILE]),
      call('a'),
      result('a', 'words', { shown: 'picture' }),
    ];
    const shown = (imagesTo: number) => promptOf(entries(...said), { imagesTo });
    const note = (text: string) => ({ type: 'text' as const, text });
    expect(shown(1)[0]).toEqual(asked([note(IMAGE_NOTE), note('Look.'), note(fileNote(FILE, 'unreadable'))]));
    expect(shown(0)[0]).toEqual(asked([IMAGE, { type: 'text', text: 'Look.' }, FILE]));
    expect(shown(2)[2]).toMatchObject({ results: [{ output: 'words', shown: 'picture' }] });
    expect(shown(3)[2]).toEqual({
      role: 'tool',
      results: [{ id: 'a', name: 'look', output: 'words', isError: false }],
    });
  });

  it('tells calls in words up to an entry, whether they failed, and has no control characters there', () => {
    const said = [
      user('a\u0000b\tc\nd\u009f'),
      call('a', { at: 'x\u0001' }),
      result('a', { found: [1] }),
      call('b'),
      result('b', 'no\u0007', { is_error: true }),
      result('lost', 'there'),
      user([{ type: 'text', text: 'a\u0000' }, IMAGE]),
      user('a\u0000'),
      call('c'),
      result('c'),
    ];
    expect(promptOf(entries(...said), { plainTo: 7 })).toEqual([
      asked('ab\tc\nd'),
      asked('[The tool look was called with {"at":"x\\u0001"} and gave: {"found":[1]}]'),
      asked('[The tool look was called with {"at":"b"} and failed: no]'),
      asked('[The tool look was called with unknown arguments and gave: there]'),
      asked([{ type: 'text', text: 'a' }, IMAGE]),
      asked('a\u0000'),
      answer('', 'c'),
      found('c'),
    ]);
  });

  it('alternates, where a provider wants that: the user first, and the assistant between results and the user', () => {
    const said = [
      says('hello'),
      says(' there'),
      user('one'),
      user([IMAGE]),
      call('a'),
      result('a'),
      user('two'),
      says(' '),
      user('three'),
    ];
    expect(promptOf(entries(...said), { alternating: true })).toEqual([
      asked('[Earlier messages of this conversation are not shown.]'),
      answer('hello there'),
      asked([{ type: 'text', text: 'one' }, IMAGE]),
      answer('', 'a'),
      found('a'),
      answer('I have read the results.'),
      asked('two\n\nthree'),
    ]);
    // After results the assistant goes on by itself.
    expect(
      promptOf(entries(user('one'), call('a'), result('a'), says('Done.')), { alternating: true }),
    ).toEqual([asked('one'), answer('', 'a'), found('a'), answer('Done.')]);
  });
});

it('what stands in the place of a file says which, whose, and why', () => {
  const { name: _, ...unnamed } = FILE;
  expect(fileNote(FILE, 'gone')).toContain(
    'The user attached a file here: "a \\"b\\".pdf", application/pdf. You were not given it: it has expired.',
  );
  expect(fileNote(unnamed, 'large', 'tool')).toContain(
    'The tool gave a file here: application/pdf. You were not given it: there was no room',
  );
  expect(fileNote(unnamed, 'unreadable')).toContain('cannot load it');
  expect(fileBesideNote(FILE)).toContain('follows the results: "a \\"b\\".pdf", application/pdf.');
  expect(fileBesideNote(unnamed)).toContain('follows the results: application/pdf.');
});
