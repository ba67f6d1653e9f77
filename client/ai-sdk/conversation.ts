import type { UIMessage } from 'ai';
import {
  type Chat,
  type ChatState,
  type Content,
  type EventFrame,
  type EventOf,
  MessageCancelledError,
  type MessageState,
  type SendOptions,
  type SentMessage,
  TurnFailedError,
} from '../index.ts';
import { AnswerStreams, type Left } from './answer-streams.ts';
import { AnswerWriter } from './answer-writer.ts';
import { type HeldEvents, held } from './held-events.ts';
import { askedCalls, type PageOutput, unlessRefused } from './page-tools.ts';
import { toUIMessages } from './stored-messages.ts';
import { answerId, type Chunk, type MidturnUIMessage } from './ui-message.ts';

/** A page that shows a session, one stream after the other. */
export interface Page {
  /** Whether it can resume a turn now. */
  isIdle(): boolean;
  /** Shows what `resume` returns, to its end. */
  resume(): Promise<void>;
}

/** Between two looks at a page that has not settled after a stream's end. */
const SETTLING_MS = 20;

/**
 * One session as `useChat` shows it: each message sent here has a stream of its own, which carries the part of the turn
 * that answers it. A message sent in mid-turn so divides the answer where it was taken in.
 */
export class Conversation {
  readonly chat: Chat;
  /** User messages that the page shows by themselves. */
  readonly #shown = new Set<string>();
  /** Those of them that have a stream here. */
  readonly #answered = new Set<string>();
  /** Turns that are being shown here, and may be stopped from here. */
  readonly #turns = new Set<string>();
  /** The turn that was stopped from here. `useChat` ignores a stream that it has stopped, so its answer is not complete. */
  #stopped: string | undefined;
  /** Messages that a stop withdrew, and that no stream has told yet. */
  readonly #withdrawn = new Map<string, MessageState>();
  /** Turns that were shown here, to their end or in part. */
  readonly #told = new Set<string>();
  /** Turns that began while the page is attached and that nothing here has told yet, oldest first, with their events if they are kept. */
  readonly #unseen = new Map<string, HeldEvents | undefined>();
  /** Writes into the stream of a resumed turn, while there is one. */
  #resumed: ((chunk: Chunk) => void) | undefined;
  /** The turn that waits for the page, and the last request that the page has seen. */
  #left: { turnId: string; seen: string } | undefined;
  readonly #streams = new AnswerStreams(() => {
    this.#turns.clear();
    this.#forgetTold();
    void this.#offerUnseen();
  });
  #page: Page | undefined;
  #isOffering = false;
  /** The page shows a fork instead. */
  #isLeft = false;

  constructor(chat: Chat) {
    this.chat = chat;
  }

  /**
   * Has turns that nothing here shows resumed by this page, one after the other: other clients began them.
   *
   * @returns a function that ends this
   */
  follow(page: Page): () => void {
    this.#page = page;
    const look = () => {
      const state = this.chat.transcript.getSnapshot();
      const turnId = state.activeTurn?.turnId;
      if (turnId !== undefined && this.#left?.turnId === turnId && askedCalls(state).length === 0) {
        // It goes on without the page, which is shown the whole.
        this.#left = undefined;
        this.#told.delete(turnId);
      }
      if (turnId === undefined || this.#unseen.has(turnId) || this.#told.has(turnId)) return;
      const events = this.chat.turn(turnId);
      this.#unseen.set(turnId, events && held(events));
      void this.#offerUnseen();
    };
    look();
    const unsubscribe = this.chat.transcript.subscribe(look);
    return () => {
      unsubscribe();
      if (this.#page === page) this.#page = undefined;
    };
  }

  /** The oldest turn that is not shown and whose events are kept. */
  #nextUnseen(): string | undefined {
    for (const [turnId, events] of this.#unseen) {
      if (!this.#told.has(turnId) && (events ?? this.chat.turn(turnId))) return turnId;
    }
    return undefined;
  }

  /** Each turn's held events are read once. */
  #eventsOf(turnId: string): AsyncIterable<EventFrame> | undefined {
    const events = this.#unseen.get(turnId) ?? this.chat.turn(turnId);
    this.#unseen.delete(turnId);
    return events;
  }

  #forgetTold(): void {
    for (const [turnId, events] of this.#unseen) {
      if (!this.#told.has(turnId)) continue;
      events?.release();
      this.#unseen.delete(turnId);
    }
  }

  /** Each once, when no stream is open here and the page has taken note of that: it does so after the stream's end. */
  async #offerUnseen(): Promise<void> {
    if (this.#isOffering) return;
    this.#isOffering = true;
    try {
      for (let offered: string | undefined; this.#page && !this.#streams.isBusy; ) {
        const [withdrawn] = this.#withdrawn.keys();
        const next = withdrawn ?? this.#nextUnseen();
        // What could not be resumed is offered again with the next turn.
        if (next === undefined || next === offered) return;
        if (this.#page.isIdle()) {
          offered = next;
          await this.#page.resume();
        } else {
          await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
        }
      }
    } finally {
      this.#isOffering = false;
    }
  }

  /** Sends a message; the stream carries its part of the answer. */
  send(content: Content, options: SendOptions, stop: AbortSignal | undefined): ReadableStream<Chunk> {
    const message = this.chat.send(content, options);
    this.#shown.add(message.id);
    this.#answered.add(message.id);
    // A fork takes its time, and the page may have been stopped meanwhile.
    if (stop?.aborted) this.#stop(message);
    stop?.addEventListener('abort', () => this.#stop(message), { once: true });
    return this.#streams.open(async (write) => {
      // At once, so that the answer stands before whatever is written next.
      write({ type: 'start', messageId: answerId(message.id) });
      const unsubscribe = this.#tellState(message, write);
      try {
        return await this.#writeAnswer(message.events(), write, { own: message.id });
      } finally {
        unsubscribe();
      }
    });
  }

  /**
   * Gives outputs of tools that the page has run; the stream carries what follows in the same message. Undefined: the page has been
   * asked for nothing.
   */
  give(outputs: readonly PageOutput[], stop: AbortSignal | undefined): ReadableStream<Chunk> | undefined {
    const left = this.#left;
    const events = left && this.chat.turn(left.turnId);
    if (!left || !events) return undefined;
    this.#left = undefined;
    const { turnId, seen } = left;
    const asked = askedCalls(this.chat.transcript.getSnapshot());
    const given = asked.filter(({ toolCallId }) =>
      outputs.some((output) => output.toolCallId === toolCallId),
    );
    const from = lastShown(this.chat.transcript.getSnapshot(), turnId, this.#shown);
    stop?.addEventListener('abort', () => this.#stopTurn(turnId), { once: true });
    for (const { toolCallId } of given) {
      const output = outputs.find((one) => one.toolCallId === toolCallId);
      if (output) this.chat.addToolOutput(output);
    }
    const following = unlessRefused(from === undefined ? events : since(events, from), this.chat, given);
    return this.#streams.open(async (write) => {
      try {
        return await this.#writeAnswer(following, write, { after: seen });
      } catch (error) {
        // The page can give another output.
        this.#left = left;
        throw error;
      }
    });
  }

  /** While a stream is open here, the library keeps to itself what its page gives. */
  giveNow(output: PageOutput): void {
    if (this.#streams.isBusy) this.chat.addToolOutput(output);
  }

  /**
   * The running turn, or null; from where the messages that were loaded end. After "stop": what the stopped turn said and did
   * until its end, whether or not it has ended by now.
   */
  async resume(stop: AbortSignal | undefined): Promise<ReadableStream<Chunk> | null> {
    await Promise.race([this.chat.ready(), aborted(stop)]);
    const state = this.chat.transcript.getSnapshot();
    const turnId = this.#turnToResume(state.activeTurn?.turnId);
    this.#stopped = undefined;
    // A page that goes away before it has seen anything stops nothing.
    if (stop?.aborted) return null;
    const events = turnId === undefined ? undefined : this.#eventsOf(turnId);
    if (!events || !turnId) return this.#withdrawn.size > 0 ? this.#tellOfWithdrawn() : null;
    const from = lastShown(state, turnId, this.#shown);
    stop?.addEventListener('abort', () => this.#stopTurn(turnId), { once: true });
    return this.#streams.open(async (write) => {
      write({ type: 'start', messageId: answerId(from ?? turnId) });
      this.#writeWithdrawn(write);
      this.#resumed = write;
      const unsubscribe = this.#tellStopping(turnId, write);
      try {
        return await this.#writeAnswer(from === undefined ? events : since(events, from), write);
      } finally {
        this.#resumed = undefined;
        unsubscribe();
      }
    });
  }

  /** No turn goes on: the answers of messages that were withdrawn say so, in the last one's place. */
  #tellOfWithdrawn(): ReadableStream<Chunk> {
    const id = [...this.#withdrawn.keys()].pop() ?? '';
    return this.#streams.open(async (write) => {
      write({ type: 'start', messageId: answerId(id) });
      this.#writeWithdrawn(write);
      return 'over';
    });
  }

  /** Told by the stream that is resumed after the stop, now or when there is one. */
  #keepWithdrawn(id: string, state: MessageState): void {
    this.#withdrawn.set(id, state);
    if (this.#resumed) this.#writeWithdrawn(this.#resumed);
    else void this.#offerUnseen();
  }

  #writeWithdrawn(write: (chunk: Chunk) => void): void {
    for (const [id, state] of this.#withdrawn) {
      write({ type: 'data-message-state', id, data: { ...state, messageId: id } });
    }
    this.#withdrawn.clear();
  }

  /** A turn that another client began meanwhile, and that nothing here shows, comes before the stopped one. */
  #turnToResume(active: string | undefined): string | undefined {
    const isShown = active === undefined || this.#turns.has(active);
    const unseen = this.#stopped === undefined ? this.#nextUnseen() : undefined;
    if (unseen !== undefined) return unseen;
    return this.#stopped !== undefined && (isShown || active === this.#stopped) ? this.#stopped : active;
  }

  /** A turn that is being stopped can wait for a tool that does not heed its signal. */
  #tellStopping(turnId: string, write: (chunk: Chunk) => void): () => void {
    let isTold = false;
    const tell = () => {
      const { activeTurn } = this.chat.transcript.getSnapshot();
      if (isTold || activeTurn?.turnId !== turnId || !activeTurn.stopping) return;
      isTold = true;
      write({ type: 'message-metadata', messageMetadata: { turnId, stopping: true } });
    };
    tell();
    return this.chat.transcript.subscribe(tell);
  }

  /** The conversation so far. */
  async messages(): Promise<MidturnUIMessage[]> {
    await this.chat.ready();
    const state = this.chat.transcript.getSnapshot();
    const messages = toUIMessages(state);
    const last = askedCalls(state).pop();
    if (last) this.#left = { turnId: last.turnId, seen: last.requestId };
    this.shows(messages);
    return messages;
  }

  /** The page has these. */
  shows(messages: readonly Pick<UIMessage, 'id' | 'role'>[]): void {
    for (const { id, role } of messages) if (role !== 'assistant') this.#shown.add(id);
  }

  /** From now on, nothing is told of what runs, until `release`. */
  hold(): void {
    this.#streams.hold();
  }

  release(): void {
    this.#streams.release();
  }

  /** What is held is not told any more: the page shows this fork. */
  handOver(fork: Conversation): void {
    this.#streams.handOver(fork.#streams);
  }

  /** Nobody shows the session any more. What was sent to it still arrives, and what runs there goes on. */
  leave(): void {
    this.#isLeft = true;
    const close = () => {
      if (this.chat.transcript.getSnapshot().pending.some(({ state }) => state.status === 'sending')) return;
      unsubscribe();
      this.chat.close();
    };
    const unsubscribe = this.chat.transcript.subscribe(close);
    close();
  }

  /** Until the turn ends or another message of this page is taken in, whose own stream goes on then. */
  async #writeAnswer(
    events: AsyncIterable<EventFrame>,
    tell: (chunk: Chunk) => void,
    /** `after`: a request that the page has seen. Nothing up to it is written again. */
    { own, after }: { own?: string; after?: string } = {},
  ): Promise<Left> {
    let isNew = after === undefined;
    const write = (chunk: Chunk) => {
      if (isNew) tell(chunk);
    };
    const writer = new AnswerWriter(write, {
      isShown: (id) => this.#shown.has(id),
      isAsked: ({ request_id }) =>
        askedCalls(this.chat.transcript.getSnapshot()).some(({ requestId }) => requestId === request_id),
    });
    let isFirst = true;
    let seen: string | undefined;
    try {
      for await (const event of events) {
        this.#turns.add(event.turn_id);
        this.#told.add(event.turn_id);
        const heir = event.type === 'applied' ? this.#heirOf(event) : undefined;
        // A resumed answer begins where its message was taken in, with whichever others.
        const isBeginning = isFirst && own === undefined;
        if (heir !== undefined && heir !== own && !isBeginning) {
          writer.leave(event.turn_id);
          return 'over';
        }
        isFirst = false;
        writer.add(event);
        if (event.type === 'tool_output_request') {
          seen = event.request_id;
          isNew ||= seen === after;
        }
        if (isNew && seen !== undefined && writer.waitsForPage) {
          this.#left = { turnId: event.turn_id, seen };
          writer.leave(event.turn_id);
          return 'waits for page';
        }
      }
    } catch (error) {
      if (error instanceof TurnFailedError) {
        writer.fail(error.turnId, error);
        return 'over';
      }
      writer.breakOff();
      // Withdrawn: nothing went wrong.
      if (error instanceof MessageCancelledError) write({ type: 'abort', reason: error.message });
      else throw error;
    }
    return 'over';
  }

  /** Of messages that are taken in together, the last one's stream goes on. */
  #heirOf({ messages }: EventOf<'applied'>): string | undefined {
    return messages.findLast(({ id }) => this.#answered.has(id))?.id;
  }

  /** Until it is taken in, which its answer tells. */
  #tellState(message: SentMessage, write: (chunk: Chunk) => void): () => void {
    let told = message.state;
    return this.chat.transcript.subscribe(() => {
      if (message.state === told) return;
      told = message.state;
      if (told.status === 'applied') return;
      const data = { ...told, messageId: message.id };
      // What a message ends in stays in its answer: the chat's error is gone with the next stream.
      const transient = told.status === 'accepted' || told.status === 'queued';
      write({ type: 'data-message-state', id: message.id, data, transient });
    });
  }

  /** Also when the message has not begun its turn yet: it then begins none, or is stopped as it does. */
  #stop(message: SentMessage): void {
    if (this.#isLeft) return;
    const { activeTurn } = this.chat.transcript.getSnapshot();
    if (activeTurn && this.#turns.has(activeTurn.turnId)) this.#stopTurn(activeTurn.turnId);
    this.chat.cancel(message.id);
    message.settled.then(
      (state) => {
        if (state.status === 'applied') this.#stopTurn(state.turnId);
        // `useChat` does not look at a stream that it has stopped.
        else this.#keepWithdrawn(message.id, state);
      },
      // The chat was closed first: nothing is left to stop here.
      () => {},
    );
  }

  /** What waits now is withdrawn with the turn: "stop" would otherwise begin the next answer. What comes later is kept. */
  #stopTurn(turnId: string): void {
    if (this.#isLeft) return;
    const { activeTurn } = this.chat.transcript.getSnapshot();
    if (activeTurn?.turnId === turnId) this.#stopped = turnId;
    if (activeTurn?.turnId === turnId && !activeTurn.stopping) this.chat.abort({ pending: 'discard' });
  }
}

/** The last message of this turn that the page shows by itself. */
function lastShown({ items }: ChatState, turnId: string, shown: ReadonlySet<string>): string | undefined {
  const item = items.findLast(
    (one) =>
      one.kind === 'user' &&
      one.state.status === 'applied' &&
      one.state.turnId === turnId &&
      shown.has(one.id),
  );
  return item?.kind === 'user' ? item.id : undefined;
}

/** Never, without a signal. */
function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** From where this message was taken in. */
async function* since(events: AsyncIterable<EventFrame>, messageId: string): AsyncGenerator<EventFrame> {
  let isThere = false;
  for await (const event of events) {
    isThere ||= event.type === 'applied' && event.messages.some(({ id }) => id === messageId);
    if (isThere) yield event;
  }
}
