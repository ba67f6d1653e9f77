import { fenceAfter } from './markdown-lines.ts';

/**
 * A parser compares each mark of a paragraph with those before it: 4,000 take a second, these take a few milliseconds. Nobody
 * emphasizes as many words of a paragraph.
 */
export const MAX_MARKS = 500;
/** Quotes and lists in each other. A parser goes one call deeper with each, and its stack ends at about a thousand. */
const MAX_DEPTH = 20;

const MARK = /[*_~]+|\[/g;

/** The end of the text that has `MAX_MARKS` marks, counted from `from`. Infinity: it has no more than that. */
export function endOfMarks(text: string, from: number): number {
  let marks = 0;
  for (const { index, 0: mark } of text.slice(from).matchAll(MARK)) {
    marks += 1;
    // Not inside a mark, of which more may still come.
    if (marks > MAX_MARKS) return from + index;
    if (mark.length > MAX_MARKS) return from + index + mark.length;
  }
  return Number.POSITIVE_INFINITY;
}

/** The mark of a quote, or of an item of a list, and the white space before it. */
const CONTAINER = /[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))/y;
/** `* * *` is a line across the page, and no lists. */
const RULE = /^[ \t]*([-*_])(?:[ \t]*\1)*[ \t]*$/;

/** Shows the marks of quotes and lists as they are written where there are more in each other than anybody reads. */
export function flattened(text: string): string {
  let fence: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      const isCode = fence !== undefined;
      fence = fenceAfter(line, fence);
      return isCode || RULE.test(line) ? line : flattenedLine(line);
    })
    .join('\n');
}

function flattenedLine(line: string): string {
  CONTAINER.lastIndex = 0;
  for (let depth = 0; CONTAINER.test(line); depth++) {
    // The last character: a number before `.` cannot be escaped.
    const last = CONTAINER.lastIndex - 1;
    if (depth === MAX_DEPTH) return `${line.slice(0, last)}\\${line.slice(last)}`;
  }
  return line;
}
