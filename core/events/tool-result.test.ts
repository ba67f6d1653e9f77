import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filesIn } from '../../protocol/files-in.ts';
import { cases } from '../../test/support/sample.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import type { Json } from '../json.ts';
import { bytesOfJson } from '../json-bytes.ts';
import { MAX_SHOWN_BYTES, toolProgressOf, toolResultOf } from './tool-result.ts';

const KIB_16 = 16 * 1024;
const call = { id: 'c', name: 'read' };

function resultOf(output: Json) {
  const draft = toolResultOf(call, { output, isError: false });
  if (draft.type !== 'tool_result') throw new Error('no result');
  return draft;
}

describe('the result of a tool (P13)', () => {
  it.each<[string, Json]>([
    ['text', 'x'.repeat(KIB_16)],
    ['JSON', { rows: ['x'.repeat(KIB_16 - 20)] }],
    ['nothing', null],
  ])('of at most 16 KiB stays as it is: %s', (_, output) => {
    expect(resultOf(output)).toEqual({ type: 'tool_result', ...call, output });
  });

  it('of 17 KB keeps nearly 16 KiB, and says how much is missing', () => {
    const result = resultOf('x'.repeat(17_000));
    expect(result).toMatchObject({ truncated: true, output_length: 17_000 });
    const [kept = '', note] = String(result.output).split('\n\n');
    expect(kept.length).toBeGreaterThan(16_000);
    expect(note).toBe(
      `[Cut: the output is text of 17000 characters. Only its first ${kept.length} are above.]`,
    );
  });

  it('of JSON is the beginning of the JSON, and says that it is', () => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({ id: i, name: `row ${i}` }));
    const result = resultOf({ rows });
    const [kept = '', note] = String(result.output).split('\n\n');
    expect(JSON.stringify({ rows }).startsWith(kept)).toBe(true);
    expect(kept).toContain('{"id":400,"name":"row 400"}');
    expect(note).toBe(
      `[Cut: the output is JSON of ${JSON.stringify({ rows }).length} characters. Only its first ${kept.length} are above.]`,
    );
  });

  it('of JSON that is cut names its files at its end, each whole, as many as have room', () => {
    const made = (n: number, name: string) => ({
      type: 'file',
      file: `f${n}`.padEnd(43, 'x'),
      media_type: 'image/png',
      size: 1_000_000 + n,
      name,
      note: 'y'.repeat(2000),
    });
    for (const name of ['plan.png', 'Its files: [', '図'.repeat(100)]) {
      const files = Array.from({ length: 20 }, (_, n) => made(n, name));
      const { output, truncated } = resultOf({ words: 'x'.repeat(20_000), files });
      expect(truncated).toBe(true);
      const named = files.map(({ note: _, ...file }) => file);
      const found = filesIn(output);
      expect(found).toEqual(named.slice(0, found.length));
      expect(found.length).toBe(name === 'plan.png' ? 20 : found.length);
      expect(found.length).toBeGreaterThan(5);
      expect(bytesOfJson(output)).toBeLessThanOrEqual(KIB_16 + 2);
    }
    expect(filesIn('A tool writes\nIts files: [of its own]')).toEqual([]);
  });

  it.each(['x', '€', '"'])('has what the model is shown in its place, up to a limit of bytes: %s', (unit) => {
    for (const bytes of around(MAX_SHOWN_BYTES)) {
      // As JSON text within JSON text: quotation marks are escaped twice.
      const each = unit === '"' ? 4 : Buffer.byteLength(unit);
      const room = bytes - 2 * '\\"'.length;
      const shown = unit.repeat(Math.floor(room / each)) + 'x'.repeat(room % each);
      const draft = toolResultOf(call, { output: 'short', isError: false, shown });
      expect(draft).toEqual({
        type: 'tool_result',
        ...call,
        output: 'short',
        ...(bytes <= MAX_SHOWN_BYTES && { shown }),
      });
    }
  });

  it('says whether it failed, and whether its provider ran it', () => {
    const ran = toolResultOf(
      { ...call, provider_executed: true },
      { output: null, isError: true, shown: null },
    );
    expect(ran).toEqual({
      type: 'tool_result',
      ...call,
      output: null,
      shown: null,
      is_error: true,
      provider_executed: true,
    });
  });

  it('is cut as its progress is, at the byte', () => {
    for (const bytes of around(KIB_16)) {
      const output = textOfBytes(bytes);
      const { truncated, output_length } = resultOf(output);
      expect([truncated, output_length]).toEqual(
        bytes > KIB_16 ? [true, output.length] : [undefined, undefined],
      );
      const { type: _, ...progress } = toolProgressOf(call, output);
      const { type: __, ...result } = resultOf(output);
      expect(progress).toEqual(result);
    }
  });

  it('fits, is well-formed, and is cut only where it must be, whatever its characters', () => {
    const unit = fc.constantFrom('x', '😀', '\ud83d', '"', '\u0000', 'é', '\n');
    fc.assert(
      fc.property(
        fc.array(unit, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 9000 }),
        (units, times) => {
          const output = units.join('').repeat(times);
          const result = resultOf(output);
          const text = String(result.output);
          const bytes = Buffer.byteLength(JSON.stringify(text)) - 2;
          expect(text.isWellFormed()).toBe(true);
          expect(bytes).toBeLessThanOrEqual(KIB_16);
          const whole = output.toWellFormed();
          if (result.truncated === undefined) return void expect(text).toBe(whole);
          // The sentence and one character are all that is left unused.
          expect(bytes).toBeGreaterThan(KIB_16 - 12);
          expect(result.output_length).toBe(whole.length);
          expect(whole.startsWith(text.slice(0, text.lastIndexOf('\n\n[Cut: ')))).toBe(true);
        },
      ),
      { numRuns: cases(500) },
    );
  });
});
