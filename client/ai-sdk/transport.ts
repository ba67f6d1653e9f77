import type { AbstractChat, ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import { type Chat, createMidturn, type MidturnOptions, type SendOptions } from '../index.ts';
import { toContent, unsupported } from './content-parts.ts';
import { Conversation } from './conversation.ts';
import { outputsIn } from './page-tools.ts';
import { restored } from './restored.ts';
import type { MidturnUIMessage } from './ui-message.ts';
import { uploaded } from './uploaded.ts';

/** What is used of a `Chat` of the AI SDK. */
export type AttachedChat = Pick<
  AbstractChat<never>,
  'id' | 'status' | 'addToolApprovalResponse' | 'addToolOutput' | 'resumeStream'
>;

/** As for `createMidturn`; the chat's id is the session's. */
export type MidturnChatTransportOptions = Omit<MidturnOptions, 'sessionId'>;

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
  readonly #options: MidturnChatTransportOptions;
  readonly #conversations = new Map<string, Conversation>();

  constructor(options: MidturnChatTransportOptions) {
    this.#options = options;
  }

  /**
   * Steers the running turn, or begins one; or gives the outputs of tools that the page has run (`addToolOutput`, with
   * `sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls`). Rejects with `ContentError`, or with a `MidturnError`
   * (`UNSUPPORTED`) for files that are neither images nor taken by the server. Files as data URLs that do not fit into a message are
   * uploaded first. Editing and regenerating are errors of the stream, which first puts back the answers
   * that the library has removed.
   */
  async sendMessages({
    trigger,
    chatId,
    messages,
    body,
    abortSignal,
  }: Parameters<ChatTransport<UI_MESSAGE>['sendMessages']>[0]): Promise<ReadableStream<UIMessageChunk>> {
    const message = messages[messages.length - 1];
    const conversation = this.#conversation(chatId);
    const { items } = conversation.chat.transcript.getSnapshot();
    const isAnswer = trigger === 'submit-message' && message?.role === 'assistant';
    const given = isAnswer ? conversation.give(outputsIn(message), abortSignal) : undefined;
    if (given) return given;
    if (trigger !== 'submit-message' || message?.role !== 'user') {
      return restored(
        items,
        message?.id,
        'An answer cannot be made again: what was said stays. Send a new message instead.',
      );
    }
    if (items.some((item) => item.kind === 'user' && item.id === message.id)) {
      return restored(items, message.id, 'A message cannot be edited: it was sent. Send a new one instead.');
    }
    return conversation.send(
      toContent(await uploaded(conversation.chat, message)),
      { id: message.id, ...deliveryOf(body), ...optionsOf(body) },
      abortSignal,
    );
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
    const conversation = this.#conversation(chat.id);
    const { addToolApprovalResponse: answer, addToolOutput: give } = chat;
    chat.addToolApprovalResponse = async (response) => {
      conversation.chat.approve(response.id, response.approved ? 'approve' : 'deny');
      await answer(response);
    };
    chat.addToolOutput = async (output) => {
      conversation.giveNow(output);
      await give(output);
    };
    const leave = conversation.follow({
      isIdle: () => chat.status === 'ready' || chat.status === 'error',
      resume: () => chat.resumeStream(),
    });
    return () => {
      leave();
      chat.addToolApprovalResponse = answer;
      chat.addToolOutput = give;
    };
  }

  /** The turn that runs in this session, whoever began it; null if none does. */
  reconnectToStream({
    chatId,
    abortSignal,
  }: Parameters<
    ChatTransport<UI_MESSAGE>['reconnectToStream']
  >[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    return this.#conversation(chatId).resume(abortSignal);
  }

  /** The conversation so far, for `useChat`'s `messages`. Older pages: `client(chatId).history()`, then this again. */
  messages(chatId: string): Promise<MidturnUIMessage[]> {
    return this.#conversation(chatId).messages();
  }

  /**
   * The session's own client: message states, approvals, withdrawal, history. What is sent through it stands *in* the
   * answer as a `steering-message` part, at the place where it was taken in.
   */
  client(chatId: string): Chat {
    return this.#conversation(chatId).chat;
  }

  close(): void {
    for (const { chat } of this.#conversations.values()) chat.close();
    this.#conversations.clear();
  }

  #conversation(chatId: string): Conversation {
    const known = this.#conversations.get(chatId);
    if (known) return known;
    const conversation = new Conversation(createMidturn({ ...this.#options, sessionId: chatId }));
    this.#conversations.set(chatId, conversation);
    return conversation;
  }
}

const DELIVERIES: readonly unknown[] = ['steer', 'queue', 'now'] satisfies SendOptions['delivery'][];

function deliveryOf(body: object | undefined): Pick<SendOptions, 'delivery'> {
  if (!body || !('delivery' in body)) return {};
  if (!isDelivery(body.delivery)) throw unsupported('delivery is "steer", "queue" or "now".');
  return { delivery: body.delivery };
}

/** The call options of the agent, as the body's `options`. */
function optionsOf(body: object | undefined): Pick<SendOptions, 'options'> {
  if (!body || !('options' in body) || body.options === undefined) return {};
  if (!isRecord(body.options)) throw unsupported('options are an object.');
  return { options: body.options };
}

const isRecord = (value: unknown): value is NonNullable<SendOptions['options']> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isDelivery = (value: unknown): value is NonNullable<SendOptions['delivery']> =>
  DELIVERIES.includes(value);
