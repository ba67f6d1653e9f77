import type {
  AnswerRequest,
  Chat,
  FileRequest,
  ForkRequest,
  MidturnOptions,
  SendOptions,
  SentMessage,
} from './chat.ts';
import { contentBytes, DEFAULT_CONTENT_BYTES, isBlank } from './content.ts';
import { ClosedError, ContentError } from './errors.ts';
import { checkId } from './ids.ts';
import { hostPlatform, type SocketConstructor } from './platform.ts';
import type { Content } from './protocol.ts';
import { throwIfRefused } from './sent-messages.ts';
import { Session } from './session.ts';
import type { State } from './state.ts';

/**
 * Connects to a session, and keeps a connection until `close`.
 *
 * @throws {TypeError} when the session's id is not one, or when the host has no WebSocket and `options.WebSocket` is missing
 * @example
 * const chat = createMidturn({ url: 'wss://…/stage', token: () => fetchToken(), sessionId: 'trip-to-lisbon' });
 * chat.send('Plan my day.');
 */
export function createMidturn(options: MidturnOptions): Chat {
  if (options.sessionId !== undefined) checkId('The id of a session', options.sessionId);
  const WebSocket = options.WebSocket ?? (globalThis.WebSocket as SocketConstructor | undefined);
  if (!WebSocket) throw new TypeError('There is no WebSocket here: pass one as options.WebSocket.');
  const platform = { ...hostPlatform(), ...options.platform, WebSocket };
  const session = new Session(options, platform);

  function send(
    content: Content,
    { delivery = 'steer', id = platform.newId(), options: given }: SendOptions = {},
  ): SentMessage {
    if (session.isClosed) throw new ClosedError();
    checkContent(content, session.state);
    checkMessageId(id, session.state);
    const progress = session.write({ id, content, delivery, options: given });
    return {
      id,
      get state() {
        return progress.state;
      },
      settled: progress.settled,
      events: () => session.log.ofMessage(id, progress.settled.then(throwIfRefused)),
    };
  }

  return {
    get sessionId() {
      return session.state.sessionId;
    },
    transcript: {
      subscribe: (listener) => session.subscribe(listener),
      getSnapshot: () => session.state,
    },
    ready: () => session.ready(),
    send,
    turn: (turnId) => {
      const active = session.state.activeTurn?.turnId;
      const wanted = turnId ?? active;
      const isThere = wanted !== undefined && (wanted === active || session.log.has(wanted));
      return isThere ? session.log.ofTurn(wanted) : undefined;
    },
    events: () => session.log.all(),
    abort: ({ pending } = {}) => session.abort(pending),
    cancel: (id) => session.cancel(id),
    dismiss: (id) => session.dismiss(id),
    approve: (requestId, decision) => session.approve(requestId, decision),
    addToolOutput: ({ toolCallId, ...answer }) => session.addToolOutput(toolCallId, answer),
    revoke: (trust = '') => session.revoke(trust),
    chooseAgent: (agent) => session.chooseAgent(agent),
    history: () => session.olderPage(),
    sessions: session.sessions,
    request: (frame: ForkRequest | AnswerRequest | FileRequest) => session.sessions.ask<never>(frame),
    disconnect: () => session.disconnect(),
    connect: () => session.connect(),
    close: () => session.close(),
  };
}

function checkContent(content: Content, { limits }: State): void {
  if (isBlank(content)) throw new ContentError('EMPTY_CONTENT', 'There is nothing to send.');
  const limit = limits?.content_bytes ?? DEFAULT_CONTENT_BYTES;
  if (contentBytes(content) > limit) {
    throw new ContentError('MESSAGE_TOO_LARGE', `The message is over ${limit} bytes.`);
  }
}

function checkMessageId(id: string, { items }: State): void {
  checkId('The id of a message', id);
  if (items.some((item) => item.kind === 'user' && item.id === id)) {
    throw new TypeError(`A message with the id ${id} was sent already.`);
  }
}
