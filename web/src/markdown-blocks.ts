import { endOfMarks, flattened } from './markdown-bounds.ts';
import { cut } from './markdown-cut.ts';
import { fenceAfter, ITEM } from './markdown-lines.ts';

/** Characters of a block, about, unless it is code: a growing block is parsed again with each painted frame. */
const BLOCK_CHARACTERS = 8_000;

/**
 * Splits Markdown into blocks that can be parsed one by one: put together, they show what the whole text shows. While the text
 * grows, all blocks but the last stay the same, so that a long answer is not parsed again with every word.
 *
 * A block ends at a blank line if the next line can belong to nothing before it: it is not indented, and no item of a list.
 * Text with footnotes is not split, and neither is what follows a line of HTML.
 *
 * In a text of more than `limit` characters, or of more marks than a parser takes fast, no block is much longer than that, so
 * that no frame takes long: longer ones are cut where it shows least, and footnotes are shown as they are written.
 */
export function blocksOf(text: string, limit = BLOCK_CHARACTERS): string[] {
  return parsable(text, limit).map(flattened);
}

function parsable(text: string, limit: number): string[] {
  const isLong = text.length > limit || endOfMarks(text, 0) < text.length;
  const hasNotes = FOOTNOTE.test(text);
  if (hasNotes && !isLong) return [text];
  const blocks = split(text).flatMap((block) => cut(block, limit));
  return withDefinitions(text, hasNotes ? blocks.map(withoutNotes) : blocks, isLong);
}

function split(text: string): string[] {
  const blocks: string[] = [];
  let start = 0;
  let fence: string | undefined;
  let afterBlank = false;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const line = text.slice(at, newline < 0 ? text.length : newline);
    if (afterBlank && fence === undefined && /^\S/.test(line) && !ITEM.test(line)) {
      blocks.push(text.slice(start, at));
      start = at;
    }
    if (fence === undefined && OPEN_HTML.test(line)) break;
    // White space at the end may still become an indented line.
    if (newline < 0) break;
    fence = fenceAfter(line, fence);
    afterBlank = line.trim() === '';
    at = newline + 1;
  }
  blocks.push(text.slice(start));
  return blocks;
}

const FOOTNOTE = /^ {0,3}\[\^[^\]\n]+\]:/m;
const DEFINITION = /^ {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*\S.*\n/gm;
/** HTML: where it ends, and whether marks in it count, follows rules of its own. */
const OPEN_HTML = /^ {0,3}<\/?[a-z!?]/i;

/** A note that no mark in its block refers to would not be shown. */
function withoutNotes(block: string): string {
  let fence: string | undefined;
  const lines = block.split('\n').map((line) => {
    const isInside = fence !== undefined;
    fence = fenceAfter(line, fence);
    return !isInside && FOOTNOTE.test(line) ? line.replace('[', '\\[') : line;
  });
  return lines.join('\n');
}

/**
 * Links can name an address that stands anywhere in the text, in a line `[name]: address`. Such lines are copied to each block
 * that names them. Where they do not stand by themselves, only a parser knows what they are, and the text stays whole,
 * unless it is long.
 */
function withDefinitions(text: string, blocks: string[], isLong: boolean): string[] {
  const lines = text.match(DEFINITION);
  if (!lines) return blocks;
  const alone = blocks.filter((block) => block.replace(DEFINITION, '').trim() === '');
  const found = alone.flatMap((block) => block.match(DEFINITION) ?? []);
  if (found.length < lines.length && !isLong) return [text];
  const definitions = found.map((line) => ({ line, name: named(line.slice(0, line.indexOf(']:') + 1)) }));
  return blocks.map((block) => {
    if (!block.includes('[')) return block;
    const names = named(block);
    const used = definitions.filter(({ name }) => names.includes(name)).map(({ line }) => line);
    return used.length > 0 ? `${used.join('')}\n${block}` : block;
  });
}

/** Names are compared without regard to case and white space. */
const named = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();
