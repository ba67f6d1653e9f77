import type { ClientFrameType } from '../client-frames.ts';
import type { ReplyFrame } from '../server-frames.ts';
import { contentSentences } from './content-sentences.ts';

/**
 * The sentences of the documents for client frames and replies; events and codes have theirs in `event-descriptions.ts` and
 * `code-descriptions.ts`. A frame without an entry does not compile. The generator refuses a field without a sentence and a sentence without a field.
 */
export interface FrameDescription {
  summary: string;
  /** A sentence for each field, by its path: `resume.lane`, `messages[].id`. */
  fields: Readonly<Record<string, string>>;
}

export const CLIENT_FRAME_DESCRIPTIONS: Readonly<Record<ClientFrameType, FrameDescription>> = {
  connect: {
    summary:
      'Asks for `session_start` and, with `resume`, for missed events. Optional. As the first frame it can choose session and lane. Answered by `session_start`, the missed events, `connected`.',
    fields: {
      session_id: 'The session, if the URL does not name it. Used only in the first frame.',
      device_name: 'A name for this device. Reserved: this server accepts it and does not use it.',
      capabilities: 'What the client can do. Reserved: this server accepts it and does not use it.',
      resume: 'Continues where an earlier connection stopped.',
      'resume.lane':
        'The `lane` of the earlier connection. This connection continues it, with its pending messages and its turn in flight. Used only in the first frame. A lane that is not available is ignored.',
      'resume.after_seq': 'The last event that the client has. Every later event is replayed. 0 for all.',
      options:
        'The options of messages of this connection that have none. Wait for `connected` before the first message. A later `connect` with `options` replaces them.',
      locale: 'The language of the user, as a tag of BCP 47, such as `pt-BR`. For the agent’s code.',
      time_zone:
        'The time zone of the user, by its IANA name, such as `Europe/Lisbon`. For the agent’s code.',
      agent:
        'Which of several agents the session is to have. It is fixed when the first turn begins. Messages of this connection are refused where the session has another one.',
    },
  },
  message: {
    summary: 'A message of the user. Answered by `accepted`, or by an `error` that names the `id`.',
    fields: {
      ...contentSentences(
        'content',
        'A text, or an array of texts and images. Stored as it was sent. Not blank, and at most `limits.content_bytes` bytes as JSON.',
      ),
      id: 'The client’s id for the message, unique in the session: the same id again is the same message. Without it the server makes up an id, and the message cannot be repeated safely.',
      delivery:
        '`steer` (default) joins the lane’s turn in flight at its next boundary. `queue` gets a turn of its own after it. `now` cuts the running model call and joins at once. When the lane has no turn in flight, the message opens one; the exception is `steer` or `now` with `steer_scope` `session` while a turn of another lane runs: the message joins that turn.',
      order:
        'The client’s count of its messages on this lane, rising by one. It makes the order exact. Without it, messages of one millisecond are ordered by `id`.',
      options:
        'Options for the agent’s code, which says what they are. At most `limits.options_bytes` bytes as JSON. Those of the message that begins a turn hold for all of it.',
    },
  },
  abort: {
    summary: 'Stops the running turn, from any connection of the session. Answered by `aborted`.',
    fields: {
      turn_id: 'The turn to stop. Without it, the running turn.',
      pending:
        'What happens to pending messages of the turn’s lane. `keep` (default): those in the inbox become the next turn, and those with `delivery: queue` keep their turns. `discard`: each is answered `cancelled`.',
      pending_ids:
        'With `discard`: only these messages are withdrawn, wherever in the session they are pending. All others are kept.',
    },
  },
  cancel: {
    summary:
      'Withdraws a message that no turn has applied, from any connection of the session. Answered by `cancelled`, which the sender of the message gets too, or by `NOT_PENDING`.',
    fields: { id: 'The id of the message.' },
  },
  approval_response: {
    summary: 'Answers an `approval_request`.',
    fields: {
      request_id: 'The `request_id` of the request.',
      decision:
        '`approve`: run this call. `deny`: do not run it. `always`: run this call and all later calls of this tool in this session.',
    },
  },
  tool_output: {
    summary:
      'Answers a `tool_output_request`: the output of a tool that the client runs, or an error. Exactly one of the two.',
    fields: {
      request_id: 'The `request_id` of the request.',
      output: 'The output: any JSON value.',
      error: 'What went wrong, as the model is told. The result of the call has `is_error`.',
    },
  },
  elicitation_answer: {
    summary:
      'Answers an `elicitation_request`, from any connection of the session. Answered by `elicitation_answer`, or by an `error` with its `id`.',
    fields: {
      id: 'The `request_id` of the request.',
      action:
        '`accept`: the user gives what is asked for, or consents to visit the address. `decline`: the user refuses. `cancel`: the user makes no choice.',
      content:
        'With `accept` of a form: the values, by the names of the fields. At most 16,384 bytes as JSON. Otherwise ignored.',
    },
  },
  revoke: {
    summary:
      'Revokes what `always` covered in the session of this connection: from now on such calls are asked about. Answered by `trusted`, which every connection of the session gets.',
    fields: { trust: 'One of `trusted`. Without it, all of them.' },
  },
  history: {
    summary: 'Asks for a page of the transcript. Answered by `history`.',
    fields: {
      before: 'Only entries before this number: the `next` of a newer page. Without it, the newest page.',
      limit:
        'The maximum number of entries; 50 without it. A page can be shorter, so that it fits into a frame.',
      merged:
        'One entry for each message of the user, and one for the text of the assistant in a turn; no tool calls, results or events.',
    },
  },
  sessions: {
    summary:
      'Asks for a page of the principal’s sessions, newest first. Answered by `sessions`. A session is in the list from its first turn on.',
    fields: {
      after: 'The `next` of the page before. Without it, the first page.',
      limit:
        'The maximum number of sessions; 50 without it. A page can be shorter, or empty, and still have a `next`.',
      query:
        'Only sessions whose name has each of these words, in any order. Case and accents do not count. A page is of the next 100 sessions, whatever of them is found.',
    },
  },
  rename: {
    summary:
      'Names a session of the principal. Answered by `renamed`, which every connection of that session gets, or by `SESSION_NOT_FOUND`.',
    fields: {
      session_id: 'Any session of the principal.',
      name: 'The new name.',
      provisional:
        'Present and true for a name that the client made by itself, for example of the first message. It replaces no name that somebody gave, and no title (`SESSION_NAMED`), and a title takes its place.',
    },
  },
  export: {
    summary:
      'Asks for a page of a session as JSON lines: a line of `type: "session"` about the session, then a line of `type: "entry"` for each entry of the transcript, in order, complete, with the fields of `history`. Answered by `export` or `SESSION_NOT_FOUND`.',
    fields: {
      session_id: 'Any session of the principal.',
      after: 'The `next` of the page before. Without it, the first page.',
    },
  },
  fork: {
    summary:
      'Makes a new session of the first entries of another one of the principal, which stays as it is. Answered by `forked`, or by an `error` with its `session_id`. Without `before`, the fork has every turn that has ended.',
    fields: {
      session_id:
        'The id of the fork, which the client chooses. The same `session_id` and `from` again are the same fork.',
      from: 'Any session of the principal.',
      before:
        'A message of a user, by the number of its entry or by its `id`: the fork has the entries before it.',
      name: 'The name of the fork. Without it, that of the other session with a number: `Soup (2)`.',
    },
  },
  delete: {
    summary:
      'Deletes a session of the principal with all its messages. A running turn ends with `SESSION_DELETED`, and pending messages are answered with it. Answered by `deleted` or `SESSION_NOT_FOUND`.',
    fields: { session_id: 'Any session of the principal, also that of the connection.' },
  },
  ping: {
    summary:
      'Keeps the connection open and shows that it works. Answered by `pong`. API Gateway closes a connection that is idle for 10 minutes.',
    fields: { nonce: 'A value that the `pong` repeats.' },
  },
  upload: {
    summary:
      'Announces a file for a message of this session. Answered by `upload`, with the address that takes its bytes, or by an error with the `id`.',
    fields: {
      id: 'An id for this request.',
      media_type: 'One of the types of 6.12.1.',
      size: 'The bytes of the file, exactly.',
      name: 'The name of the file, to be shown.',
    },
  },
  download: {
    summary:
      'Asks for an address to read a file of this session from. Answered by `download` or `FILE_NOT_FOUND`.',
    fields: { id: 'An id for this request.', file: 'The reference of the file.' },
  },
};

export const REPLY_DESCRIPTIONS: Readonly<Record<ReplyFrame['type'], FrameDescription>> = {
  session_start: {
    summary: 'Answers the first frame of a connection, whatever it is, before anything else.',
    fields: {
      session_id: 'The session. The server generates the id if the client named none.',
      resumed: 'Whether the session had a turn before this connection.',
      message_count: 'The number of entries of the transcript.',
      name: 'The name of the session, if it has one.',
      lane: 'The lane of this connection. The client keeps it for `resume.lane`.',
      last_seq: 'The number of the session’s last event; 0 when there is none.',
      token_expires_in_ms:
        'Milliseconds until the token of this connection expires (4.4). Absent if the token has no end.',
      agent:
        'Of several agents, the one that the session has. Absent before its first turn, and where there is only one.',
      agents:
        'Of several agents, those that a `connect` can ask for while the session has none, in the order in which to offer them.',
      forked_from: 'Of a fork: what it was made of.',
      'forked_from.session_id': 'The session that was forked. It may have been deleted since.',
      'forked_from.before': 'The first entry of that session that the fork does not have.',
      steer_scope:
        'What a message with `delivery: steer` or `now` joins when its own lane has no turn in flight. `connection`: nothing. `session`: the running turn of the session. Absent: `connection`.',
      trusted: 'As in `trusted`. Absent: the server is older, and tells nothing of what is trusted.',
      revocations: 'As in `trusted`.',
      active_turn: 'The running turn.',
      'active_turn.turn_id': 'The id of the turn.',
      'active_turn.started_at': 'When the turn began, in milliseconds since the epoch.',
      'active_turn.first_seq':
        'The number of the turn’s first event. A `resume` with `after_seq` one below it replays the whole turn.',
      limits: 'The limits of this server.',
      'limits.content_bytes': 'Maximum bytes of a message’s content, as JSON.',
      'limits.options_bytes': 'Maximum bytes of a message’s options, as JSON.',
      'limits.inbox_messages':
        'Maximum number of messages in the inbox of a lane, and of messages with `queue` that wait on it.',
      'limits.inbox_bytes': 'Maximum bytes of content that are pending on a lane.',
      'limits.session_turns': 'Maximum number of turns of a session, with the running turn.',
      'limits.queue_timeout_seconds': 'How long a turn can wait for its session, in seconds.',
      'limits.frame_bytes': 'Maximum bytes of a frame that the server sends.',
      'limits.file_bytes': 'Maximum bytes of a file. Absent: the server takes no files.',
    },
  },
  connected: {
    summary: 'Ends the answer to `connect`: the missed events were replayed, and live events follow.',
    fields: { message: 'A text for people.' },
  },
  accepted: {
    summary: 'The message is durable. A turn will answer it, or its outcome will be sent.',
    fields: {
      id: 'The id of the message.',
      turn_id: 'The turn that the message will be a part of, as far as is known now.',
      placement:
        '`turn`: the message opens a turn. `steering`: it joins the turn in flight. `queued`: it waits for a turn of its own.',
      position:
        'For `turn`, the number of turns ahead of it in the session; otherwise the number of messages of this lane ahead of it.',
      duplicate: 'True when the server knew the message already. It is still one message.',
    },
  },
  cancelled: {
    summary: 'Messages were withdrawn. They are in no turn and no transcript, and never will be.',
    fields: { ids: 'The ids of the messages.', reason: 'A text for people.' },
  },
  history: {
    summary: 'A page of the transcript.',
    fields: {
      entries: 'The entries, oldest first.',
      'entries[].n': 'The number of the entry in its session, from 1, without holes.',
      'entries[].turn_id': 'The turn that the entry belongs to.',
      'entries[].role': 'The kind of the entry. It determines which of the other fields are present.',
      'entries[].id': 'The id of the user’s message, or of the tool call.',
      ...contentSentences(
        'entries[].content',
        'The content of the user’s message, as it was sent, or the text of the assistant.',
      ),
      'entries[].at': 'When the server received the message, in milliseconds since the epoch.',
      'entries[].step': 'As in `applied`.',
      'entries[].from': 'As in `applied`.',
      'entries[].name': 'The name of the tool.',
      'entries[].args': 'The arguments of the call; null when `truncated`.',
      'entries[].truncated': 'True when the arguments do not fit into a frame, or when the output was cut.',
      'entries[].output': 'As in `tool_result`.',
      'entries[].output_length': 'As in `tool_result`.',
      'entries[].json': 'As in `tool_result`.',
      'entries[].is_error': 'As in `tool_result`.',
      'entries[].provider_executed': 'As in `tool_call`.',
      'entries[].event':
        'An event as it was sent: what was asked of a person and decided, what the model was shown, and how the turn ended. Without the text of the turn (`full_response_omitted`), which is in the entries before.',
      next: 'The value of `before` for the next older page; absent on the oldest page.',
    },
  },
  sessions: {
    summary: 'A page of the principal’s sessions.',
    fields: {
      sessions: 'The sessions, newest first.',
      'sessions[].session_id':
        'The id of the session, to connect to, or for `rename`, `export`, `fork` and `delete`.',
      'sessions[].name': 'The name of the session, if it has one.',
      'sessions[].agent': 'As in `session_start`.',
      'sessions[].forked_from': 'As in `session_start`.',
      'sessions[].forked_from.session_id': 'As in `session_start`.',
      'sessions[].forked_from.before': 'As in `session_start`.',
      'sessions[].created_at': 'When the session was created, in milliseconds since the epoch.',
      'sessions[].active_at': 'When its last turn began, in milliseconds since the epoch.',
      'sessions[].message_count': 'The number of entries of its transcript, without those of a running turn.',
      after: 'The `after` of the request.',
      query: 'The `query` of the request.',
      next: 'The value of `after` for the next page; absent on the last page.',
    },
  },
  renamed: {
    summary: 'A session has a new name.',
    fields: { session_id: 'The id of the session.', name: 'The new name.' },
  },
  trusted: {
    summary:
      'What the session trusts now: calls that run without being asked about, since a person answered `always`. Every connection of the session gets it when that changes.',
    fields: {
      trusted:
        'What each `always` covers, oldest first: the name of a tool, or the name, a colon, and what the agent counts as the same call.',
      revocations:
        'How often trusts were revoked in this session. A frame with a lower number than one before it is out of date.',
    },
  },
  export: {
    summary: 'A page of a session as JSON lines.',
    fields: {
      session_id: 'The `session_id` of the request.',
      data: 'The text to append to the page before. A long line can continue on the next page.',
      after: 'The `after` of the request.',
      next: 'The value of `after` for the next page; absent on the last page.',
    },
  },
  forked: {
    summary: 'The fork is a session like any other.',
    fields: {
      session_id: 'The id of the fork.',
      forked_from: 'As in `session_start`.',
      'forked_from.session_id': 'As in `session_start`.',
      'forked_from.before': 'As in `session_start`.',
      name: 'The name of the fork, if it has one.',
      message_count: 'The number of entries of its transcript.',
    },
  },
  deleted: {
    summary:
      'The session is deleted: nothing of it can be read or written any more. Its id can be used again after a day or more.',
    fields: { session_id: 'The id of the session.' },
  },
  history_gap: {
    summary:
      'Some of the requested events have expired. The events from `available_from` on follow. `history` has the text before them.',
    fields: {
      after_seq: 'The `after_seq` of the request.',
      available_from: 'The number of the first event that follows.',
    },
  },
  error: {
    summary:
      'A frame was refused, or a message was withdrawn: `terminal` is false. The connection stays open, and a running turn does not change.',
    fields: {
      code: 'The code to branch on; see the table of codes.',
      message: 'A text for people. Do not parse it.',
      terminal: 'False: this does not end a turn.',
      retryable: 'Whether the same frame can succeed later.',
      retry_after_ms: 'After how many milliseconds to try again, if the server knows.',
      id: 'The id of the message, or of the approval request, that the error is about.',
      session_id: 'The session of the request, if the request named one.',
      limit: 'The limit that was reached.',
      depth: 'The size or number that met the limit.',
      turn_id:
        'With `NOT_PENDING`: the turn that applied the message. Absent when the session does not know the message.',
      placement: 'With `NOT_PENDING`: whether the message began that turn or steered it.',
      until: 'With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch.',
      path: 'With `OPTIONS_INVALID`: the field of the options, such as `filter.city`; empty for the options as a whole. With `MESSAGE_TOO_LARGE`: `options`, `output` or `content`. With `ELICITATION_CONTENT_INVALID`: the name of the field. With `AGENT_UNAVAILABLE` and `AGENT_FIXED`: `agent`. With `FILE_REFUSED`, in answer to `upload`: the field.',
    },
  },
  pong: { summary: 'Answers `ping`.', fields: { nonce: 'The `nonce` of the `ping`.' } },
  upload: {
    summary: 'Where the bytes of a file are put, once. Then a message can have the file.',
    fields: {
      id: 'The `id` of the request.',
      file: 'The reference of the file, for messages and `download`. It is of use in this session alone.',
      method: 'The method of the HTTP request.',
      url: 'The address of the HTTP request. Its body is the file.',
      headers: 'The headers of the HTTP request, to be sent as they are.',
      expires_in_ms: 'How long the address can be used from now on, in milliseconds.',
    },
  },
  download: {
    summary: 'Where the bytes of a file are read from, by GET.',
    fields: {
      id: 'The `id` of the request.',
      file: 'The reference of the file.',
      media_type: 'The type of the file, as its bytes say.',
      size: 'The bytes of the file.',
      name: 'The name of the file, if it has one.',
      url: 'The address. Whoever has it can read the file.',
      expires_in_ms: 'How long the address can be used from now on, in milliseconds.',
    },
  },
  elicitation_answer: {
    summary: 'The answer to an `elicitation_request` is stored: the turn goes on with it.',
    fields: { id: 'The `request_id` of the request.', action: 'The `action` of the answer.' },
  },
};
