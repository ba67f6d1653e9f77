import type { MessageFrame } from './protocol.ts';
import type { Draft } from './reduce.ts';
import type { OutboxStorage } from './storage.ts';
import { doubling, REPEAT_AFTER, REPEAT_AT_MOST } from './timing.ts';

/** A message that is not in the transcript yet. */
interface Parcel extends Draft {
  /** Once it was sent: only this lane knows its id, and this is its place among the lane's messages. */
  sent?: { lane: string; order: number };
  attempts: number;
  /** When it is sent again; undefined: acknowledged. */
  dueAt: number | undefined;
}

/** As stored. The lane is stored with the messages: apart, neither is of use. */
interface Stored {
  lane?: string;
  orders: number;
  parcels: (Draft & Pick<Parcel, 'sent'>)[];
}

/** What was written and is not yet known to be taken in, in the order written, with the lane that it goes over. */
export class Outbox {
  readonly #storage: OutboxStorage;
  readonly #key: string;
  readonly #failed: (cause: unknown) => void;
  readonly #parcels = new Map<string, Parcel>();
  #lane: string | undefined;
  #orders = 0;
  /** Before this time the server takes no messages. */
  #heldUntil = 0;
  /** Until then nothing is written: it would replace what is still to be read. */
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

  /** Reads what an earlier life left. Those messages come before any written meanwhile. */
  async load(): Promise<Draft[]> {
    const stored = await this.#read();
    const meanwhile = [...this.#parcels.values()];
    this.#parcels.clear();
    this.#lane = stored?.lane;
    this.#orders = stored?.orders ?? 0;
    const earlier = stored?.parcels ?? [];
    // As if never acknowledged: sent again, they are answered with what has become of them.
    for (const parcel of earlier) this.#parcels.set(parcel.id, { ...parcel, attempts: 0, dueAt: 0 });
    for (const parcel of meanwhile) this.#parcels.set(parcel.id, parcel);
    this.#loaded = true;
    this.#save();
    return earlier.map(({ id, content, delivery }) => ({ id, content, delivery }));
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

  /** On a new connection: all that is unanswered is due. Gives the ids that only a lost lane knew, and drops them. */
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

  /** The frames to send now. Each is due again later, until `answered` or `settled`. */
  takeDue(now: number): MessageFrame[] {
    const lane = this.#lane;
    if (lane === undefined || now < this.#heldUntil) return [];
    const frames: MessageFrame[] = [];
    for (const parcel of this.#parcels.values()) {
      if (parcel.dueAt === undefined || parcel.dueAt > now) continue;
      parcel.sent ??= { lane, order: ++this.#orders };
      parcel.dueAt = now + doubling(REPEAT_AFTER, parcel.attempts++, REPEAT_AT_MOST);
      const { id, content, delivery, sent } = parcel;
      frames.push({
        type: 'message',
        id,
        content,
        order: sent.order,
        ...(delivery === 'steer' ? {} : { delivery }),
      });
    }
    // Before they are sent: a message whose order is forgotten could be sent again under another one.
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
   * Nothing is sent before this time, and then all that is unanswered, in its order: what was written later would
   * overtake what the server refused, if it came in between.
   */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
    for (const parcel of this.#parcels.values()) {
      if (parcel.dueAt !== undefined) parcel.dueAt = this.#heldUntil;
    }
  }

  /** Forgets every message that is not in this list any more: it is in the transcript, or refused. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#parcels.keys()) if (!ids.has(id)) this.#parcels.delete(id);
    this.#save();
  }

  #save(): void {
    if (!this.#loaded) return;
    const parcels = [...this.#parcels.values()].map(({ id, content, delivery, sent }) => ({
      id,
      content,
      delivery,
      ...(sent ? { sent } : {}),
    }));
    const stored: Stored = { ...(this.#lane ? { lane: this.#lane } : {}), orders: this.#orders, parcels };
    const text = JSON.stringify(stored);
    if (text === this.#saved) return;
    this.#saved = text;
    this.#write();
  }

  /** One write at a time, and always the newest: asynchronous stores promise no order. */
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
