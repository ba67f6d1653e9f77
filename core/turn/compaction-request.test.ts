import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import type { Content } from '../content.ts';
import type { Entry } from '../events/entries.ts';
import type { TurnEvent } from '../events/events.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { Summary } from '../store/items.ts';
import { compactionRequest, lineOf } from './compaction-request.ts';

const TURN = asTurnId('turn');
const at = { n: 1, turn: TURN };
const said = (content: Content, id = 'm'): Entry => ({
  ...at,
  role: 'user',
  id: asMessageId(id),
  content,
  at: epochMs(1),
  step: 1,
});
const noted = (event: object): Entry => ({
  ...at,
  role: 'event',
  event: { seq: 1, turn: TURN, ...event } as TurnEvent,
});
const read = (entry: Entry): unknown => {
  const line = lineOf(entry);
  return line === undefined ? undefined : JSON.parse(line);
};

const PREVIOUS: Summary = {
  first: 1,
  to: 4,
  text: 'They met.',
  provider: 'house',
  model: 'small',
  usage: { inputTokens: 1, outputTokens: 1 },
  expires: epochSeconds(9_999_999_999),
};

describe('a line of the request for a summary', () => {
  it('is what was said, with a word for each image and file', () => {
    expect(read(said('Hello'))).toEqual({ role: 'user', content: 'Hello' });
    const file = { type: 'file', file: 'f1', size: 3, media_type: 'application/pdf' } as const;
    const content: Content = [
      { type: 'text', text: 'See' },
      { type: 'image', media_type: 'image/png', data: 'AAAA' },
      { type: 'text', text: 'these' },
      { type: 'image', url: 'https://images.example/a.png' },
      { ...file, name: 'bill.pdf' },
      file,
    ];
    expect(read(said(content))).toEqual({
      role: 'user',
      content: [
        'See',
        'these',
        '[image]',
        '[image]',
        '[file bill.pdf (application/pdf)]',
        '[file  (application/pdf)]',
      ].join('\n'),
    });
  });

  it('is what was answered, called and given: what failed says so', () => {
    const call = { id: 'c', name: 'look' };
    const verbatim = { model: 'm', parts: [{ opaque: 'THOUGHT' }] };
    expect(read({ ...at, role: 'assistant', content: 'Hi', verbatim })).toEqual({
      role: 'assistant',
      content: 'Hi',
    });
    expect(read({ ...at, role: 'tool_call', ...call, args: { n: 1 }, verbatim })).toEqual({
      role: 'tool_call',
      name: 'look',
      args: '{"n":1}',
    });
    const result = { ...at, role: 'tool_result', ...call } as const;
    expect(read({ ...result, output: { found: 2 } })).toEqual({
      role: 'tool_result',
      name: 'look',
      output: '{"found":2}',
    });
    expect(read({ ...result, output: 'no such page', is_error: true })).toEqual({
      role: 'tool_result',
      name: 'look',
      output: 'no such page',
      failed: true,
    });
  });

  it('is a source or a file that the answer names, and no other event', () => {
    expect(
      read(
        noted({ type: 'source', source_id: 's', source_type: 'url', url: 'https://a.example', title: 'A' }),
      ),
    ).toEqual({
      role: 'source',
      title: 'A',
      url: 'https://a.example',
    });
    expect(read(noted({ type: 'source', source_type: 'document', filename: 'a.pdf' }))).toEqual({
      role: 'source',
      title: null,
      url: 'a.pdf',
    });
    expect(read(noted({ type: 'source', source_type: 'url' }))).toMatchObject({ url: null });
    expect(read(noted({ type: 'file', media_type: 'image/png', bytes: 3, data: 'AAAA' }))).toEqual({
      role: 'assistant_file',
      media_type: 'image/png',
    });
    expect(read(noted({ type: 'aborted', by: 'ann', first: 1 }))).toBeUndefined();
  });

  it('has 4,000 characters of arguments and of a result; a message and an answer it has whole', () => {
    const call = { id: 'c', name: 'look' };
    for (const length of [3998, 3999, 4000, 4001, 9000]) {
      const text = 'x'.repeat(length);
      const args = read({ ...at, role: 'tool_call', ...call, args: text }) as { args: string };
      const quoted = `"${text}"`;
      expect(args.args).toBe(quoted.length <= 4000 ? quoted : `${quoted.slice(0, 3999)}…`);
      const result = read({ ...at, role: 'tool_result', ...call, output: text }) as { output: string };
      expect(result.output).toBe(length <= 4000 ? text : `${text.slice(0, 3999)}…`);
      expect(read(said(text))).toMatchObject({ content: text });
      expect(read({ ...at, role: 'assistant', content: text })).toMatchObject({ content: text });
    }
  });

  it('has no tag, whatever is quoted', () => {
    for (const entry of [
      said('</conversation>'),
      { ...at, role: 'assistant', content: '</conversation>' } as const,
      { ...at, role: 'tool_call', id: 'c', name: '<x>', args: '</conversation>' } as const,
      { ...at, role: 'tool_result', id: 'c', name: 'x', output: '</conversation>' } as const,
      noted({ type: 'source', title: '</conversation>' }),
    ])
      expect(lineOf(entry)).not.toContain('<');
  });
});

describe('the request for a summary', () => {
  const linesOf = (...[cut, characters = 500]: Parameters<typeof compactionRequest> | [never]) => {
    const { messages, toolChoice } = compactionRequest(cut, characters);
    expect([messages.length, toolChoice]).toEqual([1, 'none']);
    const [message] = messages;
    return message?.role === 'user' && typeof message.content === 'string' ? message.content.split('\n') : [];
  };

  it('quotes the summary before, says what is left out, and then has the entries, oldest first', () => {
    const entries = [said('One'), noted({ type: 'aborted', by: 'ann', first: 1 }), said('<b>')];
    const lines = linesOf({ previous: PREVIOUS, entries, hasMore: true }, 777);
    expect(lines.slice(1, -2)).toEqual([
      '<conversation>',
      '{"role":"earlier_summary","content":"They met."}',
      expect.stringMatching(/^\{"role":"note",.*left out/),
      '{"role":"user","content":"One"}',
      '{"role":"user","content":"\\u003cb>"}',
      '</conversation>',
    ]);
    expect(lines.at(-1)).toContain('at most 777 characters');
    expect(linesOf({ previous: undefined, entries: [said('One')], hasMore: false }, 1).slice(1, -2)).toEqual([
      '<conversation>',
      '{"role":"user","content":"One"}',
      '</conversation>',
    ]);
  });

  it('has no message that a hook of the agent refused', () => {
    const refusal = { type: 'error', code: 'TURN_REFUSED', message: '', retryable: false, first: 1 };
    const entries = [said('SECRET', 'bad'), said('Fine', 'good'), noted({ ...refusal, refused: ['bad'] })];
    const text = linesOf({ previous: undefined, entries, hasMore: false }, 1).join('\n');
    expect(text).not.toContain('SECRET');
    expect(text).toContain('Fine');
  });
});
