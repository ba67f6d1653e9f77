import type { ErrorCode, ErrorReply, EventOf } from './protocol.ts';

/** Codes that this library adds to the server's own. */
export type ClientErrorCode =
  /** The lane that held the message is gone, and with it the knowledge whether it arrived. */
  | 'LANE_LOST'
  | 'CANCELLED'
  | 'EVENTS_EXPIRED'
  | 'CLOSED'
  | 'CONNECTION_FAILED'
  | 'TOKEN_FAILED'
  | 'STORAGE_FAILED'
  /** Asked for through the AI SDK, and nothing that the protocol can do. */
  | 'UNSUPPORTED'
  | 'BAD_FRAME';

/** Base of all errors of this library. Branch on `code`, not on the text. */
export class MidturnError extends Error {
  override readonly name: string = 'MidturnError';
  readonly code: ErrorCode | ClientErrorCode;

  constructor(code: ErrorCode | ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** `send` refused the content at once: nothing was stored and nothing was sent. */
export class ContentError extends MidturnError {
  override readonly name = 'ContentError';
}

/** The server refused a message: it is in neither transcript nor prompt. */
export class MessageRejectedError extends MidturnError {
  override readonly name = 'MessageRejectedError';
}

/** A message was withdrawn before it was taken in. */
export class MessageCancelledError extends MidturnError {
  override readonly name = 'MessageCancelledError';
}

/** A turn ended in an error. What it had said stands: `fullResponse`, null where it did not fit into the frame. */
export class TurnFailedError extends MidturnError {
  override readonly name = 'TurnFailedError';
  readonly turnId: string;
  readonly retryable: boolean;
  /** What the model call failed of; undefined where it was no model call. */
  readonly reason: EventOf<'error'>['reason'];
  readonly fullResponse: string | null;

  constructor(event: EventOf<'error'>) {
    super(event.code, event.message);
    this.turnId = event.turn_id;
    this.retryable = event.retryable;
    this.reason = event.reason;
    this.fullResponse = event.full_response;
  }
}

/** The server's answer to a frame of ours that is about no message. */
export class ServerReplyError extends MidturnError {
  override readonly name = 'ServerReplyError';
  readonly retryable: boolean;

  constructor(reply: ErrorReply) {
    super(reply.code, reply.message);
    this.retryable = reply.retryable;
  }
}

/** The connection could not be made or was lost. The client goes on trying by itself. */
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
