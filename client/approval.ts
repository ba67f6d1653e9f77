import type { ApprovalItem } from './state.ts';

/**
 * What a person is asked to approve, for display as text: the whole arguments as JSON, with characters that would hide or
 * reorder others written as escapes. From a server that is too old to send them, the summary.
 */
export const argumentsText = ({
  arguments: args,
  summary,
}: Pick<ApprovalItem, 'arguments' | 'summary'>): string =>
  args === undefined ? summary : visible(JSON.stringify(args, null, 2));

/**
 * A JSON text in which every character can be seen: those that reorder, join or hide others are written as escapes, which
 * mean the same. The same as the server's, of whose code
 * the client contains nothing.
 */
const visible = (json: string): string => json.replace(/[\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
