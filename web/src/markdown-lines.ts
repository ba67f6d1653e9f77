/** Of a fenced code block, also one in a quote or a list. */
const FENCE = /^\s*(?:>\s*)*(?:[-+*]\s+|\d+[.)]\s+)?(`{3,}|~{3,})/;
/** An item of a list, or the beginning of one: the rest of the line may still come. */
export const ITEM = /^ {0,3}(?:[-+*]|\d{1,9}[.)]?)(?:\s|$)/;

/** The marks of the fence that is open after this line, if one is. `open`: those of the fence that is open before it. */
export function fenceAfter(line: string, open: string | undefined): string | undefined {
  const marks = FENCE.exec(line)?.[1];
  if (open === undefined) return marks;
  return marks?.startsWith(open) && line.trim() === marks ? undefined : open;
}
