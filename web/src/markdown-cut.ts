import { endOfMarks } from './markdown-bounds.ts';
import { fenceAfter, ITEM } from './markdown-lines.ts';

interface Place {
  at: number;
  /** The number of the item that begins here, in an ordered list. */
  number?: number | undefined;
  /** The head of the table that goes on here. */
  head?: string | undefined;
}

/** The line under the head of a table. */
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const ORDERED = /^(\d{1,9})[.)](?=\s)/;

/**
 * Cuts a block into pieces of about `limit` characters, and `MAX_MARKS` marks, at most: before a paragraph, or else before an item of a list, at
 * a line, at a word. A piece of a table begins with the table's head, and one of an ordered list with the number that the
 * item has. Code in fences is not cut, because it has one button to copy it, and is parsed fast.
 *
 * Where it cuts depends only on the text before, so that the pieces of a growing block stay the same, all but the last.
 */
export function cut(block: string, limit: number): string[] {
  const pieces: string[] = [];
  let rest = block;
  let opening = 0;
  for (;;) {
    const end = Math.min(opening + limit, endOfMarks(rest, opening));
    if (rest.length <= end) break;
    const place = placeIn(rest, opening, end);
    // Code without an end yet, or without anything after it.
    if (!place || place.at >= rest.length) break;
    pieces.push(rest.slice(0, place.at));
    const { at, number, head = '' } = place;
    rest = rest.slice(at);
    if (number !== undefined) rest = rest.replace(ORDERED, (mark) => `${number}${mark.at(-1)}`);
    rest = head + rest;
    opening = head.length;
  }
  pieces.push(rest);
  return pieces;
}

/** The best place after `from`, and up to `to` unless a fence is open there. Undefined: the fence has no end yet. */
function placeIn(text: string, from: number, to: number): Place | undefined {
  let paragraph: Place | undefined;
  let item: Place | undefined;
  let other: Place | undefined;
  let fence: string | undefined;
  let head: string | undefined;
  let number: number | undefined;
  let before = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\n', at);
    const place = paragraph ?? item ?? other;
    if (end < 0 || end >= to) {
      if (place) return place;
      if (fence === undefined) return { at: afterWord(text, from, to) };
      if (end < 0) return undefined;
    }
    const line = text.slice(at, end);
    const isInside = fence !== undefined;
    fence = fenceAfter(line, fence);
    if (isInside) {
      if (fence === undefined && end + 1 > from) other = { at: end + 1 };
    } else if (line.trim() === '') {
      head = undefined;
    } else if (before.includes('|') && DELIMITERS.test(line)) {
      head = `${before}\n${line}\n`;
    } else {
      const isIndented = /^\s/.test(line);
      if (!isIndented) number = numberOf(line, number);
      if (at <= from) {
        // Each piece has to be shorter than what is cut.
      } else if (isIndented) other = { at };
      else if (ITEM.test(line)) item = { at, number };
      else if (before.trim() === '') paragraph = { at };
      else other = { at, head };
    }
    before = line;
    at = end + 1;
  }
}

/** Counted as a parser does: only the first item's own number matters. */
function numberOf(line: string, before: number | undefined): number | undefined {
  const own = ORDERED.exec(line)?.[1];
  if (own === undefined) return undefined;
  return before === undefined ? Number(own) : before + 1;
}

/** Behind the last space, or where the text is too long without one, not inside a character. */
function afterWord(text: string, from: number, to: number): number {
  const space = text.lastIndexOf(' ', to - 1);
  if (space >= from && space > 0) return space + 1;
  return /[\uD800-\uDBFF]/.test(text.charAt(to - 1)) ? to - 1 : to;
}
