import { createHash } from 'node:crypto';
import { shortened, visible } from '../../protocol/text.ts';
import type { Json } from '../json.ts';

/** The longest summary of a call's arguments, in UTF-16 units. */
export const MAX_SUMMARY_LENGTH = 1000;
/** The beginning that a longer summary shows, so that the note at its end has room. */
const BEGINNING_LENGTH = MAX_SUMMARY_LENGTH - 50;

/**
 * The arguments of a call as JSON for a narrow screen: whole, or their beginning and how much is left out. Nothing is
 * hidden: what is not shown could be what a person would not have approved.
 */
export function argumentsSummary(args: Json): string {
  const text = visible(JSON.stringify(args));
  if (text.length <= MAX_SUMMARY_LENGTH) return text;
  const beginning = shortened(text, BEGINNING_LENGTH);
  return `${beginning} (${text.length - beginning.length + 1} more characters)`;
}

/**
 * The longest arguments that a person can be asked about, in bytes of their JSON: with a summary they fit into a frame.
 * A call with longer ones is not run, because nobody could be shown what would run.
 */
export const MAX_SHOWN_BYTES = 24 * 1024;

export const canBeShown = (args: Json): boolean => Buffer.byteLength(JSON.stringify(args)) <= MAX_SHOWN_BYTES;

/** What an approval is bound to: SHA-256 of the arguments' JSON, in hex. */
export const argumentsDigest = (args: Json): string =>
  createHash('sha256').update(JSON.stringify(args)).digest('hex');
