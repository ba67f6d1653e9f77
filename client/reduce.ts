import { entryItems, joinEntries } from './entries.ts';
import { changed, drain, receiveEvent, withoutEchoes } from './events.ts';
import { changeItem, isAskedAs } from './items.ts';
import {
  type Content,
  type FrameOf,
  isEvent,
  type MessageFrame,
  type ReplyFrame,
  type ServerFrame,
} from './protocol.ts';
import {
  type ApprovalItem,
  type ConnectionState,
  initialState,
  isPending,
  type MessageState,
  type State,
  type ToolAnswer,
  type ToolItem,
  type ToolRequest,
  type UserItem,
} from './state.ts';

export interface Draft {
  id: string;
  content: Content;
  delivery: NonNullable<MessageFrame['delivery']>;
  options?: MessageFrame['options'];
}

/** What happens to a chat: frames of the server, and what is done at this end. */
export type Input =
  | { type: 'frame'; frame: ServerFrame }
  | { type: 'connection'; connection: ConnectionState }
  | { type: 'written'; draft: Draft }
  /** Messages of an earlier life of this client: older than any written since. */
  | { type: 'restored'; drafts: readonly Draft[] }
  /** `unsent`: it never left, so nobody needs to be asked. */
  | { type: 'withdrawn'; id: string; unsent: boolean }
  | { type: 'dismissed'; id: string }
  | { type: 'lane_lost'; ids: ReadonlySet<string> }
  | { type: 'history_asked' }
  | { type: 'stop_asked' }
  | { type: 'approval_answered'; requestId: string; decision: NonNullable<ApprovalItem['decision']> }
  | { type: 'output_given'; toolCallId: string; answer: ToolAnswer }
  /** The server knows less than this client does: its data was lost, and what is shown with it. */
  | { type: 'session_lost' };

/** The whole of a chat as a function of what happened. The same state object comes back when nothing changed. */
export function reduce(state: State, input: Input): State {
  const next = step(state, input);
  if (next === state) return state;
  const pending = next.tail === state.tail ? state.pending : next.tail.filter(isPending);
  const same = next.past === state.past && next.live === state.live && next.tail === state.tail;
  const items = same ? state.items : [...next.past, ...next.live, ...next.tail];
  return { ...next, pending, items };
}

function step(state: State, input: Input): State {
  switch (input.type) {
    case 'frame':
      return isEvent(input.frame) ? receiveEvent(state, input.frame) : receiveReply(state, input.frame);
    case 'connection':
      return { ...state, connection: input.connection };
    case 'written':
      return { ...state, tail: [...state.tail, echo(input.draft)] };
    case 'restored':
      return { ...state, tail: [...input.drafts.map(echo), ...state.tail] };
    case 'withdrawn':
      return updateTail(state, new Set([input.id]), (item) => {
        if (!isPending(item)) return item;
        if (input.unsent)
          return { ...item, state: { status: 'cancelled', reason: 'withdrawn before sending' } };
        return { ...item, withdrawing: true };
      });
    case 'dismissed':
      return {
        ...state,
        tail: state.tail.filter((item) => isPending(item) || item.id !== input.id),
        live: withoutEchoes(state.live, new Set([input.id])),
      };
    case 'lane_lost':
      return updateTail(state, input.ids, (item) =>
        refuse(item, {
          status: 'rejected',
          code: 'LANE_LOST',
          message: 'The connection that carried this message is gone. It may not have arrived.',
          retryable: true,
        }),
      );
    case 'history_asked':
      return { ...state, history: { ...state.history, status: 'loading' } };
    case 'stop_asked':
      return { ...state, activeTurn: state.activeTurn && { ...state.activeTurn, stopping: true } };
    case 'approval_answered':
      return withLiveApproval(state, input.requestId, input.decision);
    case 'output_given':
      return changeRequest(state, ({ id }) => id === input.toolCallId, {
        answer: input.answer,
        refused: undefined,
      });
    case 'session_lost':
      return { ...initialState(state.sessionId), connection: state.connection, tail: state.tail };
  }
}

function echo({ id, content, delivery }: Draft): UserItem {
  return {
    kind: 'user',
    key: `user:${id}`,
    id,
    content,
    delivery,
    state: { status: 'sending' },
    withdrawing: false,
  };
}

function receiveReply(state: State, reply: ReplyFrame): State {
  switch (reply.type) {
    case 'session_start':
      return startSession(state, reply);
    case 'accepted':
      return accept(state, reply);
    case 'cancelled':
      return updateTail(state, new Set(reply.ids), (item) =>
        refuse(item, { status: 'cancelled', reason: reply.reason }),
      );
    case 'history':
      return receiveHistory(state, reply);
    case 'history_gap':
      return receiveGap(state, reply);
    case 'error':
      return receiveError(state, reply);
    case 'renamed':
      return reply.session_id === state.sessionId ? { ...state, name: reply.name } : state;
    case 'trusted':
      return trust(state, reply);
    default:
      // These show nothing.
      reply satisfies FrameOf<
        | 'sessions'
        | 'export'
        | 'forked'
        | 'deleted'
        | 'connected'
        | 'pong'
        | 'upload'
        | 'download'
        | 'elicitation_answer'
      >;
      return state;
  }
}

/** Frames of different functions can come in any order. Those of before a revocation say nothing any more. */
function trust(state: State, { trusted, revocations }: { trusted: string[]; revocations: number }): State {
  return revocations < state.revocations ? state : { ...state, trusted, revocations };
}

function startSession(before: State, frame: FrameOf<'session_start'>): State {
  const { trusted = [], revocations = 0 } = frame;
  const state = trust(before, { trusted, revocations });
  const known = {
    ...state,
    sessionId: frame.session_id,
    name: frame.name ?? state.name,
    agent: frame.agent ?? state.agent,
    agents: frame.agents ?? [],
    limits: frame.limits,
    heard: Math.max(state.heard, frame.last_seq),
    restart: frame,
    // A new session has no page to wait for.
    history:
      frame.message_count === 0 && frame.last_seq === 0
        ? ({ status: 'loaded', more: false } as const)
        : state.history,
  };
  if (state.cursor === undefined) return begin(known, 0);
  const { activeTurn } = state;
  if (!activeTurn || activeTurn.turnId !== frame.active_turn?.turn_id) return known;
  return { ...known, activeTurn: { ...activeTurn, startedAt: frame.active_turn.started_at } };
}

/**
 * The place where events take over from history: before the running turn, which history lacks the end of, or after
 * the last event. `available` is the first one that can still be had.
 */
function begin(state: State, available: number): State {
  if (!state.restart) return state;
  const { last_seq: lastSeq, active_turn: activeTurn } = state.restart;
  const before = activeTurn ? Math.min(activeTurn.first_seq - 1, lastSeq) : lastSeq;
  const turns = new Set(activeTurn ? [activeTurn.turn_id] : []);
  return drain({
    ...state,
    cursor: Math.max(before, available - 1, 0),
    turns,
    activeTurn: activeTurn && {
      turnId: activeTurn.turn_id,
      step: 0,
      startedAt: activeTurn.started_at,
      stopping: false,
    },
  });
}

/** Events after ours have expired: the transcript tells the finished turns, and the rest is replayed. */
function receiveGap(state: State, frame: FrameOf<'history_gap'>): State {
  if (frame.after_seq !== state.cursor) return state;
  const empty = { ...state, entries: [], past: [], live: [], pastNext: undefined };
  return begin({ ...empty, history: { status: 'unloaded', more: false } }, frame.available_from);
}

function receiveHistory(state: State, frame: FrameOf<'history'>): State {
  const entries = joinEntries(state.entries, frame.entries, state.turns);
  const ids = new Set(entries.flatMap((entry) => (entry.role === 'user' ? [entry.id] : [])));
  // Pages only lead backwards: a repeated reply does not lead forward again.
  const pastNext = Math.min(frame.next ?? 0, state.pastNext ?? Number.POSITIVE_INFINITY);
  return {
    ...state,
    entries,
    past: entryItems(entries),
    pastNext,
    live: withoutEchoes(state.live, ids),
    tail: withoutEchoes(state.tail, ids),
    history: { status: 'loaded', more: pastNext > 0 },
  };
}

function accept(state: State, frame: FrameOf<'accepted'>): State {
  const { turn_id: turnId, placement, position } = frame;
  const accepted: MessageState =
    placement === 'queued'
      ? { status: 'queued', turnId, position }
      : { status: 'accepted', turnId, placement, position };
  // A fate beats the acknowledgement, in whatever order they come: they are posted by different functions.
  return updateTail(state, new Set([frame.id]), (item) =>
    isPending(item) ? { ...item, state: accepted } : item,
  );
}

/**
 * Not the fate of what was sent. The same message sent again may be taken. An output that was repeated may have been taken the first
 * time: the call's `tool_result` tells.
 */
function tellsNothing(code: FrameOf<'error'>['code']): boolean {
  return (
    code === 'RATE_LIMITED' ||
    code === 'TOKEN_EXPIRED' ||
    code === 'INTERNAL' ||
    code === 'INVALID_TOOL_OUTPUT'
  );
}

function receiveError(state: State, frame: FrameOf<'error'>): State {
  if (frame.terminal) return state;
  if (frame.code === 'NO_ACTIVE_TURN') {
    return state.activeTurn?.stopping
      ? { ...state, activeTurn: { ...state.activeTurn, stopping: false } }
      : state;
  }
  if (frame.id === undefined || tellsNothing(frame.code)) return state;
  // It was resolved otherwise, as its event tells, or is no longer asked.
  if (frame.code === 'INVALID_APPROVAL_RESPONSE') return withLiveApproval(state, frame.id, undefined);
  const { id, code, message } = frame;
  const next = changeRequest(state, ({ request }) => request?.requestId === id, {
    answer: undefined,
    refused: { code, message },
  });
  if (next !== state) return next;
  const ids = new Set([id]);
  // The answer to a withdrawal that came too late: the message itself is well.
  if (frame.code === 'NOT_PENDING')
    return updateTail(state, ids, (item) => ({ ...item, withdrawing: false }));
  const rejected: MessageState = {
    status: 'rejected',
    code,
    message,
    retryable: frame.retryable,
    until: frame.until,
    limit: frame.limit,
    depth: frame.depth,
    retryAfterMs: frame.retry_after_ms,
  };
  return updateTail(state, ids, (item) => refuse(item, rejected));
}

/** This client's own answer to a request, until the server tells the decision. */
function withLiveApproval(state: State, requestId: string, decision: ApprovalItem['decision']): State {
  return changed(state, (live) =>
    changeItem(live, 'approval', isAskedAs(requestId), (item) =>
      item.resolved ? item : { ...item, decision },
    ),
  );
}

/** The call that this client is to run, with this answer or refusal. The same state: there is none. */
function changeRequest(
  state: State,
  isOne: (item: ToolItem) => boolean,
  news: Pick<ToolRequest, 'answer' | 'refused'>,
): State {
  const isAsked = (item: ToolItem) => item.request !== undefined && isOne(item);
  return changed(state, (live) =>
    changeItem(live, 'tool', isAsked, (item) => ({
      ...item,
      request: item.request && { ...item.request, ...news },
    })),
  );
}

function refuse(item: UserItem, state: MessageState): UserItem {
  return isPending(item) ? { ...item, state, withdrawing: false } : item;
}

function updateTail(state: State, ids: ReadonlySet<string>, update: (item: UserItem) => UserItem): State {
  if (!state.tail.some((item) => ids.has(item.id))) return state;
  return { ...state, tail: state.tail.map((item) => (ids.has(item.id) ? update(item) : item)) };
}
