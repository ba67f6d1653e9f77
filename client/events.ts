import { entryItems } from './entries.ts';
import { addText, addTool, changeItem, isCall, showTool, takenItem } from './items.ts';
import { addNote, type NotedEvent } from './notes.ts';
import type { EventFrame, EventOf } from './protocol.ts';
import { endsTurn, type Item, isPending, type State } from './state.ts';
import { outputOf, resultOf } from './tool-output.ts';

/**
 * Events held back because an earlier one is missing. More than this and the farthest are let go: the replay that is
 * asked for anyway brings them again.
 */
const MAX_AHEAD = 1000;

/** Takes an event in at its turn: each once, in order of `seq`, whatever order and however often they come (P9). */
export function receiveEvent(state: State, event: EventFrame): State {
  if (state.cursor !== undefined && event.seq <= state.cursor) return state;
  const ahead = new Map(state.ahead).set(event.seq, event);
  return drain({ ...state, heard: Math.max(state.heard, event.seq), ahead });
}

/** Takes in what had to wait, as far as it goes without a hole. */
export function drain(state: State): State {
  const ahead = new Map(state.ahead);
  const taken: EventFrame[] = [];
  let next = state;
  let { cursor } = state;
  if (cursor !== undefined) {
    for (const seq of state.ahead.keys()) if (seq <= cursor) ahead.delete(seq);
    for (let event = ahead.get(cursor + 1); event; event = ahead.get(cursor + 1)) {
      ahead.delete(event.seq);
      cursor = event.seq;
      next = applyEvent(next, event);
      taken.push(event);
    }
  }
  if (ahead.size > MAX_AHEAD) ahead.delete(Math.max(...ahead.keys()));
  return { ...next, cursor, ahead, taken };
}

function applyEvent(state: State, event: EventFrame): State {
  const begun = beginTurn(state, event);
  if (endsTurn(event)) {
    return { ...noted(begun, event), activeTurn: undefined };
  }
  const head = { key: `e${event.seq}`, turnId: event.turn_id };
  switch (event.type) {
    case 'turn_start':
      return event.agent === undefined ? begun : { ...begun, agent: event.agent };
    case 'applied':
      return takeIn(begun, event);
    case 'chunk':
      return changed(begun, (live) => addText(live, head, 'text', event.content));
    case 'thinking':
      return changed(begun, (live) => addText(live, head, 'thinking', event.content));
    case 'tool_call':
      return changed(begun, (live) => addTool(live, head, event));
    case 'tool_progress':
      return changed(begun, (live) =>
        showTool(live, head, event, { progress: outputOf(event), result: undefined }),
      );
    case 'tool_result':
      return changed(begun, (live) =>
        showTool(live, head, event, { progress: undefined, result: resultOf(event) }),
      );
    case 'tool_output_request': {
      const { lane, request_id: requestId, tool_call_id: id, timeout_secs: timeoutSeconds } = event;
      // Another device is asked.
      if (lane !== state.restart?.lane) return begun;
      return changed(begun, (live) =>
        changeItem(live, 'tool', isCall(head, id), (item) => ({
          ...item,
          args: event.arguments,
          request: { requestId, timeoutSeconds },
        })),
      );
    }
    default:
      // What is an entry of the transcript too: any other event that is known has a case above. One of a newer server is counted, and
      // shows nothing. Questions are for `midturn-client/elicitation`.
      return noted(
        begun,
        event as Exclude<typeof event, EventOf<`elicitation_${string}` & EventFrame['type']>>,
      );
  }
}

const noted = (state: State, event: NotedEvent): State => changed(state, (live) => addNote(live, event));

/** With the items from events, changed. The same state: `change` returns false. */
export function changed(state: State, change: (live: Item[]) => unknown): State {
  const live = state.live.slice();
  return change(live) === false ? state : { ...state, live };
}

/** A turn that is new here: its events tell it whole, so that history's entries of it give way. */
function beginTurn(state: State, event: EventFrame): State {
  const { turn_id: turnId } = event;
  if (state.activeTurn?.turnId === turnId && state.turns.has(turnId)) return state;
  const known = state.entries.some((entry) => entry.turn_id === turnId);
  const entries = known ? state.entries.filter((entry) => entry.turn_id !== turnId) : state.entries;
  return {
    ...state,
    turns: new Set(state.turns).add(turnId),
    entries,
    past: known ? entryItems(entries) : state.past,
    activeTurn: { turnId, step: 0, startedAt: undefined, stopping: false },
    // Refused messages stay at the end while their turn runs, so that they do not cut the answer's text in two.
    live: [...state.live, ...state.tail.filter((item) => !isPending(item))],
    tail: state.tail.filter(isPending),
  };
}

/** The local echo is replaced by the stored message, at the place where the model first saw it. */
function takeIn(state: State, event: EventOf<'applied'>): State {
  const ids = new Set(event.messages.map((message) => message.id));
  const echoes = new Map(state.tail.map((item) => [item.id, item]));
  const taken = event.messages.map((message) =>
    takenItem(message, event.turn_id, event.step, echoes.get(message.id)?.delivery),
  );
  return {
    ...state,
    live: [...withoutEchoes(state.live, ids), ...taken],
    // A new list, also without an echo in it: what was refused before can be taken in.
    tail: state.tail.filter((item) => !ids.has(item.id)),
    activeTurn: state.activeTurn && { ...state.activeTurn, step: event.step },
  };
}

/** A message that the transcript has stands there alone, also one presumed lost (`LANE_LOST`). The same list: there is none. */
export function withoutEchoes<I extends Item>(items: readonly I[], ids: ReadonlySet<string>): readonly I[] {
  const isEcho = (item: Item) => item.kind === 'user' && ids.has(item.id) && item.state.status !== 'applied';
  return items.some(isEcho) ? items.filter((item) => !isEcho(item)) : items;
}
