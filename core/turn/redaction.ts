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
  const own = new Set(stretches(diagnostic, RUN));
  const shared = new Set<string>();
  const short = new Set<string>();
  for (const text of said) {
    for (const run of stretches(text, RUN)) if (own.has(run)) shared.add(run);
    if (text.length >= SHORTEST && text.length < RUN) short.add(text);
  }
  const quoted = new Uint8Array(diagnostic.length);
  mark(quoted, diagnostic, RUN, shared);
  for (let length = SHORTEST; length < RUN; length++) mark(quoted, diagnostic, length, short);
  let clean = '';
  for (let at = 0; at < diagnostic.length; at++) {
    if (!quoted[at]) clean += diagnostic[at];
    else if (!quoted[at - 1]) clean += '[…]';
  }
  // A quotation may end between the halves of a surrogate pair.
  return wellFormed(clean);
}

/** Each part of this length, from each character on. */
function* stretches(text: string, length: number): Generator<string> {
  for (let at = 0; at + length <= text.length; at++) yield text.slice(at, at + length);
}

/**
 * Marks the parts of this length that were said. Each character is written once, however often a hostile text repeats
 * itself: the turn's heartbeat waits for this.
 */
function mark(quoted: Uint8Array, text: string, length: number, said: ReadonlySet<string>): void {
  if (said.size === 0) return;
  let marked = 0;
  let at = 0;
  for (const part of stretches(text, length)) {
    if (said.has(part)) {
      quoted.fill(1, Math.max(at, marked), at + length);
      marked = at + length;
    }
    at++;
  }
}
