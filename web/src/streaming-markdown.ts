import { openFormula } from './formula-marks.ts';

/**
 * Prepares Markdown that is still streaming for display, so that what is shown is always the beginning of what will be
 * shown. Marks with an open meaning (a lone `-` may be a list, a rule or a heading's underline) are held back until it
 * is decided. Open emphasis and code are closed.
 */
export function steady(text: string): string {
  const { before, block, fence } = lastBlock(text);
  if (fence) return before + block.replace(fence, '');
  if (block.startsWith('|') && !isTable(block)) return before;
  const formula = openFormula(block);
  if (formula !== undefined) return before + closeMarks(block.slice(0, formula));
  const end = block.lastIndexOf('\n') + 1;
  const [lines, last] = [block.slice(0, end), block.slice(end)];
  return before + closeMarks(lines + (OPEN_LINE.test(last) ? '' : last));
}

/** A line that contains only the beginning of a mark. */
const OPEN_LINE = /^\s*(?:[-+*_=#>|~`\s]+|\d{1,9}[.)]?\s*|(?:`{3,}|~{3,}).*|[-+*]\s+\[[ xX]?\]?\s*)$/;
/** An incomplete closing fence at the end of a code block. */
const OPEN_FENCE = /\n[ ]{0,3}[`~]{1,2}$/;

/**
 * Splits the text at the last blank line, which ends all marks. Inside a code block, `fence` matches what has to be
 * held back.
 */
function lastBlock(text: string): { before: string; block: string; fence?: RegExp } {
  let start = 0;
  let open: string | undefined;
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const [, marks = ''] = /^\s*(?:>\s*)*(?:[-+*]\s+|\d+[.)]\s+)?(`{3,}|~{3,})/.exec(line) ?? [];
    if (open) {
      if (marks.startsWith(open) && line.trim() === marks) {
        open = undefined;
        start = end < 0 ? text.length : end + 1;
      }
    } else if (marks && end >= 0) {
      open = marks;
    } else if (line.trim() === '' && end >= 0) {
      start = end + 1;
    }
    if (end < 0) break;
    at = end + 1;
  }
  const parts = { before: text.slice(0, start), block: text.slice(start) };
  return open ? { ...parts, fence: OPEN_FENCE } : parts;
}

/** Whether the block is a table, or certainly none. */
function isTable(block: string): boolean {
  const [, delimiters, rest] = block.split('\n');
  return rest !== undefined || (delimiters !== undefined && !/^[\s:|-]*$/.test(delimiters));
}

/** A mark that opens something, and its position. */
interface Mark {
  text: string;
  at: number;
}

const MARK = /\\[\s\S]|`+|\*{1,3}|~~|!?\[|\]\([^()\s]*\)|\](?!\()/g;
/** Characters at the end that may become part of a mark. A mark that they would close is closed by the caller. */
const OPEN_END = /(?:[\\*~`]+[ \t]*|(?<=^|\s)!)$/;
/** Text after a bracket is held back until it is a link or none, but only up to the length of a link's text. */
const LINK_WITHIN = 120;

/**
 * Each mark is looked at once, whatever they are and however many are open: this runs with each painted frame.
 *
 * @param holdsBack whether the text from an open bracket on is held back
 */
function closeMarks(written: string, holdsBack = true): string {
  const block = written.replace(OPEN_END, '');
  const open: Mark[] = [];
  /** Positions of open brackets. */
  const brackets: number[] = [];
  for (const { 0: text, index: at } of block.matchAll(MARK)) {
    if (text.startsWith('\\')) continue;
    const last = open.at(-1);
    if (last?.text.startsWith('`')) {
      if (last.text === text) open.pop();
    } else if (text.startsWith(']')) {
      // At the end of the text, an address may still follow.
      const from = text !== ']' || at < block.length - 1 ? brackets.pop() : undefined;
      // Of a link, marks that its text does not close are none.
      if (text !== ']' && from !== undefined) while ((open.at(-1)?.at ?? from) > from) open.pop();
    } else if (text.endsWith('[')) {
      brackets.push(at);
    } else if (text.startsWith('`')) {
      open.push({ text, at });
    } else if (last?.text === text && last.at > (brackets.at(-1) ?? -1) && !/\s/.test(block[at - 1] ?? ' ')) {
      open.pop();
    } else if (!/\s/.test(block[at + text.length] ?? '')) {
      // Stars before white space are no emphasis, but a list or a product.
      open.push({ text, at });
    }
  }
  const link = holdsBack ? brackets.find((at) => block.length - at < LINK_WITHIN) : undefined;
  if (link !== undefined) return closeMarks(block.slice(0, link), false);
  let shown = block;
  let mark = open.pop();
  // Nothing is inside yet.
  for (; mark && shown.slice(mark.at + mark.text.length).trim() === ''; mark = open.pop())
    shown = shown.slice(0, mark.at).trimEnd();
  if (!mark) return shown;
  const closed = (mark.text.startsWith('`') ? shown : shown.trimEnd()) + mark.text;
  return (
    closed +
    open
      .reverse()
      .map(({ text }) => text)
      .join('')
  );
}
