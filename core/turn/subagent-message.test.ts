import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOfBytes } from '../../test/support/text.ts';
import type { Json } from '../json.ts';
import { bytesOfJson } from '../json-bytes.ts';
import { SubagentMessage } from './subagent-message.ts';

describe('what is shown of an agent that a tool asks', () => {
  it('is bounded, whatever it says and does, and its last words stay', () => {
    const step = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }).map((said) => ({ said: said.repeat(20) })),
      fc.record({
        args: fc.string({ maxLength: 400 }),
        output: fc.string({ maxLength: 400 }).map((said) => said.repeat(9)),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const message = new SubagentMessage('c1');
        for (const [i, one] of steps.entries()) {
          if ('said' in one) message.say(one.said);
          else {
            message.call({ id: `t${i}`, name: 'look', args: one.args });
            message.result(`t${i}`, { output: one.output, isError: i % 2 === 0 });
          }
        }
        message.say('The end.');
        expect(bytesOfJson(message.shown)).toBeLessThanOrEqual(4 * 1024 + 200);
        expect(bytesOfJson(message.kept)).toBeLessThanOrEqual(12 * 1024 + 200);
        expect(JSON.stringify(message.kept)).toContain('The end.');
      }),
      { numRuns: 12 },
    );
  });

  it('takes a time that grows with what it says, which is shown after each piece', () => {
    const message = new SubagentMessage('c1');
    for (let said = 0; said < 400_000; said += 10) {
      message.say('ten bytes ');
      message.shown;
    }
    expect(message.text).toHaveLength(400_000);
  });
});

/** The parts, and whether the message says that it is shortened. */
const read = (message: Json) =>
  message as unknown as {
    metadata?: { shortened: true };
    parts: { type: string; text?: string; state: string; output?: Json; errorText?: string }[];
  };
/** Of a text part, without its text. */
const TEXT_BYTES = bytesOfJson({ type: 'text', text: '', state: 'done' });
const KEPT = 12 * 1024;
const SHOWN = 4 * 1024;
const VALUE = 1024;

describe('the message of an agent that a tool asks', () => {
  it('has its texts and calls in their order, and what goes on is not done', () => {
    const message = new SubagentMessage('c1');
    message.say('One, ');
    message.say('two.');
    const said = { type: 'text', text: 'One, two.' };
    expect(message.shown).toEqual({
      id: 'c1',
      role: 'assistant',
      parts: [{ ...said, state: 'streaming' }],
    });
    message.call({ id: 't', name: 'look', args: { n: 1 } });
    message.call({ id: 'p', name: 'search', args: 'soup' }, { byProvider: true });
    const look = { type: 'tool-look', toolCallId: 't', input: { n: 1 }, state: 'input-available' };
    const search = { type: 'tool-search', toolCallId: 'p', input: 'soup', providerExecuted: true };
    const done = { ...said, state: 'done' };
    expect(read(message.shown).parts).toEqual([done, look, { ...search, state: 'input-available' }]);
    message.result('p', { output: ['a'], isError: false });
    message.say('Three.');
    message.endText();
    message.say('Four.');
    expect(message.text).toBe('One, two.\n\nThree.\n\nFour.');
    expect(read(message.kept).parts).toEqual([
      done,
      look,
      { ...search, state: 'output-available', output: ['a'] },
      { type: 'text', text: 'Three.', state: 'done' },
      { type: 'text', text: 'Four.', state: 'done' },
    ]);
  });

  it('P13: a result is that of the call of its id which has none yet', () => {
    const message = new SubagentMessage('c1');
    for (const output of ['first', 'second']) {
      message.call({ id: 't', name: 'look', args: {} });
      message.call({ id: 'other', name: 'look', args: {} });
      message.result('t', { output, isError: false });
    }
    message.result('t', { output: 'late', isError: false });
    message.result('unknown', { output: 'nothing', isError: true });
    expect(read(message.kept).parts.map(({ output, state }) => output ?? state)).toEqual([
      'first',
      'input-available',
      'second',
      'input-available',
    ]);
  });

  it('an error is its text, or the JSON of what it is', () => {
    const message = new SubagentMessage('c1');
    for (const output of ['No.', { code: 7 }]) {
      message.call({ id: 't', name: 'look', args: {} });
      message.result('t', { output, isError: true });
    }
    expect(read(message.kept).parts).toMatchObject([
      { state: 'output-error', errorText: 'No.' },
      { state: 'output-error', errorText: '{"code":7}' },
    ]);
  });

  it.each(['x', 'é', '€', '😀'])(
    'an input or output has 1,024 bytes as JSON, and what is longer is the beginning of its text: of %s',
    (unit) => {
      for (const bytes of [VALUE - 3, VALUE - 2, VALUE - 1, 5000]) {
        const text = textOfBytes(bytes, unit);
        const message = new SubagentMessage('c1');
        message.call({ id: 't', name: 'look', args: text });
        message.result('t', { output: { text }, isError: false });
        const [part] = read(message.kept).parts as { input?: Json; output?: Json }[];
        const input = String(part?.input);
        if (bytes <= VALUE - 2) expect(input).toBe(text);
        else {
          expect(text.startsWith(input.slice(0, -1))).toBe(true);
          expect(input.at(-1)).toBe('…');
          expect(Buffer.byteLength(input)).toBeLessThanOrEqual(VALUE);
          expect(Buffer.byteLength(input)).toBeGreaterThan(VALUE - 4);
        }
        const json = JSON.stringify({ text });
        const output = String(part?.output);
        expect(json.startsWith(output.slice(0, -1))).toBe(true);
        expect(bytesOfJson(output)).toBeLessThanOrEqual(VALUE + 8);
        expect(bytesOfJson(output)).toBeGreaterThan(VALUE - 8);
      }
    },
  );

  it('is whole where it just fits; one byte more, and its oldest part is gone', () => {
    for (const more of [0, 1]) {
      const message = new SubagentMessage('c1');
      message.call({ id: 't', name: 'look', args: {} });
      const left = KEPT - bytesOfJson(read(message.kept).parts[0]);
      message.say('x'.repeat(left - TEXT_BYTES + more));
      const { metadata, parts } = read(message.kept);
      expect(parts).toHaveLength(2 - more);
      expect(metadata).toEqual(more ? { shortened: true } : undefined);
    }
  });

  it('has the end of its oldest text where more than 1,024 bytes are left, and nothing from before that', () => {
    for (const left of [VALUE, VALUE + 1, 3000]) {
      const message = new SubagentMessage('c1');
      message.call({ id: 'small', name: 'look', args: {} });
      message.say('a'.repeat(5000));
      message.endText();
      message.say('b'.repeat(KEPT - left - TEXT_BYTES));
      const { metadata, parts } = read(message.kept);
      expect(metadata).toEqual({ shortened: true });
      const texts = parts.map(({ text = '' }) => text);
      expect(texts).toHaveLength(left > VALUE ? 2 : 1);
      expect(texts.at(-1)).toMatch(/^b+$/);
      if (left > VALUE) expect(texts[0]).toBe('a'.repeat(left - 100));
    }
  });

  it('shows the end of the text that is being said, and nothing of a text before it', () => {
    const message = new SubagentMessage('c1');
    message.say('a'.repeat(20_000));
    message.call({ id: 't', name: 'look', args: {} });
    for (let n = 0; n < 10; n++) message.say(`${n}`.repeat(1000));
    const [part, ...others] = read(message.shown).parts;
    expect(others).toEqual([]);
    expect(part?.state).toBe('streaming');
    expect(part?.text).toBe(`${'6'.repeat(996)}${'7'.repeat(1000)}${'8'.repeat(1000)}${'9'.repeat(1000)}`);
    expect(bytesOfJson(part?.text) - 2).toBe(SHOWN - 100);
  });

  it.each(['é', '€', '😀', '"'])('the end of a text has whole characters, as many as fit: of %s', (unit) => {
    for (const tail of ['', '.', '..', '...']) {
      const message = new SubagentMessage('c1');
      message.say(`${unit.repeat(20_000)}${tail}`);
      for (const [{ parts }, most] of [
        [read(message.shown), SHOWN - 100],
        [read(message.kept), KEPT - 100],
      ] as const) {
        const text = parts[0]?.text ?? '';
        expect(text.isWellFormed()).toBe(true);
        expect(text.endsWith(`${unit}${tail}`)).toBe(true);
        expect(bytesOfJson(text) - 2).toBeLessThanOrEqual(most);
        expect(bytesOfJson(text) - 2).toBeGreaterThan(most - 50);
      }
    }
  });
});
