import { expect } from 'vitest';
import type { Chat, SentMessage } from '../chat.ts';
import type { EventFrame } from '../protocol.ts';
import type { Item, MessageState } from '../state.ts';
import type { FakeServer } from './server.ts';
import { linesOfItems, linesOfStory } from './story.ts';

type Status = MessageState['status'];

/**
 * What may follow what. Nothing follows a taking-in; a refusal may still turn out to be none, when a repeat of the message
 * was on its way: then the transcript holds it.
 */
const MAY_FOLLOW: Record<Status, readonly Status[]> = {
  sending: ['accepted', 'queued', 'applied', 'cancelled', 'rejected'],
  accepted: ['accepted', 'queued', 'applied', 'cancelled', 'rejected'],
  queued: ['accepted', 'queued', 'applied', 'cancelled', 'rejected'],
  applied: ['applied'],
  cancelled: [],
  rejected: ['applied'],
};

/** Looks at a chat from the outside, at every change, and at the end. */
export class Judge {
  readonly #chat: Chat;
  readonly #states = new Map<string, MessageState>();
  readonly #texts = new Map<string, string>();
  readonly #events: EventFrame[] = [];
  readonly #answers = new Map<SentMessage, EventFrame[]>();
  /** Those that were refused: their readers were told so, whatever became of a repeat. */
  readonly #refused = new Set<SentMessage>();
  readonly #complaints: string[] = [];
  #items: readonly Item[] = [];

  constructor(chat: Chat) {
    this.#chat = chat;
    chat.transcript.subscribe(() => this.#look());
    collect(chat.events(), this.#events);
  }

  /** From now on its states and its answer are looked at too. */
  follow(message: SentMessage): void {
    const answer: EventFrame[] = [];
    this.#answers.set(message, answer);
    collect(message.events(), answer);
    message.settled.then(
      ({ status }) => status !== 'applied' && this.#refused.add(message),
      // The chat was closed first.
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
      this.#complaints.push(`message ${id} was taken in at step ${before.step}, then at ${state.step}`);
    }
  }

  /** When nothing is under way any more. */
  expectRight({ story, fates, refused }: FakeServer): void {
    expect(this.#complaints).toEqual([]);
    const state = this.#chat.transcript.getSnapshot();
    expect(linesOfItems(state.items)).toEqual(linesOfStory(story));
    expect(state.activeTurn).toBeUndefined();
    expect(state.pending).toEqual([]);
    // Each event once and in order. Those before the first were told by history.
    const first = this.#events[0]?.seq ?? 1;
    expect(this.#events).toEqual(story.events.slice(first - 1));
    for (const [message, answer] of this.#answers) {
      // What never arrived was withdrawn before it was sent.
      let fate = fates.get(message.id) ?? 'cancelled';
      // A repeat of what was refused was accepted and withdrawn, and one answer of the two arrived: it is nowhere by either.
      if (fate === 'cancelled' && refused.has(message.id) && message.state.status === 'rejected')
        fate = 'rejected';
      expect([message.id, message.state.status]).toEqual([message.id, fate]);
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
    // A turn that fails ends its reader's loop with an error instead.
    expect(answer).toEqual(rest.filter((event) => event.type !== 'error'));
  }
}

/** The errors that end it are looked at as states. */
function collect(events: AsyncIterable<EventFrame>, into: EventFrame[]): void {
  (async () => {
    for await (const event of events) into.push(event);
  })().catch(() => {});
}
