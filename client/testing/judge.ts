import { expect } from 'vitest';
import type { Chat, SentMessage } from '../chat.ts';
import type { EventFrame } from '../protocol.ts';
import type { Item, MessageState } from '../state.ts';
import type { FakeServer } from './server.ts';
import { linesOfItems, linesOfStory } from './story.ts';

type Status = MessageState['status'];

/**
 * The states that may follow each state. `applied` is final. `rejected` can become `applied` when a repeat of the message
 * was in transit: then the transcript has it.
 */
const MAY_FOLLOW: Record<Status, readonly Status[]> = {
  sending: ['accepted', 'queued', 'applied', 'cancelled', 'rejected'],
  accepted: ['accepted', 'queued', 'applied', 'cancelled', 'rejected'],
  queued: ['accepted', 'queued', 'applied', 'cancelled', 'rejected'],
  applied: ['applied'],
  cancelled: [],
  rejected: ['applied'],
};

/** Checks a chat from the outside, at every change and at the end. */
export class Judge {
  readonly #chat: Chat;
  readonly #states = new Map<string, MessageState>();
  readonly #texts = new Map<string, string>();
  readonly #events: EventFrame[] = [];
  readonly #answers = new Map<SentMessage, EventFrame[]>();
  /** Messages that were refused: their readers got an error, whatever happened to a repeat. */
  readonly #refused = new Set<SentMessage>();
  readonly #complaints: string[] = [];
  #items: readonly Item[] = [];

  constructor(chat: Chat) {
    this.#chat = chat;
    chat.transcript.subscribe(() => this.#look());
    collect(chat.events(), this.#events);
  }

  /** Also checks the states and the answer of this message, from now on. */
  follow(message: SentMessage): void {
    const answer: EventFrame[] = [];
    this.#answers.set(message, answer);
    collect(message.events(), answer);
    message.settled.then(
      ({ status }) => status !== 'applied' && this.#refused.add(message),
      // The chat was closed before.
      () => {},
    );
  }

  #look(): void {
    const { items } = this.#chat.transcript.getSnapshot();
    if (items === this.#items) return;
    this.#items = items;
    const keys = new Set<string>();
    const ids = new Set<string>();
    for (const item of items) {
      if (keys.has(item.key)) this.#complaints.push(`two items have the key ${item.key}`);
      keys.add(item.key);
      if (item.kind === 'user') {
        if (ids.has(item.id)) this.#complaints.push(`message ${item.id} is shown twice`);
        ids.add(item.id);
        this.#lookAtState(item.id, item.state);
      } else if (item.kind === 'text') {
        const before = this.#texts.get(item.key) ?? '';
        if (!item.content.startsWith(before)) this.#complaints.push(`text was taken back: ${before}`);
        this.#texts.set(item.key, item.content);
      }
    }
    for (const { id } of this.#answers.keys()) {
      if (!ids.has(id)) this.#complaints.push(`message ${id} is not shown`);
    }
  }

  #lookAtState(id: string, state: MessageState): void {
    const before = this.#states.get(id);
    if (before === state) return;
    this.#states.set(id, state);
    if (before && !MAY_FOLLOW[before.status].includes(state.status)) {
      this.#complaints.push(`message ${id} went from ${before.status} to ${state.status}`);
    }
    if (before?.status === 'applied' && state.status === 'applied' && before.step !== state.step) {
      this.#complaints.push(`message ${id} was applied at step ${before.step}, then at ${state.step}`);
    }
  }

  /** Checks the final state. To be called when no frame is in transit any more. */
  expectRight({ story, outcomes, refused }: FakeServer): void {
    expect(this.#complaints).toEqual([]);
    const state = this.#chat.transcript.getSnapshot();
    expect(linesOfItems(state.items)).toEqual(linesOfStory(story));
    expect(state.activeTurn).toBeUndefined();
    expect(state.pending).toEqual([]);
    // Each event once and in order. Events before the first one are covered by history.
    const first = this.#events[0]?.seq ?? 1;
    expect(this.#events).toEqual(story.events.slice(first - 1));
    for (const [message, answer] of this.#answers) {
      // A message that the server does not know was withdrawn before it was sent.
      let outcome = outcomes.get(message.id) ?? 'cancelled';
      // A repeat of a refused message was accepted and withdrawn, and one of the two answers arrived. Both mean: not stored.
      if (outcome === 'cancelled' && refused.has(message.id) && message.state.status === 'rejected')
        outcome = 'rejected';
      expect([message.id, message.state.status]).toEqual([message.id, outcome]);
      const shown = state.items.find((item) => item.kind === 'user' && item.id === message.id);
      expect(shown).toMatchObject({ state: message.state });
      if (!this.#refused.has(message)) this.#expectAnswer(message, answer, story.events);
      else expect(answer).toEqual([]);
    }
  }

  #expectAnswer({ id, state }: SentMessage, answer: EventFrame[], events: readonly EventFrame[]): void {
    const from = events.findIndex(
      (event) => event.type === 'applied' && event.messages.some((message) => message.id === id),
    );
    const applied = events[from];
    expect(state).toEqual({
      status: 'applied',
      turnId: applied?.turn_id,
      step: applied?.type === 'applied' ? applied.step : undefined,
    });
    const rest = events.slice(from).filter((event) => event.turn_id === applied?.turn_id);
    // When a turn fails, the reader's loop throws instead of returning the last event.
    expect(answer).toEqual(rest.filter((event) => event.type !== 'error'));
  }
}

/** Collects events. Errors that end the stream are ignored here: the states show them. */
function collect(events: AsyncIterable<EventFrame>, into: EventFrame[]): void {
  (async () => {
    for await (const event of events) into.push(event);
  })().catch(() => {});
}
