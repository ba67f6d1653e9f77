/**
 * Whether the store refuses a write for what it holds, and would refuse every repeat: DynamoDB's `ValidationException`, which
 * its clients do not repeat.
 */
export const isUnstorable = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationException';
