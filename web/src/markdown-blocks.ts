/**
 * Splits Markdown into blocks that can be parsed one by one: put together, they show what the whole text shows. While the
 * text grows, all blocks but the last stay the same, so that a long answer is not parsed again with every word.
 *
 * A block ends at a blank line if the next line can belong to nothing before it: it is not indented, and no item of a
 * list. Text with footnotes is not split, and neither is what follows a line of HTML.
 */
export function blocksOf(text: string): string[] {
  if (FOOTNOTE.test(text)) return [text];
  const blocks: string[] = [];
  let start = 0;
  let fence: string | undefined;
  let afterBlank = false;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const line = text.slice(at, newline < 0 ? text.length : newline);
    const marks = FENCE.exec(line)?.[1];
    if (afterBlank && fence === undefined && /^\S/.test(line) && !ITEM.test(line)) {
      blocks.push(text.slice(start, at));
      start = at;
    }
    if (fence !== undefined) {
      if (marks?.startsWith(fence) && line.trim() === marks) fence = undefined;
    } else {
      if (OPEN_HTML.test(line)) break;
      fence = marks;
    }
    // White space at the end may still become an indented line.
    afterBlank = line.trim() === '' && newline >= 0 ? true : afterBlank && line.trim() === '';
    if (newline < 0) break;
    at = newline + 1;
  }
  blocks.push(text.slice(start));
  return withDefinitions(text, blocks);
}

const FOOTNOTE = /^ {0,3}\[\^[^\]\n]+\]:/m;
const DEFINITION = /^ {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*\S.*\n/gm;
/** Of a fenced code block, also one in a quote or a list. */
const FENCE = /^\s*(?:>\s*)*(?:[-+*]\s+|\d+[.)]\s+)?(`{3,}|~{3,})/;
/** An item of a list, or the beginning of one: the rest of the line may still come. */
const ITEM = /^ {0,3}(?:[-+*]|\d{1,9}[.)]?)(?:\s|$)/;
/** HTML: where it ends, and whether marks in it count, follows rules of its own. */
const OPEN_HTML = /^ {0,3}<\/?[a-z!?]/i;

/**
 * Links can name an address that stands anywhere in the text, in a line `[name]: address`. Such lines are copied to each block
 * that may need them. Where they do not stand by themselves, only a parser knows what they are, and the text stays whole.
 */
function withDefinitions(text: string, blocks: string[]): string[] {
  const lines = text.match(DEFINITION);
  if (!lines) return blocks;
  const alone = blocks.filter((block) => block.replace(DEFINITION, '').trim() === '');
  const found = alone.flatMap((block) => block.match(DEFINITION) ?? []);
  if (found.length < lines.length) return [text];
  const definitions = found.join('');
  return blocks.map((block) => (block.includes('[') ? `${definitions}\n${block}` : block));
}
