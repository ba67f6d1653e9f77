import type { AbstractChat, ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import { forkSession } from '../fork.ts';
import { type Chat, type Content, createMidturn, type MidturnOptions } from '../index.ts';
import { toContent } from './content-parts.ts';
import { Conversation, type Page } from './conversation.ts';
import { answerOf, checkForked, NOT_AGAIN, NOT_EDITED, refusalOf, sentIn } from './forked.ts';
import { outputsIn } from './page-tools.ts';
import { restored } from './restored.ts';
import { deliveryOf, optionsOf } from './send-options.ts';
import type { Chunk, MidturnUIMessage } from './ui-message.ts';
import { uploaded } from './uploaded.ts';

/** What is used of a `Chat` of the AI SDK. */
export type AttachedChat = Pick<
  AbstractChat<never>,
  'id' | 'status' | 'addToolApprovalResponse' | 'addToolOutput' | 'resumeStream'
>;

/** A chat has gone over to another session. */
export interface MidturnFork {
  chatId: string;
  /** The session that it has left: it stays as it is. */
  from: string;
  /** The session that it is on now. */
  to: string;
  /** The user message that is answered again, or was edited: the first that the new session does not have of the other one. */
  before: string;
}

/** As for `createMidturn`; the chat's id is the session's. */
export type MidturnChatTransportOptions = Omit<MidturnOptions, 'sessionId'> & {
  /**
   * Called when an answer is made again (`regenerate`) or a message is edited (`sendMessage({ text, messageId })`): what was said stays in
   * its session, so the chat goes on in a new one. Keep its id, in the page's address for example. Without `onFork`, both are refused.
   */
  onFork?: (fork: MidturnFork) => void;
};

/**
 * Puts `useChat` on a Midturn session. Make one and keep it: it holds the connections. A message sent while an answer
 * streams steers it (leave `experimental_queue` off, which would hold it back); `body: { delivery: 'queue' }` gives it a turn
 * of its own, `'now'` cuts in. `body: { options }`
 * are the agent's call options.
 */
export class MidturnChatTransport<UI_MESSAGE extends UIMessage = MidturnUIMessage>
  implements ChatTransport<UI_MESSAGE>
{
  /** A resumed answer is told from the start of its message. */
  readonly resumeStreamIsReplay = true;
  readonly #options: MidturnOptions;
  readonly #onFork: MidturnChatTransportOptions['onFork'];
  /** By the session's id. */
  readonly #conversations = new Map<string, Conversation>();
  /** The session that a chat is on: that of its own id, or a fork. */
  readonly #sessions = new Map<string, string>();
  /** Forks that are being made, by the chat's id. */
  readonly #forking = new Map<string, Promise<void>>();
  readonly #attached = new Map<string, { page: Page; leave: () => void }>();

  constructor({ onFork, ...options }: MidturnChatTransportOptions) {
    this.#options = options;
    this.#onFork = onFork;
  }

  /**
   * Steers the running turn, or begins one; or gives the outputs of tools that the page has run (`addToolOutput`, with
   * `sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls`). Rejects with `ContentError`, or with a `MidturnError`
   * (`UNSUPPORTED`) for files that are neither images nor taken by the server. Files as data URLs that do not fit into a message are
   * uploaded first. An answer that is made again, or a message that is edited, begins a fork (`onFork`). If that fails, the
   * stream puts back the answers that the library has removed, and ends in an error.
   */
  async sendMessages({
    trigger,
    chatId,
    messages,
    messageId,
    body,
    abortSignal,
  }: Parameters<ChatTransport<UI_MESSAGE>['sendMessages']>[0]): Promise<ReadableStream<UIMessageChunk>> {
    const forking = this.#forking.get(chatId);
    if (forking) await forking;
    const message = messages[messages.length - 1];
    const conversation = this.#conversation(chatId);
    const { items } = conversation.chat.transcript.getSnapshot();
    const isAnswer = trigger === 'submit-message' && message?.role === 'assistant';
    const given = isAnswer ? conversation.give(outputsIn(message), abortSignal) : undefined;
    if (given) return given;
    const isAgain = trigger !== 'submit-message' || message?.role !== 'user';
    const isEdited = message !== undefined && (messageId === message.id || sentIn(items, message.id));
    if (isAgain || isEdited) {
      const onFork = this.#onFork;
      if (!onFork || message?.role !== 'user')
        return restored(items, message?.id, isAgain ? NOT_AGAIN : NOT_EDITED);
      const fork = this.#fork({ chatId, messages, message, body, abortSignal, onFork });
      const over = () => void this.#forking.delete(chatId);
      this.#forking.set(chatId, fork.then(over, over));
      return answerOf(message.id, fork);
    }
    return conversation.send(
      toContent(await uploaded(conversation.chat, message)),
      { id: message.id, ...deliveryOf(body), ...optionsOf(body) },
      abortSignal,
    );
  }

  /** Sends the message to a new session, with what was said before it. The chat is on that session from then on. */
  async #fork({
    chatId,
    messages,
    message,
    body,
    abortSignal,
    onFork,
  }: {
    chatId: string;
    messages: readonly UI_MESSAGE[];
    message: UI_MESSAGE;
    body: object | undefined;
    abortSignal: AbortSignal | undefined;
    onFork: (fork: MidturnFork) => void;
  }): Promise<ReadableStream<Chunk>> {
    const { id } = message;
    const conversation = this.#conversation(chatId);
    // The page has removed what runs.
    conversation.hold();
    try {
      checkForked(conversation.chat, message);
      const how = { id, ...deliveryOf(body), ...optionsOf(body) };
      const from = conversation.chat.sessionId;
      const to = await forkSession(conversation.chat, { before: id });
      const fork = this.#session(to);
      const content = await this.#contentFor(fork, message, conversation);
      onFork({ chatId, from, to, before: id });
      fork.shows(messages);
      const answer = fork.send(content, how, abortSignal);
      this.#goOver(chatId, conversation, fork);
      return answer;
    } catch (error) {
      conversation.release();
      return restored(conversation.chat.transcript.getSnapshot().items, id, refusalOf(error));
    }
  }

  /** Where a file cannot be uploaded, nobody goes on in the fork: it is deleted. */
  async #contentFor(fork: Conversation, message: UI_MESSAGE, from: Conversation): Promise<Content> {
    try {
      return toContent(await uploaded(fork.chat, message));
    } catch (error) {
      const { sessionId } = fork.chat;
      this.#conversations.delete(sessionId);
      fork.leave();
      // Why the message was not sent is what is told. A fork that stays is one more copy in the list.
      await from.chat.sessions.delete(sessionId).catch(() => {});
      throw error;
    }
  }

  #goOver(chatId: string, from: Conversation, to: Conversation): void {
    this.#sessions.set(chatId, to.chat.sessionId);
    from.handOver(to);
    const attached = this.#attached.get(chatId);
    if (attached) {
      attached.leave();
      attached.leave = to.follow(attached.page);
    }
    const { sessionId } = from.chat;
    if ([...this.#sessions.values()].includes(sessionId)) return;
    this.#conversations.delete(sessionId);
    from.leave();
  }

  /**
   * Attaches a chat to its session, until the returned function is called:
   * - `chat.addToolApprovalResponse`, which kits call, answers the server at once. So does `chat.addToolOutput` while an answer streams.
   * - A turn that another client begins is shown, also in a page that is idle. So are messages that a stop withdrew.
   *
   * @example
   * const chat = new Chat({ id, transport, messages: await transport.messages(id) });
   * transport.attach(chat);
   */
  attach(chat: AttachedChat): () => void {
    const { addToolApprovalResponse: answer, addToolOutput: give } = chat;
    chat.addToolApprovalResponse = async (response) => {
      this.#conversation(chat.id).chat.approve(response.id, response.approved ? 'approve' : 'deny');
      await answer(response);
    };
    chat.addToolOutput = async (output) => {
      this.#conversation(chat.id).giveNow(output);
      await give(output);
    };
    const page = {
      isIdle: () => chat.status === 'ready' || chat.status === 'error',
      resume: () => chat.resumeStream(),
    };
    const attached = { page, leave: this.#conversation(chat.id).follow(page) };
    this.#attached.set(chat.id, attached);
    return () => {
      attached.leave();
      if (this.#attached.get(chat.id) === attached) this.#attached.delete(chat.id);
      chat.addToolApprovalResponse = answer;
      chat.addToolOutput = give;
    };
  }

  /** The turn that runs in this session, whoever began it; null if none does. */
  async reconnectToStream({
    chatId,
    abortSignal,
  }: Parameters<
    ChatTransport<UI_MESSAGE>['reconnectToStream']
  >[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    await this.#forking.get(chatId);
    return this.#conversation(chatId).resume(abortSignal);
  }

  /**
   * The conversation of a session so far, for `useChat`'s `messages`. A chat of this id is on this session from now on, also if an earlier one
   * has gone over to a fork. Older pages: `client(chatId).history()`, then this again with the `sessionId` of that client.
   */
  messages(sessionId: string): Promise<MidturnUIMessage[]> {
    this.#sessions.set(sessionId, sessionId);
    return this.#session(sessionId).messages();
  }

  /**
   * The client of the session that a chat is on: message states, approvals, withdrawal, history. What is sent through it stands *in* the
   * answer as a `steering-message` part, at the place where it was taken in. After a fork it is another one.
   */
  client(chatId: string): Chat {
    return this.#conversation(chatId).chat;
  }

  close(): void {
    for (const { chat } of this.#conversations.values()) chat.close();
    this.#conversations.clear();
  }

  #conversation(chatId: string): Conversation {
    const sessionId = this.#sessions.get(chatId) ?? chatId;
    this.#sessions.set(chatId, sessionId);
    return this.#session(sessionId);
  }

  #session(sessionId: string): Conversation {
    const known = this.#conversations.get(sessionId);
    if (known) return known;
    const conversation = new Conversation(createMidturn({ ...this.#options, sessionId }));
    this.#conversations.set(sessionId, conversation);
    return conversation;
  }
}
