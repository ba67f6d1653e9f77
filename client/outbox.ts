import type { MessageFrame } from './protocol.ts';
import type { Draft } from './reduce.ts';
import type { OutboxStorage } from './storage.ts';

/** A message that is not known to be applied or refused. */
interface Parcel extends Draft {
  /** Set when it is first sent: its `order` on the lane. A repeat keeps it. Only this lane knows the message. */
  sent?: { lane: string; order: number };
}

/** The stored form. The lane is stored with its messages, because one cannot be used without the other. */
interface Stored {
  lane: string | undefined;
  orders: number;
  parcels: Parcel[];
}

/** The messages that are not known to be applied or refused, in the order of `send`, and the lane that they are sent over. */
export class Outbox {
  readonly #storage: OutboxStorage;
  readonly #key: string;
  readonly #failed: (cause: unknown) => void;
  readonly #parcels = new Map<string, Parcel>();
  /** Messages that are acknowledged. */
  readonly #answered = new Set<string>();
  #lane: string | undefined;
  #orders = 0;
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
    const earlier = stored?.parcels ?? [];
    this.#parcels.clear();
    this.#lane = stored?.lane;
    this.#orders = stored?.orders ?? 0;
    // Those of before are sent again, also if they were acknowledged: the answer says what became of them.
    for (const parcel of [...earlier, ...meanwhile]) this.#parcels.set(parcel.id, parcel);
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
    this.#parcels.set(draft.id, { ...draft });
    this.#save();
  }

  wasSent(id: string): boolean {
    return this.#parcels.get(id)?.sent !== undefined;
  }

  /** For a new connection. Removes and returns the ids that only a lost lane knew. */
  adoptLane(lane: string): Set<string> {
    const lost = new Set<string>();
    if (lane !== this.#lane) {
      this.#lane = lane;
      this.#orders = 0;
      for (const { id, sent } of this.#parcels.values()) if (sent && sent.lane !== lane) lost.add(id);
      for (const id of lost) this.#parcels.delete(id);
    }
    this.#save();
    return lost;
  }

  /**
   * The messages that are not acknowledged, in their order. They are sent again until `answered` or `keep` says that this is not
   * needed any more.
   *
   * @returns each message's id, and its frame, to be made when it is sent
   */
  get open(): [string, () => MessageFrame][] {
    const lane = this.#lane;
    if (lane === undefined) return [];
    return [...this.#parcels.values()].flatMap((parcel) =>
      this.#answered.has(parcel.id) ? [] : [[parcel.id, () => this.#frameOf(parcel, lane)]],
    );
  }

  #frameOf(parcel: Parcel, lane: string): MessageFrame {
    parcel.sent ??= { lane, order: ++this.#orders };
    // Stored before it is sent: after a reload, a message without its order would be sent again with another one.
    this.#save();
    const { id, content, delivery, options, sent } = parcel;
    return {
      type: 'message',
      id,
      content,
      order: sent.order,
      // JSON leaves out what is undefined.
      delivery: delivery === 'steer' ? undefined : delivery,
      options,
    };
  }

  answered(id: string): void {
    this.#answered.add(id);
  }

  /** Removes every message that is not in this set: it is in the transcript, or refused. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#parcels.keys()) {
      if (ids.has(id)) continue;
      this.#parcels.delete(id);
      this.#answered.delete(id);
    }
    this.#save();
  }

  #save(): void {
    if (!this.#loaded) return;
    const stored: Stored = { lane: this.#lane, orders: this.#orders, parcels: [...this.#parcels.values()] };
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
