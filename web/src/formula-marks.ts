import { fenceAfter } from './markdown-lines.ts';

/** Whether a text may have formulas. */
export const mayHaveFormulas = (text: string): boolean => /\$|\\[([]/.test(text);

/** A formula in a text. */
interface Found {
  /** Of its first mark. */
  at: number;
  /** After its last mark. Undefined if it has none yet, but may get one. */
  end: number | undefined;
  tex: string;
  isBlock: boolean;
}

/** What a text has in the place of a formula: code and escaped characters hide marks. */
const TOKEN = /\\\(|\\\[|\\[\s\S]|`+|\$\$|\$/g;
/** A formula in a line of text, and one between `$$` or `\[`. What is longer without an end is none. */
const INLINE_CHARACTERS = 300;
const BLOCK_CHARACTERS = 2000;
/** A dollar is more often a price or a variable: what follows it is held back for no longer. */
const OPEN_DOLLAR_CHARACTERS = 60;
const PRICE = /^\d[\d.,]*\w?\s+[a-z]{2}/i;

/**
 * Models write formulas as `\(…\)`, `\[…\]`, `$…$` and `$$…$$`. Of these, the parser knows `$$…$$` in a line, and lines between lines
 * `$$`. A `$…$` is a formula by pandoc's rule (https://pandoc.org/MANUAL.html#extension-tex_math_dollars): no white space inside
 * its marks and no digit after them, so that prices and shell variables stay what they are.
 */
export function withFormulas(text: string): string {
  let written = '';
  let at = 0;
  for (const { end, ...formula } of formulasIn(text)) {
    if (end === undefined) continue;
    written += text.slice(at, formula.at) + inMarks(text, { ...formula, end });
    at = end;
  }
  return written + text.slice(at);
}

/** Where a formula begins that has no end yet, but may get one. */
export function openFormula(text: string): number | undefined {
  for (const { at, end } of formulasIn(text)) if (end === undefined) return at;
  return undefined;
}

function* formulasIn(text: string): Generator<Found> {
  for (const { at, prose } of proseOf(text)) {
    TOKEN.lastIndex = 0;
    for (let token = TOKEN.exec(prose); token; token = TOKEN.exec(prose)) {
      const [mark] = token;
      const start = token.index + mark.length;
      const isCode = mark.startsWith('`');
      const end = isCode ? endOfCode(prose, start, mark) : endOf(prose, start, mark);
      if (end === undefined) continue;
      if (end !== 'open') TOKEN.lastIndex = end + mark.length;
      const next = TOKEN.lastIndex;
      if (!isCode)
        yield {
          at: at + token.index,
          end: end === 'open' ? undefined : at + next,
          tex: prose.slice(start, end === 'open' ? undefined : end).trim(),
          isBlock: mark === '\\[' || mark === '$$',
        };
      // Another generator may have used the expression meanwhile.
      TOKEN.lastIndex = next;
    }
  }
}

/** Where the code span ends; undefined if it has no end, and is none. */
function endOfCode(prose: string, start: number, mark: string): number | undefined {
  const rest = new RegExp(`(?<!\`)${mark}(?!\`)`, 'g');
  rest.lastIndex = start;
  return rest.exec(prose)?.index;
}

/** Where the formula's content ends; undefined if it is no formula. */
function endOf(prose: string, start: number, mark: string): number | 'open' | undefined {
  if (mark === '$') return endOfDollars(prose, start);
  const closing = CLOSING[mark];
  if (closing === undefined) return undefined;
  const limit = mark === '\\(' ? INLINE_CHARACTERS : BLOCK_CHARACTERS;
  const within = prose.slice(start, start + limit);
  const end = within.indexOf(closing);
  const content = end < 0 ? within : within.slice(0, end);
  // A blank line ends a paragraph, and with it what could be a formula.
  if (/\n[ \t]*\n/.test(content) || (end >= 0 && content.trim() === '')) return undefined;
  if (end >= 0) return start + end;
  return prose.length - start < limit ? 'open' : undefined;
}

const CLOSING: Record<string, string> = { '\\(': '\\)', '\\[': '\\]', $$: '$$' };

function endOfDollars(prose: string, start: number): number | 'open' | undefined {
  const first = prose[start] ?? '';
  if (/[\w$]/.test(prose[start - 2] ?? '') || /\s/.test(first)) return undefined;
  const within = prose.slice(start, start + INLINE_CHARACTERS);
  const stop = /^(?:\\.|[^\\\n`$])*/.exec(within)?.[0].length ?? 0;
  if (stop === within.length)
    return within.length < OPEN_DOLLAR_CHARACTERS && !/\d/.test(first) ? 'open' : undefined;
  if (within[stop] !== '$' || stop === 0) return undefined;
  const isEnd = !/\s/.test(within[stop - 1] ?? '') && !/[\w$]/.test(prose[start + stop + 1] ?? '');
  return isEnd && !PRICE.test(within.slice(0, stop)) ? start + stop : undefined;
}

/** The text without its blocks of code. */
function* proseOf(text: string): Generator<{ at: number; prose: string }> {
  let fence: string | undefined;
  let start = 0;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const next = newline < 0 ? text.length : newline + 1;
    const after = fenceAfter(text.slice(at, newline < 0 ? text.length : newline), fence);
    if (fence === undefined && after !== undefined) yield { at: start, prose: text.slice(start, at) };
    if (fence !== undefined && after === undefined) start = next;
    fence = after;
    at = next;
  }
  if (fence === undefined) yield { at: start, prose: text.slice(start) };
}

/** What may stand before a block's mark in its line: the marks of quotes and list items. */
const LINE_START = /^(?:\s|>|[-+*]\s|\d{1,9}[.)]\s)*$/;

/** The formula in the parser's marks. One that has its lines for itself is a block. */
function inMarks(text: string, { at, end, tex, isBlock }: Found & { end: number }): string {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const newline = text.indexOf('\n', end);
  const rest = text.slice(end, newline < 0 ? text.length : newline);
  if (!isBlock || !LINE_START.test(line) || rest.trim() !== '') return `$$${tex.replace(/\s*\n\s*/g, ' ')}$$`;
  const indent = line.replace(/[^\s>]/g, ' ');
  return ['$$', ...tex.split('\n').map((part) => part.trim()), '$$'].join(`\n${indent}`);
}
