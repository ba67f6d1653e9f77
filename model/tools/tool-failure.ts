import { shortened } from '../../protocol/text.ts';

const MAX_ERROR_LENGTH = 500;

/** Returns the tool's own message for the model and the user, without the stack. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : typeof error === 'string' ? error : '';
  return shortened(message || 'The tool failed without saying why.', MAX_ERROR_LENGTH);
}
