/** Every code that an `error` frame can carry. Clients branch on these, never on the text. */
export const ERROR_CODES = [
  'INVALID_JSON',
  'UNKNOWN_MESSAGE_TYPE',
  'INVALID_FRAME',
  'EMPTY_CONTENT',
  'MESSAGE_TOO_LARGE',
  'STEERING_QUEUE_FULL',
  'SESSION_QUEUE_FULL',
  'SESSION_QUEUE_TIMEOUT',
  'NO_ACTIVE_TURN',
  'NOT_PENDING',
  'INVALID_APPROVAL_RESPONSE',
  'RATE_LIMITED',
  'AUTH_ERROR',
  'PROVIDER_ERROR',
  'AGENT_ERROR',
  'SESSION_NOT_FOUND',
  'SESSION_DELETED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
