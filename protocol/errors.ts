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
  'TOO_MANY_TURNS',
  'BUDGET_EXCEEDED',
  'NO_ACTIVE_TURN',
  'NOT_PENDING',
  'INVALID_APPROVAL_RESPONSE',
  'INVALID_TOOL_OUTPUT',
  'INVALID_ELICITATION_ANSWER',
  'ELICITATION_CONTENT_INVALID',
  'RATE_LIMITED',
  'TOKEN_EXPIRED',
  'TOO_MANY_CONNECTIONS',
  'AUTH_ERROR',
  'PROVIDER_ERROR',
  'AGENT_ERROR',
  'OUTPUT_INVALID',
  'TURN_REFUSED',
  'HOOK_FAILED',
  'OPTIONS_INVALID',
  'AGENT_UNAVAILABLE',
  'AGENT_FIXED',
  'FILE_NOT_FOUND',
  'FILE_REFUSED',
  'SESSION_NOT_FOUND',
  'SESSION_NAMED',
  'SESSION_DELETED',
  'SESSION_EXISTS',
  'ENTRY_NOT_FOUND',
  'FORK_TOO_LARGE',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Why a model call failed: the `reason` of a turn's error. A client can count failures by it, or choose its own text. */
export const FAILURE_REASONS = [
  /** No credentials, or refused ones. */
  'unauthorised',
  /** Too many requests or tokens for now. */
  'throttled',
  /** The account at the provider has no credit or quota left. */
  'quota',
  /** The provider does not have the model, or the address is wrong. */
  'not_found',
  /** The provider, or the model behind it, has a problem of its own. */
  'provider',
  /** The conversation is longer than the model accepts. */
  'overlong',
  /** A content filter refused the request or withheld the answer. */
  'withheld',
  /** The provider refuses the request, for a reason that is not listed above. */
  'rejected',
  'unreachable',
  /** The answer broke off. */
  'cut_off',
  /** The model sent nothing for too long. */
  'stalled',
  'unreadable',
  'empty',
  'unknown',
] as const;

export type FailureReason = (typeof FAILURE_REASONS)[number];
