import type { ErrorCode } from '../errors.ts';

/** The sentences of the documents for codes. A code without an entry does not compile. */

export interface CodeDescription {
  /** Whether it is in a reply (to a frame, or about a withdrawn message), in the end of a turn, or in either. */
  as: 'reply' | 'end' | 'reply or end';
  /** The cause, as a sentence. */
  when: string;
  /** What a client should do, as a sentence. */
  client: string;
}

export const CODE_DESCRIPTIONS: Readonly<Record<ErrorCode, CodeDescription>> = {
  INVALID_JSON: {
    as: 'reply',
    when: 'The frame is not a JSON object.',
    client: 'Correct the client.',
  },
  UNKNOWN_MESSAGE_TYPE: {
    as: 'reply',
    when: 'No client frame has this `type`.',
    client: 'Correct the client, or do not use frames that an older server does not know.',
  },
  INVALID_FRAME: {
    as: 'reply',
    when: 'A field is missing or not valid; `message` names it.',
    client: 'Correct the client.',
  },
  EMPTY_CONTENT: {
    as: 'reply',
    when: 'The content has no image and no file, and its text is blank.',
    client: 'Ask the user for text. The message was not stored.',
  },
  MESSAGE_TOO_LARGE: {
    as: 'reply',
    when: 'The content, with its images, has more bytes (`depth`) than `limit`. With `path`: that field has.',
    client:
      'Ask the user for less, or send a large image by its URL or as a file. The message was not stored.',
  },
  STEERING_QUEUE_FULL: {
    as: 'reply',
    when: 'The pending messages of the lane have reached the limit of messages or of bytes.',
    client: 'Send it again, under the same `id`, after the next `applied` or end.',
  },
  SESSION_QUEUE_FULL: {
    as: 'reply',
    when: 'The session has reached the limit of turns.',
    client: 'Offer to send it again, under a new `id`, after a turn has ended.',
  },
  TOO_MANY_TURNS: {
    as: 'reply',
    when: 'So many turns of the principal, or of its tenant, run or wait in all their sessions that no further one can begin.',
    client: 'Send it again, under a new `id`, after `retry_after_ms`.',
  },
  BUDGET_EXCEEDED: {
    as: 'reply or end',
    when: 'What the principal, or its tenant, may use in a day is spent; the next budget begins at `until`. With an `id`: no turn applied that message, and it is not stored; or that upload is refused. Without one: the turn ends before its next model call.',
    client:
      'Keep the text, and tell the user when it goes on. Then send a new message, or the message under a new `id`.',
  },
  SESSION_QUEUE_TIMEOUT: {
    as: 'reply',
    when: 'No turn began for the message in time: its session was busy, or the server was.',
    client: 'Offer to send it again, under a new `id`.',
  },
  NO_ACTIVE_TURN: {
    as: 'reply',
    when: 'No turn runs, or the running turn is not the one that `abort` names.',
    client: 'Nothing: the turn is over already.',
  },
  NOT_PENDING: {
    as: 'reply',
    when: 'The turn `turn_id` applied the message. Without `turn_id`: the session does not know the message.',
    client: 'Show it where `applied` put it; `abort` if the answer is not wanted.',
  },
  INVALID_APPROVAL_RESPONSE: {
    as: 'reply',
    when: 'No approval request with this `request_id` waits for an answer.',
    client: 'Close the request: it was decided already, or its turn is over.',
  },
  INVALID_TOOL_OUTPUT: {
    as: 'reply',
    when: 'No `tool_output_request` with this `request_id` waits for an output of this connection’s lane.',
    client: 'Drop the output: the call has its result already, or it was another device’s.',
  },
  INVALID_ELICITATION_ANSWER: {
    as: 'reply',
    when: 'No `elicitation_request` with this `request_id` waits for an answer, or it has another one.',
    client: 'Close the question: it was answered already, or its turn is over.',
  },
  ELICITATION_CONTENT_INVALID: {
    as: 'reply',
    when: 'A value of the answer, named by `path`, is not what was asked for. The question stays open.',
    client: 'Ask the user to correct the field, and send another answer.',
  },
  RATE_LIMITED: {
    as: 'reply',
    when: 'The principal sent more frames in a minute than the server accepts, or asked for events again too often on one connection.',
    client:
      'Wait for `retry_after_ms`, then send the same frame again. If the connection is closed then, connect again and resume.',
  },
  TOO_MANY_CONNECTIONS: {
    as: 'reply',
    when: 'The session has more connections than `limit`, and this is the oldest. It is closed.',
    client:
      'Do not connect again by yourself: another connection would be closed. Connect when the user comes back, and resume.',
  },
  TOKEN_EXPIRED: {
    as: 'reply',
    when: 'The token that opened this connection expired more than a minute ago.',
    client: 'Connect with a new token, resume, and send the same frame again.',
  },
  AUTH_ERROR: {
    as: 'end',
    when: 'The model’s provider refused the server’s credentials.',
    client: 'Tell the user that the service is not set up. Repeating does not help.',
  },
  PROVIDER_ERROR: {
    as: 'end',
    when: 'The model failed, or its answer broke off.',
    client: 'Keep the text. If `retryable`, offer the user to go on with a new message.',
  },
  AGENT_ERROR: {
    as: 'reply or end',
    when: 'The server could not complete the turn. With an `id`: no turn could apply that message, and it is not stored.',
    client:
      'Keep the text. If `retryable`, offer the user to go on with a new message. With an `id`, offer to send the message again, under a new `id`.',
  },
  OUTPUT_INVALID: {
    as: 'end',
    when: 'The agent answers in a form of its own (`output` of `done`), and this answer does not have it.',
    client: 'Keep the text. Offer the user to go on with a new message.',
  },
  TURN_REFUSED: {
    as: 'end',
    when: 'The agent does not answer these messages (`refused`). No later prompt has them, and `message` is what the agent says to the user.',
    client: 'Show `message`, and mark the messages. Offer the user to send a new one.',
  },
  HOOK_FAILED: {
    as: 'end',
    when: 'The agent could not check these messages (`refused`), so that no model reads them.',
    client: 'Offer to send the text again, under a new `id`.',
  },
  OPTIONS_INVALID: {
    as: 'reply',
    when: 'The options of the message are not those that the agent takes: `path` names the field.',
    client: 'Correct the options, and send the message again under a new `id`. The message was not stored.',
  },
  AGENT_UNAVAILABLE: {
    as: 'reply or end',
    when: 'There is no such agent, or this user cannot have it. With an `id`, the error is about that message. As an end: the agent of the session does not exist any more.',
    client:
      'Let the user choose one of `agents` of `session_start`, in a new connection. A message with this error was not stored.',
  },
  AGENT_FIXED: {
    as: 'reply',
    when: 'The session has another agent than the `connect` of this connection asks for. With an `id`, the error is about that message.',
    client:
      'Connect without `agent`, in a new connection, to go on with the session’s own, or open a new session. A message with this error was not stored.',
  },
  FILE_NOT_FOUND: {
    as: 'reply',
    when: 'The session has no such file, nothing was uploaded for it, or it has expired.',
    client:
      'Upload the file again, and send the message with its new reference, under a new `id`. The message was not stored.',
  },
  FILE_REFUSED: {
    as: 'reply',
    when: 'The file is too large (`depth` is more than `limit`), its type is none that is taken, or its bytes are not what was said of them.',
    client: 'Tell the user. A message with this error was not stored.',
  },
  SESSION_NOT_FOUND: {
    as: 'reply',
    when: 'The principal has no session with this id. In answer to `fork`: there is none to be forked, or it was deleted meanwhile.',
    client: 'Remove it from the list of sessions.',
  },
  SESSION_NAMED: {
    as: 'reply',
    when: 'The session has a name that somebody gave, or a title, and a `provisional` name does not replace it.',
    client: 'Show the name that the session has.',
  },
  SESSION_DELETED: {
    as: 'reply or end',
    when: 'The session was deleted. With an `id`, the error is about that message. Without one, every connection of the session gets it.',
    client: 'Forget the session, and open another one.',
  },
  SESSION_EXISTS: {
    as: 'reply',
    when: 'The `session_id` of a `fork` is that of a session, or of one that was deleted.',
    client: 'Choose another id for the fork.',
  },
  ENTRY_NOT_FOUND: {
    as: 'reply',
    when: 'The session has no message of a user with the `before` of a `fork`: it is pending, or it has expired.',
    client: 'Read `history`, and fork before one of its entries.',
  },
  FORK_TOO_LARGE: {
    as: 'reply',
    when: 'The fork would have more entries than `limit`.',
    client: 'Open a new session.',
  },
  INTERNAL: {
    as: 'reply',
    when: 'The server failed to handle the frame. Its log has an entry for the request id in `message`.',
    client: 'Send the frame again, a message under the same `id`.',
  },
};
