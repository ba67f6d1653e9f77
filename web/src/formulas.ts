import remarkMath from 'remark-math';
import temml from 'temml';

/** Loaded with the first text that may have a formula (`markdown.tsx`). */

/** Dollars by themselves are what `withFormulas` made no formula of. */
export const formulaPlugin: [typeof remarkMath, { singleDollarTextMath: false }] = [
  remarkMath,
  { singleDollarTextMath: false },
];

/** Sizes that a formula can ask for, in em and in points, and macros that it can expand: none covers the page or holds it up. */
const BOUNDS = { maxSize: [20, 200] as [number, number], maxExpand: 500 };

/** What is longer is no formula that anybody reads: each character of it costs time, and again while it is written. */
const MAX_CHARACTERS = 2000;

/**
 * What a formula of an answer must not do: define macros, whose arguments multiply before any bound on expansions is reached; and refer
 * to others, which would be links without a name that leave the session.
 */
const REFUSED =
  /(?<!\\)(?:\\\\)*\\(?:[egx]?def|let|futurelet|global|long|(?:re)?newcommand|providecommand|(?:eq)?ref)(?![A-Za-z])/;

/** Puts the formula into the element, as MathML. False if it is none that is understood. */
export function renderFormula(tex: string, element: HTMLElement, displayMode: boolean): boolean {
  if (tex.length > MAX_CHARACTERS || REFUSED.test(tex)) return false;
  try {
    temml.render(tex, element, { displayMode, throwOnError: true, ...BOUNDS });
    return true;
  } catch {
    // Models write formulas of their own making. The source is shown as it is.
    return false;
  }
}
