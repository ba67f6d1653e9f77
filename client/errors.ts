import type { ErrorCode, ErrorReply, EventOf } from './protocol.ts';

/** Codes that this library adds to those of the server. */
export type ClientErrorCode =
  /** The lane that the message was sent over is gone, so it is unknown whether the message arrived. */
  | 'LANE_LOST'
  | 'CANCELLED'
  | 'EVENTS_EXPIRED'
  | 'CLOSED'
  | 'CONNECTION_FAILED'
  | 'TOKEN_FAILED'
  | 'STORAGE_FAILED'
  | 'UPLOAD_FAILED'
  /** A request through the AI SDK that the protocol does not support. */
  | 'UNSUPPORTED'
  | 'BAD_FRAME';

/** The base of all errors of this library. Branch on `code`, not on the text. */
export class MidturnError extends Error {
  override readonly name: string = 'MidturnError';
  readonly code: ErrorCode | ClientErrorCode;
  /** With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch. */
  readonly until: number | undefined;

  constructor(
    code: ErrorCode | ClientErrorCode,
    message: string,
    options?: ErrorOptions & { until?: number | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.until = options?.until;
  }
}

/** `send` refused the content: nothing was stored or sent. */
export class ContentError extends MidturnError {
  override readonly name = 'ContentError';
}

/** The server refused a message: it is in no transcript and no prompt. */
export class MessageRejectedError extends MidturnError {
  override readonly name = 'MessageRejectedError';
}

/** A message was withdrawn before a turn applied it. */
export class MessageCancelledError extends MidturnError {
  override readonly name = 'MessageCancelledError';
}

/** A turn ended in an error. `fullResponse` is its text so far; null if the text does not fit into a frame. */
export class TurnFailedError extends MidturnError {
  override readonly name = 'TurnFailedError';
  readonly turnId: string;
  readonly retryable: boolean;
  /** Why the model call failed; undefined if the turn failed for another reason. */
  readonly reason: EventOf<'error'>['reason'];
  readonly fullResponse: string | null;

  constructor(event: EventOf<'error'>) {
    super(event.code, event.message, event);
    this.turnId = event.turn_id;
    this.retryable = event.retryable;
    this.reason = event.reason;
    this.fullResponse = event.full_response;
  }
}

/** The server answered a frame that is not about a message with an error. */
export class ServerReplyError extends MidturnError {
  override readonly name = 'ServerReplyError';
  readonly retryable: boolean;

  constructor(reply: ErrorReply) {
    super(reply.code, reply.message);
    this.retryable = reply.retryable;
  }
}

/** The connection could not be made or was lost. The client tries again by itself. */
export class ConnectionError extends MidturnError {
  override readonly name = 'ConnectionError';
}

/** `close` was called. */
export class ClosedError extends MidturnError {
  override readonly name = 'ClosedError';
  constructor() {
    super('CLOSED', 'This chat was closed.');
  }
}
