import { useMemo } from 'react';
import type { Chat, ChatState } from '../index.ts';
import { initialState } from '../state.ts';
import type { HeldChat } from './held-chat.ts';
import { useChatState } from './use-chat-state.ts';
import { type UseMidturnOptions, useChatOf, useHeldChat } from './use-midturn-chat.ts';

/** The functions are the same until `sessionId` or `url` changes. After the component has unmounted, `send` throws `ClosedError`. */
type Actions = Pick<
  Chat,
  | 'send'
  | 'cancel'
  | 'dismiss'
  | 'approve'
  | 'addToolOutput'
  | 'revoke'
  | 'history'
  | 'connect'
  | 'disconnect'
> & {
  /** `abort` of the chat: stops the running turn. */
  readonly stop: Chat['abort'];
};

export interface MidturnView extends Readonly<Actions> {
  /** The conversation and its connection. It changes at most once per painted frame. */
  readonly state: ChatState;
  /** For everything else: events, other sessions. Undefined on a server, and in the first render of a session. */
  readonly chat: Chat | undefined;
}

/**
 * A session of Midturn for a component, open while it is mounted. Each call holds a connection of its own: call it once, and hand on
 * what it returns. `send` steers the answer that runs, if one does.
 *
 * @example
 * const { state, send, stop } = useMidturn('trip-to-lisbon', { url: 'wss://…/stage', token: fetchToken });
 */
export function useMidturn(sessionId: string, options: UseMidturnOptions): MidturnView {
  const held = useHeldChat(sessionId, options);
  const chat = useChatOf(held);
  const unopened = useMemo(() => ({ transcript: unchanging(initialState(sessionId)) }), [sessionId]);
  const state = useChatState(chat ?? unopened);
  const actions = useMemo(() => actionsOf(held), [held]);
  return { ...actions, state, chat };
}

const unchanging = (state: ChatState): Chat['transcript'] => ({
  subscribe: () => () => {},
  getSnapshot: () => state,
});

function actionsOf(held: HeldChat): Actions {
  return {
    send: (content, options) => held.open().send(content, options),
    stop: (options) => held.open().abort(options),
    cancel: (id) => held.open().cancel(id),
    dismiss: (id) => held.open().dismiss(id),
    approve: (requestId, decision) => held.open().approve(requestId, decision),
    addToolOutput: (answer) => held.open().addToolOutput(answer),
    revoke: (trust) => held.open().revoke(trust),
    history: () => held.open().history(),
    connect: () => held.open().connect(),
    disconnect: () => held.open().disconnect(),
  };
}
