import type { MessageFrame } from './protocol.ts';
import type { Draft } from './reduce.ts';
import type { OutboxStorage } from './storage.ts';
import { doubling, REPEAT_AFTER, REPEAT_AT_MOST } from './timing.ts';

/** A message that is not known to be applied or refused. */
interface Parcel extends Draft {
  /** Set when it is first sent: its `order` on the lane. A repeat keeps it. Only this lane knows the message. */
  sent?: { lane: string; order: number };
  attempts: number;
  /** When it is due to be sent (milliseconds since the epoch); undefined: it is acknowledged. */
  dueAt: number | undefined;
}

/** The stored form. The lane is stored with its messages, because one cannot be used without the other. */
interface Stored {
  lane: string | undefined;
  orders: number;
  parcels: (Draft & Pick<Parcel, 'sent'>)[];
}

/** The messages that are not known to be applied or refused, in the order of `send`, and the lane that they are sent over. */
export class Outbox {
  readonly #storage: OutboxStorage;
  readonly #key: string;
  readonly #failed: (cause: unknown) => void;
  readonly #parcels = new Map<string, Parcel>();
  #lane: string | undefined;
  #orders = 0;
  /** Before this time the server refuses messages (`RATE_LIMITED`). */
  #heldUntil = 0;
  /** Whether `load` is done. Nothing is stored before, because that would replace what is still to be read. */
  #loaded = false;
  #saved = '';
  #writing: Promise<void> | undefined;

  constructor(storage: OutboxStorage, key: string, failed: (cause: unknown) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#failed = failed;
  }

  get lane(): string | undefined {
    return this.#lane;
  }

  /** Reads the messages that an earlier page stored. They come before messages that were written meanwhile. */
  async load(): Promise<Draft[]> {
    const stored = await this.#read();
    const meanwhile = [...this.#parcels.values()];
    this.#parcels.clear();
    this.#lane = stored?.lane;
    this.#orders = stored?.orders ?? 0;
    const earlier = stored?.parcels ?? [];
    // They are sent again, also if they were acknowledged: the answer says what became of them.
    for (const parcel of earlier) this.#parcels.set(parcel.id, { ...parcel, attempts: 0, dueAt: 0 });
    for (const parcel of meanwhile) this.#parcels.set(parcel.id, parcel);
    this.#loaded = true;
    this.#save();
    return earlier.map(({ sent: _, ...draft }) => draft);
  }

  async #read(): Promise<Stored | undefined> {
    try {
      const text = await this.#storage.getItem(this.#key);
      return text ? JSON.parse(text) : undefined;
    } catch (cause) {
      this.#failed(cause);
      return undefined;
    }
  }

  add(draft: Draft): void {
    this.#parcels.set(draft.id, { ...draft, attempts: 0, dueAt: 0 });
    this.#save();
  }

  wasSent(id: string): boolean {
    return this.#parcels.get(id)?.sent !== undefined;
  }

  /** For a new connection: every unanswered message is due. Removes and returns the ids that only a lost lane knew. */
  adoptLane(lane: string): Set<string> {
    const lost = new Set<string>();
    if (lane !== this.#lane) {
      this.#lane = lane;
      this.#orders = 0;
      for (const { id, sent } of this.#parcels.values()) if (sent && sent.lane !== lane) lost.add(id);
      for (const id of lost) this.#parcels.delete(id);
    }
    for (const parcel of this.#parcels.values()) {
      parcel.attempts = 0;
      if (parcel.dueAt !== undefined) parcel.dueAt = 0;
    }
    this.#save();
    return lost;
  }

  /** The frames to send now. Each is due again later, until `answered` or `keep` says that it is not needed any more. */
  takeDue(now: number): MessageFrame[] {
    const lane = this.#lane;
    if (lane === undefined || now < this.#heldUntil) return [];
    const frames: MessageFrame[] = [];
    for (const parcel of this.#parcels.values()) {
      if (parcel.dueAt === undefined || parcel.dueAt > now) continue;
      parcel.sent ??= { lane, order: ++this.#orders };
      parcel.dueAt = now + doubling(REPEAT_AFTER, parcel.attempts++, REPEAT_AT_MOST);
      const { id, content, delivery, options, sent } = parcel;
      frames.push({
        type: 'message',
        id,
        content,
        order: sent.order,
        // JSON leaves out what is undefined.
        delivery: delivery === 'steer' ? undefined : delivery,
        options,
      });
    }
    // Stored before they are sent: after a reload, a message without its order would be sent again with another one.
    if (frames.length > 0) this.#save();
    return frames;
  }

  get nextDue(): number | undefined {
    let next: number | undefined;
    for (const { dueAt } of this.#parcels.values()) {
      if (dueAt !== undefined && (next === undefined || dueAt < next)) next = dueAt;
    }
    return next === undefined ? undefined : Math.max(next, this.#heldUntil);
  }

  answered(id: string): void {
    const parcel = this.#parcels.get(id);
    if (parcel) parcel.dueAt = undefined;
  }

  /**
   * Sends nothing before this time, and then every unanswered message, in order: a message that was written later must not
   * overtake one that the server refused.
   */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
    for (const parcel of this.#parcels.values()) {
      if (parcel.dueAt !== undefined) parcel.dueAt = this.#heldUntil;
    }
  }

  /** Removes every message that is not in this set: it is in the transcript, or refused. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#parcels.keys()) if (!ids.has(id)) this.#parcels.delete(id);
    this.#save();
  }

  #save(): void {
    if (!this.#loaded) return;
    const parcels = [...this.#parcels.values()].map(({ attempts: _, dueAt: __, ...stored }) => stored);
    const stored: Stored = { lane: this.#lane, orders: this.#orders, parcels };
    const text = JSON.stringify(stored);
    if (text === this.#saved) return;
    this.#saved = text;
    this.#write();
  }

  /** Writes one state at a time, always the newest: asynchronous storage does not guarantee the order of writes. */
  #write(): void {
    if (this.#writing) return;
    const text = this.#saved;
    try {
      const writing = this.#storage.setItem(this.#key, text);
      if (!(writing instanceof Promise)) return;
      this.#writing = writing.catch(this.#failed).then(() => {
        this.#writing = undefined;
        if (text !== this.#saved) this.#write();
      });
    } catch (cause) {
      this.#failed(cause);
    }
  }
}
