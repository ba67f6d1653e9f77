import type { ClientFrameType } from '../client-frames.ts';
import { contentSentences } from '../content.ts';
import type { ErrorCode } from '../errors.ts';
import type { ReplyFrame } from '../server-frames.ts';

/**
 * The sentences of the documents for client frames, replies and codes; events have theirs in `events.ts`. A frame or code
 * without an entry does not compile. The generator refuses a field without a sentence and a sentence without a field.
 */
export interface FrameDescription {
  summary: string;
  /** By path: `resume.lane`, `messages[].id`. */
  fields: Readonly<Record<string, string>>;
}

export const CLIENT_FRAME_DESCRIPTIONS: Readonly<Record<ClientFrameType, FrameDescription>> = {
  connect: {
    summary:
      'Asks for the greeting and, with `resume`, for missed events. Optional; as the first frame it may choose session and lane. Answered by `session_start`, the missed events, `connected`.',
    fields: {
      session_id: 'The session, if it was not named in the URL. Counts in the first frame alone.',
      device_name: 'A name for this device. Reserved: accepted, and not used by this server.',
      capabilities: 'What the client can do. Reserved: accepted, and not used by this server.',
      resume: 'Takes up where an earlier connection stopped.',
      'resume.lane':
        'The `lane` of the earlier connection: its waiting messages and its running turn come along. Counts in the first frame alone; one that cannot be had is ignored.',
      'resume.after_seq': 'The last event that the client has: each later one is replayed. 0 for all.',
    },
  },
  message: {
    summary: 'Something the user says. Answered by `accepted`, or by an `error` that names the `id`.',
    fields: {
      ...contentSentences(
        'content',
        'Text, or an array of texts and images. Kept verbatim. Not blank, and at most `limits.content_bytes` bytes as JSON.',
      ),
      id: 'The client’s own id, unique in the session: the same id again is the same message. Without it the server makes one up, and the message cannot be repeated safely.',
      delivery:
        '`steer` (default) joins the running turn at its next boundary; `queue` gets a turn of its own after it; `now` cuts the running model call and joins at once. Without a turn of this lane in flight, `queue` opens one, and so do the others, unless `steer_scope` is `session` and a turn of another lane runs: they join that one.',
      order:
        'The client’s own count of its messages on this lane, rising by one. It makes the order exact; without it, messages of one millisecond are ordered by `id`.',
    },
  },
  abort: {
    summary: 'Stops the running turn, from any connection of the session. Answered by `aborted`.',
    fields: {
      turn_id: 'The turn that is meant; without it, whichever runs.',
      pending:
        'What becomes of messages that wait on the turn’s lane: `keep` (default) makes those in its inbox the next turn, and those with `delivery: queue` keep theirs; `discard` answers each `cancelled`.',
    },
  },
  cancel: {
    summary:
      'Withdraws a message that no turn has taken in, from any connection of the session. Answered by `cancelled`, which its sender gets too, or by `NOT_PENDING`.',
    fields: { id: 'The message.' },
  },
  approval_response: {
    summary: 'Answers an `approval_request`.',
    fields: {
      request_id: 'As in the request.',
      decision: '`approve` this call, `deny` it, or `always` approve this tool in this session.',
    },
  },
  history: {
    summary: 'Asks for a page of the transcript. Answered by `history`.',
    fields: {
      before: 'Entries before this number: the `next` of a newer page. Without it, the newest page.',
      limit: 'Entries at most; 50 without it. A page can be shorter, so that it fits into a frame.',
      merged: 'One entry per user message and one for all that the assistant said in a turn; no tools.',
    },
  },
  sessions: {
    summary:
      'Asks for a page of the principal’s sessions, those made last first. Answered by `sessions`. A session is in the list from its first turn on.',
    fields: {
      after: 'The `next` of the page before. Without it, the first page.',
      limit: 'Sessions at most; 50 without it. A page can be shorter, or empty, and still have a `next`.',
    },
  },
  rename: {
    summary:
      'Names a session of the principal. Answered by `renamed`, which all who listen to the session are sent, or `SESSION_NOT_FOUND`.',
    fields: { session_id: 'Any session of the principal.', name: 'Its new name.' },
  },
  export: {
    summary:
      'Asks for a page of a session as JSON lines: a line of `type: "session"` about it, then one of `type: "entry"` for each entry of the transcript, with the fields of `history`, whole and in order. Answered by `export` or `SESSION_NOT_FOUND`.',
    fields: {
      session_id: 'Any session of the principal.',
      after: 'The `next` of the page before. Without it, the first page.',
    },
  },
  delete: {
    summary:
      'Deletes a session of the principal with all that was said in it. A running turn ends with `SESSION_DELETED`; so do messages that wait. Answered by `deleted` or `SESSION_NOT_FOUND`.',
    fields: { session_id: 'Any session of the principal, also the connection’s own.' },
  },
  ping: {
    summary:
      'A sign of life. Answered by `pong`. API Gateway closes a connection that is idle for 10 minutes.',
    fields: { nonce: 'Comes back in the `pong`.' },
  },
};

export const REPLY_DESCRIPTIONS: Readonly<Record<ReplyFrame['type'], FrameDescription>> = {
  session_start: {
    summary: 'The greeting: answers the first frame of a connection, whatever it is, before anything else.',
    fields: {
      session_id: 'The session; generated when none was asked for.',
      resumed: 'Whether the session was there before this connection.',
      message_count: 'Entries of the transcript.',
      name: 'The session’s name, if it has one.',
      lane: 'This connection’s lane. Kept by the client, to be taken along by `resume.lane`.',
      last_seq: 'The number of the session’s last event; 0 before any.',
      steer_scope:
        'What a message with `delivery: steer` or `now` joins when its own lane has no turn in flight: nothing (`connection`), or the session’s running turn (`session`). Absent: `connection`.',
      active_turn: 'The turn that is running.',
      'active_turn.turn_id': 'Its id.',
      'active_turn.started_at': 'When it began, in milliseconds since the epoch.',
      'active_turn.first_seq': 'Its first event: `resume` after the one before replays the whole turn.',
      limits: 'What this server takes.',
      'limits.content_bytes': 'Bytes of a message’s content, as JSON.',
      'limits.inbox_messages': 'Messages that wait in one lane.',
      'limits.inbox_bytes': 'Bytes of content that wait in one lane.',
      'limits.session_turns': 'Turns of a session, the running one included.',
      'limits.queue_timeout_seconds': 'How long a turn may wait for its session.',
      'limits.frame_bytes': 'Bytes of any frame that the server sends.',
    },
  },
  connected: {
    summary: 'Ends the answer to `connect`: missed events were replayed, what follows is live.',
    fields: { message: 'For people.' },
  },
  accepted: {
    summary: 'The message is durable: it will be answered, or its fate told.',
    fields: {
      id: 'The message.',
      turn_id: 'The turn that it will be part of, as far as known now.',
      placement:
        '`turn`: it opens one; `steering`: it joins the one in flight; `queued`: it waits for one of its own.',
      position: 'For `turn`, turns ahead of it in the session; else messages of this lane ahead of it.',
      duplicate: 'True when the message was known already: it is still one message.',
    },
  },
  cancelled: {
    summary: 'Messages were withdrawn. They are in no turn and no transcript, and will not be.',
    fields: { ids: 'The messages.', reason: 'For people.' },
  },
  history: {
    summary: 'A page of the transcript.',
    fields: {
      entries: 'Oldest first.',
      'entries[].n': 'The entry’s number in its session, from 1, without holes.',
      'entries[].turn_id': 'The turn that it belongs to.',
      'entries[].role': 'Who speaks; says which of the other fields there are.',
      'entries[].id': 'Of a user’s message, its id; of a tool’s call and result, that of the call.',
      ...contentSentences('entries[].content', 'What was said; of a user’s message as it was sent.'),
      'entries[].at': 'When the server received the message, in milliseconds since the epoch.',
      'entries[].step': 'As in `applied`.',
      'entries[].name': 'The tool.',
      'entries[].args': 'The call’s arguments; null when `truncated`.',
      'entries[].truncated': 'True when the arguments do not fit into a frame.',
      'entries[].output': 'What the tool gave, as text.',
      'entries[].json': 'As in `tool_result`.',
      'entries[].is_error': 'True when the tool failed.',
      next: 'To be passed as `before` for the next older page; absent on the oldest.',
    },
  },
  sessions: {
    summary: 'A page of the principal’s sessions.',
    fields: {
      sessions: 'Those made last come first.',
      'sessions[].session_id': 'To connect to, or for `rename` and `export`.',
      'sessions[].name': 'Absent as long as nobody named it.',
      'sessions[].created_at': 'When it was made, in milliseconds since the epoch.',
      'sessions[].active_at': 'When its last turn began, in milliseconds since the epoch.',
      'sessions[].message_count': 'Entries of its transcript, without those of a turn that runs.',
      after: 'As asked for.',
      next: 'To be passed as `after` for the next page; absent on the last.',
    },
  },
  renamed: {
    summary: 'A session has a new name.',
    fields: { session_id: 'The session.', name: 'Its name from now on.' },
  },
  export: {
    summary: 'A page of a session as JSON lines.',
    fields: {
      session_id: 'As asked for.',
      data: 'To be put behind the page before: a long line may be continued by the next page.',
      after: 'As asked for.',
      next: 'To be passed as `after` for the next page; absent on the last.',
    },
  },
  deleted: {
    summary:
      'The session is gone: nothing of it can be read or written any more. Its id can be used again after a day or more.',
    fields: { session_id: 'The session.' },
  },
  history_gap: {
    summary:
      'Some of the asked-for events have expired. Those from `available_from` on follow; for what was before, read `history`.',
    fields: { after_seq: 'As asked for.', available_from: 'The first event that follows.' },
  },
  error: {
    summary:
      'A frame was refused, or a message’s fate is told: `terminal` is false. The connection stays open, and a running turn is untouched.',
    fields: {
      code: 'To branch on: see the table of codes.',
      message: 'For people. Never to be parsed.',
      terminal: 'False: no turn ends by this.',
      retryable: 'Whether the same frame may succeed later.',
      retry_after_ms: 'When to try again, if the server knows.',
      id: 'The message, or the request, that it is about.',
      session_id: 'The session that was asked for, where that need not be the connection’s own.',
      limit: 'The limit that was met.',
      depth: 'How much was there, or would have been.',
      turn_id: 'Of `NOT_PENDING`: the turn that has taken the message in. Absent: nobody knows the message.',
      placement: 'Of `NOT_PENDING`: whether it began that turn or steered it.',
    },
  },
  pong: { summary: 'Answers `ping`.', fields: { nonce: 'As sent.' } },
};

export interface CodeDescription {
  /** Whether it answers a frame or tells a message’s fate (`reply`), ends a turn (`end`), or either. */
  as: 'reply' | 'end' | 'reply or end';
  when: string;
  /** What a client should do. */
  client: string;
}

export const CODE_DESCRIPTIONS: Readonly<Record<ErrorCode, CodeDescription>> = {
  INVALID_JSON: {
    as: 'reply',
    when: 'The frame is not a JSON object.',
    client: 'Mend the client.',
  },
  UNKNOWN_MESSAGE_TYPE: {
    as: 'reply',
    when: 'No client frame has this `type`.',
    client: 'Mend the client, or do without what an older server does not know.',
  },
  INVALID_FRAME: {
    as: 'reply',
    when: 'A field is missing or cannot be so; `message` names it.',
    client: 'Mend the client.',
  },
  EMPTY_CONTENT: {
    as: 'reply',
    when: 'The content has no image, and its text is blank after trimming.',
    client: 'Ask the user for text; the message is nowhere.',
  },
  MESSAGE_TOO_LARGE: {
    as: 'reply',
    when: 'The content has more bytes (`depth`) than `limit`, images included.',
    client: 'Ask the user for less, or send a large image by its URL; the message is nowhere.',
  },
  STEERING_QUEUE_FULL: {
    as: 'reply',
    when: 'The lane holds as many messages, or bytes, as it may.',
    client: 'Send it again, under the same `id`, after the next `applied` or end.',
  },
  SESSION_QUEUE_FULL: {
    as: 'reply',
    when: 'The session has as many turns as it may.',
    client: 'Offer to send it again, under a new `id`, after a turn has ended.',
  },
  SESSION_QUEUE_TIMEOUT: {
    as: 'reply',
    when: 'The session was busy for longer than the message may wait.',
    client: 'Offer to send it again, under a new `id`.',
  },
  NO_ACTIVE_TURN: {
    as: 'reply',
    when: '`abort` found no running turn, or not the one that it names.',
    client: 'Nothing: it is over already.',
  },
  NOT_PENDING: {
    as: 'reply',
    when: '`cancel` found the message taken in by the turn `turn_id`, or, without one, not at all.',
    client: 'Show it where `applied` put it; `abort` if the answer is not wanted.',
  },
  INVALID_APPROVAL_RESPONSE: {
    as: 'reply',
    when: 'No approval is waiting under this `request_id`.',
    client: 'Close the question: it was decided already, or its turn is over.',
  },
  RATE_LIMITED: {
    as: 'reply',
    when: 'More frames than the server takes from one principal in a minute.',
    client: 'Wait `retry_after_ms`, then send the frame again as it was.',
  },
  AUTH_ERROR: {
    as: 'end',
    when: 'The model’s provider refused the server’s credentials.',
    client: 'Tell the user that the service is not set up; repeating does not help.',
  },
  PROVIDER_ERROR: {
    as: 'end',
    when: 'The model failed, or its answer broke off.',
    client: 'Keep what was said. If `retryable`, offer to go on: a new message does.',
  },
  AGENT_ERROR: {
    as: 'end',
    when: 'The turn could not be carried through, for reasons of the server.',
    client: 'Keep what was said. If `retryable`, offer to go on: a new message does.',
  },
  SESSION_NOT_FOUND: {
    as: 'reply',
    when: 'The principal has no session of this id.',
    client: 'Take it off its list.',
  },
  SESSION_DELETED: {
    as: 'reply or end',
    when: 'The session was deleted. With an `id`, it is about that message; without one, all that listen to the session are told.',
    client: 'Forget it, and open another.',
  },
  INTERNAL: {
    as: 'reply',
    when: 'The server failed to handle the frame; its log knows the request named in `message`.',
    client: 'Send it again, a message under the same `id`.',
  },
};
