import { visible } from '../protocol/text.ts';
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
