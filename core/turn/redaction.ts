import { wellFormed } from '../../protocol/text.ts';

/** A shared run this long is treated as a quotation. */
const RUN = 16;
/** A shorter text may be a word that an error uses by itself. */
const SHORTEST = 8;

/**
 * Removes quotations of the conversation from a diagnostic. Providers put parts of a request into their errors, and a log
 * must not contain what users write.
 *
 * @example
 * redactQuotes('400: invalid message "My address is 5 Elm Street"', ['My address is 5 Elm Street'])
 * // '400: invalid message "[…]"'
 */
export function redactQuotes(diagnostic: string, said: Iterable<string>): string {
  const runs = new Map<string, number[]>();
  for (let at = 0; at + RUN <= diagnostic.length; at++) {
    const run = diagnostic.slice(at, at + RUN);
    runs.set(run, [...(runs.get(run) ?? []), at]);
  }
  const quoted = new Uint8Array(diagnostic.length);
  for (const text of said) {
    for (let at = 0; at + RUN <= text.length; at++) {
      for (const found of runs.get(text.slice(at, at + RUN)) ?? []) quoted.fill(1, found, found + RUN);
    }
    if (text.length < SHORTEST || text.length >= RUN) continue;
    for (let at = diagnostic.indexOf(text); at >= 0; at = diagnostic.indexOf(text, at + 1)) {
      quoted.fill(1, at, at + text.length);
    }
  }
  let clean = '';
  for (let at = 0; at < diagnostic.length; at++) {
    if (!quoted[at]) clean += diagnostic[at];
    else if (!quoted[at - 1]) clean += '[…]';
  }
  // A quotation may end between the halves of a surrogate pair.
  return wellFormed(clean);
}
