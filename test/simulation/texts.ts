import { INLINE_BYTES } from '../../core/store/lane/lane.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { around, HALVES, textOfBytes, WRITTEN } from '../support/text.ts';
import { Random } from './random.ts';

/** The longest chunk, in UTF-16 units (core/turn/gather.ts). */
const CHUNK_UNITS = 4096;
/** Longer than what a lane holds: such content has an item of its own. */
const LONG_BYTES = INLINE_BYTES + 200;
/** Bytes of JSON around a text. */
const QUOTES = 2;

/**
 * What a person writes behind `begins`: most of it short, some of a size at a limit, one byte below it or one above. Its
 * beginning decides, so that a repeated run has the same history.
 */
export function personWrites(begins: string, isLong: boolean): string {
  const by = new Random(Buffer.from(begins).readUInt32BE(begins.length - 4)).int(0, 1e9);
  const unit = WRITTEN[by % WRITTEN.length] ?? 'a';
  const filled = (bytes: number) => begins + textOfBytes(bytes - Buffer.byteLength(begins), plain(unit));
  if (by % 37 === 0) return filled(around(MAX_CONTENT_BYTES - QUOTES)[by % 3] ?? 0);
  if (by % 11 === 0) return filled(around(INLINE_BYTES)[by % 3] ?? 0);
  if (isLong) return filled(LONG_BYTES);
  const half = by % 7 === 0 ? HALVES[by % 2] : '';
  return `${begins} ${half}${unit.repeat(by % 4)}${half}`;
}

/** Without escapes in JSON, so that its bytes are those of the text. */
const plain = (unit: string) => (JSON.stringify(unit).length === unit.length + QUOTES ? unit : '€');

/**
 * What a model says behind `begins`, in the pieces in which its provider sends it: these may divide a character. The number of the
 * call decides, so that a repeated run has the same history. Some calls say so much that the answer fits into no frame.
 */
export function modelSays(begins: string, call: number, word: number): string[] {
  const by = 5 * call + 3 * word;
  const unit = WRITTEN[by % WRITTEN.length] ?? 'a';
  if (call % 23 === 0 || by % 43 === 0) {
    const units = (around(CHUNK_UNITS)[by % 3] ?? 0) - begins.length;
    return [begins + unit.repeat(units).slice(0, units).toWellFormed()];
  }
  const said = begins + unit.repeat(by % 4);
  return by % 13 === 0 ? [said.slice(0, -1), said.slice(-1)] : [said];
}

/** Content as the product stores it: U+FFFD stands for half of a pair. Not the product's own code. */
export const mended = <T>(content: T): T =>
  JSON.parse(
    JSON.stringify(content, (_, value) => (typeof value === 'string' ? value.toWellFormed() : value)),
  );
