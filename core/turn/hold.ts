import { Broadcast } from '../broadcast.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { entriesOf } from '../events/entries.ts';
import type { EventDraft, TurnEvent } from '../events/events.ts';
import { decodeEvents, encodeEvents, frameOf, isEnd, mergeEvents, seqOf, textOf } from '../events/events.ts';
import { byTurn, readEvents, spillEvents, storedFrame, writeEntries } from '../events/journal.ts';
import { isDeleted } from '../session/sessions.ts';
import { itemBytes, valueBytes, WRITE_UNIT_BYTES } from '../store/item-size.ts';
import type { Lane, Session, TurnUsage } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import { claim, commit } from '../store/lane/commit.ts';
import { toStored } from '../store/stored-names.ts';
import type { Change, Condition } from '../store/update.ts';
import { set } from '../store/update.ts';

/** Another worker has the lane, or the lane is gone. Whoever gets this stops, says nothing more, and reports failure. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/** What a turn's end and a short message that opens the next turn add to a lane, less what the end removes. */
const END_BYTES = 200;

const NO_USAGE: TurnUsage = {
  steps: 0,
  inputTokens: 0,
  outputTokens: 0,
  lastInputTokens: 0,
  answered: false,
};

export interface Guard {
  when?: Condition<Lane>[];
  change?: Change<Lane>[];
  /** This commit ends the turn. */
  ends?: boolean;
}

/**
 * A worker's hold on a lane, from the claim to the end of its slot: what it knows of the turn, and the only way in which
 * it writes. Every commit demands the hold (P8) and is posted only after it succeeded (P4).
 */
export class Hold {
  readonly core: Core;
  readonly session: string;
  readonly laneId: string;
  readonly slot: string;
  /** As activated: nobody else moves its counters while this slot is the active one. */
  readonly sessionItem: Session;
  /** The lane as last seen. */
  lane: Lane;
  /** Tools whose calls a person has approved for all of the session. */
  readonly trusted: Set<string>;
  /** The committed events of the turn in flight. */
  events: TurnEvent[] = [];
  readonly #me: string;
  readonly #broadcast: Broadcast;
  /** The last number given, and the one that the lane has: they differ until the first commit after another lane's turn. */
  #seq: number;
  #stored: number;
  /** Events up to here are in EVENTS, so that the next commit may drop them from the tail. */
  #spilled: number;
  #commits = 0;
  /** Settles when the posts of the last commit, and the entries written beside it, are done. */
  #underWay: Promise<unknown> = Promise.resolve();
  #entriesWritten = 0;
  #text = '';
  #usage = NO_USAGE;
  /** Whether the lane has the meter as it is here. */
  #measured = true;

  private constructor(core: Core, laneId: string, slot: string, me: string, session: Session, lane: Lane) {
    this.core = core;
    this.session = lane.session;
    this.laneId = laneId;
    this.slot = slot;
    this.sessionItem = session;
    this.trusted = new Set(session.trusted);
    this.lane = lane;
    this.#me = me;
    this.#stored = lane.seq;
    this.#seq = Math.max(lane.seq, session.seq);
    this.#spilled = session.seq;
    this.#broadcast = new Broadcast(core, lane.session, laneId);
    this.#broadcast.join(session.audience);
    this.#broadcast.join(lane.audience);
  }

  /** Claims the lane, as it was seen, for a slot that was just activated. Undefined: the lane has moved on. */
  static async take(
    core: Core,
    where: {
      session: string;
      laneId: string;
      slot: string;
      seq: number;
      sessionItem: Session;
      posted: number;
    },
  ): Promise<Hold | undefined> {
    const { session, laneId, slot, seq, sessionItem, posted } = where;
    // New with each claim, never learnt by reading: also the marks of its commits are its own then.
    const me = core.newId();
    const claimed = await core.store.update(
      laneKey(session, laneId),
      claim(slot, me, seq, expiry(core).lane),
    );
    if (!claimed.ok) return undefined;
    const hold = new Hold(core, laneId, slot, me, sessionItem, claimed.item);
    if (!(await hold.#recover(posted))) return undefined;
    if (hold.#isTakeOver) core.metrics.count('TakeOvers');
    return hold;
  }

  /** A turn that was handed over stands where its worker said that it left it; any other that was claimed before did not. */
  get #isTakeOver(): boolean {
    return this.begun ? this.lane.posted !== this.lane.seq : this.lane.attempts > 1;
  }

  get turn(): string {
    return this.lane.turn ?? '';
  }
  get begun(): boolean {
    return this.events.length > 0;
  }
  /**
   * A turn that was opened before the lane's last one began was opened by a request that came through late: its id may
   * be that of a turn which is over. Where clocks differ a fresh one can look so too, and loses nothing by another id.
   */
  get isRevived(): boolean {
    const { begun, since } = this.lane;
    return !this.begun && begun !== undefined && since !== undefined && since < begun.at;
  }
  get ended(): boolean {
    const last = this.events.at(-1);
    return last !== undefined && isEnd(last);
  }
  /** Number of the turn's first entry. */
  get firstEntry(): number {
    const first = this.events[0];
    return first?.type === 'turn_start' ? first.entry : Math.max(this.lane.entry, this.sessionItem.entry) + 1;
  }
  get firstSeq(): number {
    return this.events[0]?.seq ?? this.#seq + 1;
  }
  /** When the turn's first event was made. */
  get beganAt(): number {
    const first = this.events[0];
    return first?.type === 'turn_start' ? first.at : this.core.clock.now();
  }
  get nextSeq(): number {
    return this.#seq + 1;
  }
  /** Length of the turn's text so far: the offset of the next chunk. */
  get textLength(): number {
    return this.#text.length;
  }
  get usage(): TurnUsage {
    return this.#usage;
  }
  /** Becomes durable with the next commit: usage that is lost with a worker is all that it may cost. */
  set usage(usage: TurnUsage) {
    this.#usage = usage;
    this.#measured = false;
  }
  get abortRequest(): Lane['cancel'] {
    return this.lane.cancel?.turn === this.turn ? this.lane.cancel : undefined;
  }

  /**
   * What a predecessor left undone is done again: all of it is a function of committed events, and nothing of it is
   * exclusive. Entries of what it committed, posts of what may not have been posted; clients drop what they have. Up to
   * `posted` this very invocation has posted: simple clients, which drop nothing, must not see that again. False: there
   * is nothing to go on with, since the session is being deleted.
   */
  async #recover(posted: number): Promise<boolean> {
    const tail = decodeEvents(this.lane.unspilled);
    const left = tail.filter((event) => event.seq > this.sessionItem.seq);
    const { begun } = this.lane;
    if (!begun || (left.length === 0 && begun.turn !== this.turn)) return true;
    const stored = mergeEvents(await readEvents(this.core, this.session, begun.seq), tail);
    const count = stored.filter(({ seq }) => seq >= begun.seq).length;
    if (count <= this.lane.seq - begun.seq && (await isDeleted(this.core, this.session))) return false;
    const turns = byTurn(stored);
    this.events = turns.get(this.turn) ?? [];
    if (this.events[0]?.type !== 'turn_start') this.events = [];
    this.#text = textOf(this.events);
    if (this.begun && this.lane.usage) this.#usage = this.lane.usage;
    for (const turn of new Set(left.map((event) => event.turn))) {
      if (turn !== this.turn) await writeEntries(this.core, this.session, turns.get(turn) ?? []);
    }
    await this.writeEntries();
    const unposted = left.filter((event) => event.seq > Math.max(posted, this.lane.posted ?? 0));
    await this.#broadcast.send(
      await Promise.all(unposted.map((event) => storedFrame(this.core, this.session, event, stored))),
    );
    return true;
  }

  /**
   * One conditional write, then the posts. False: a condition of `guard` did not hold; the lane has been read again, so
   * decide again. Throws `Fenced` when the lane is not mine any more.
   */
  async commit(drafts: readonly EventDraft[], guard: Guard = {}): Promise<boolean> {
    await this.#underWay;
    const turn = this.turn;
    const events = drafts.map((draft, i) => ({ ...draft, seq: this.#seq + 1 + i, turn }) as TurnEvent);
    const kept = this.#unspilled();
    const to = this.#seq + events.length;
    const mark = `${this.#me}:${++this.#commits}`;
    const written = await this.core.store.update(
      laneKey(this.session, this.laneId),
      commit({
        lease: this.#me,
        from: this.#stored,
        to,
        unspilled: encodeEvents([...kept, ...events]),
        commitId: mark,
        progress: events.length > 0 || guard.ends === true,
        when: guard.when ?? [],
        change: [
          ...(guard.change ?? []),
          ...(this.#measured || guard.ends ? [] : [set<Lane>('usage', this.#usage)]),
        ],
      }),
    );
    if (written.ok) this.lane = written.item;
    else {
      const now = await this.core.store.get(laneKey(this.session, this.laneId));
      if (!now) throw new Fenced(`lane ${this.laneId} is gone`);
      if (now.commitId !== mark) {
        if (now.lease !== this.#me || now.seq !== this.#stored)
          throw new Fenced(`lane ${this.laneId} is held by another`);
        this.lane = now;
        return false;
      }
      // It took effect, only its answer was lost.
      this.lane = now;
    }
    this.#stored = to;
    this.#seq = to;
    this.#measured = true;
    this.events.push(...events);
    for (const event of events) if (event.type === 'chunk') this.#text += event.content;
    this.#under(this.#post(events));
    this.#under(this.#spillEarly(events));
    return true;
  }

  /**
   * Work on what is committed goes on while the model does: posts, and entries of the transcript. The next commit waits
   * for it, so that no more than one commit's posts are ever under way.
   */
  #under(work: Promise<unknown>): void {
    const all = Promise.all([this.#underWay, work]);
    // Whoever waits for it hears of a failure; until then nobody has to.
    all.catch(() => {});
    this.#underWay = all;
  }

  /** Goes on under another turn id, with no events yet. Part of a commit that sets the lane's `turn`. */
  forgetTurn(): void {
    this.events = [];
    this.#text = '';
    this.#entriesWritten = 0;
    this.#usage = NO_USAGE;
    this.#measured = true;
  }

  /** Sees what others wrote on the lane (inbox, abort, audience) while there is nothing to commit. */
  async refresh(): Promise<void> {
    const now = await this.core.store.get(laneKey(this.session, this.laneId));
    if (!now || now.lease !== this.#me) throw new Fenced(`lane ${this.laneId} is held by another`);
    this.lane = now;
    this.#broadcast.join(now.audience);
  }

  /** Brings the transcript up to the committed events. */
  async writeEntries(): Promise<void> {
    await this.#underWay;
    this.#entriesWritten = await writeEntries(this.core, this.session, this.events, this.#entriesWritten);
  }

  /** The same, while the turn goes on: the model is not kept waiting for the transcript. */
  writeEntriesMeanwhile(): void {
    this.#under(this.writeEntries());
  }

  /** Number of the last entry that the turn has once it ends with this event. */
  lastEntryWith(end: EventDraft): number {
    const events = [...this.events, { ...end, seq: this.nextSeq, turn: this.turn } as TurnEvent];
    return this.firstEntry + entriesOf(events).length - 1;
  }

  /** Everything in the tail is in EVENTS from here on. */
  async spill(): Promise<void> {
    const events = this.#unspilled();
    const last = events.at(-1);
    if (last === undefined) return;
    await spillEvents(this.core, this.session, events);
    this.#spilled = last.seq;
  }

  #unspilled(): TurnEvent[] {
    return decodeEvents(this.lane.unspilled).filter(({ seq }) => seq > this.#spilled);
  }

  /** Leaves the turn to a fresh invocation, which goes on where this one stops and posts nothing again. */
  async handOver(): Promise<void> {
    await this.settled();
    await this.commit([], { change: [set('posted', this.#seq)] });
    this.core.metrics.count('HandOvers');
  }

  /** The same, where the turn waits for a person: that it is taken up again and again does not count against it. */
  async suspend(): Promise<void> {
    await this.settled();
    await this.commit([], { change: [set('posted', this.#seq), set('attempts', 0)] });
    this.core.metrics.count('SetDowns');
  }

  /** Before a worker ends: nothing of it may be under way any more. */
  async settled(): Promise<void> {
    await this.#underWay;
    await this.#broadcast.settled();
  }

  async #post(events: readonly TurnEvent[]): Promise<void> {
    this.#broadcast.join(this.lane.audience);
    await this.#broadcast.send(events.map((event) => frameOf(event, () => this.#text)));
  }

  /**
   * A spill is a write of one unit, and a lane that outgrows a unit costs one more with every write: so events are spilled
   * when the next one would. That adds as much as this one did; after the last words of an answer it is the turn's end, whose
   * lane the next turn's first writes are billed for.
   */
  async #spillEarly(added: readonly TurnEvent[]): Promise<void> {
    const tail = this.lane.unspilled.filter((text) => seqOf(text) > this.#spilled);
    const others = itemBytes({
      ...laneKey(this.session, this.laneId),
      ...toStored({ ...this.lane, unspilled: [] }),
    });
    const room = WRITE_UNIT_BYTES - (others % WRITE_UNIT_BYTES);
    const next = this.#usage.answered ? END_BYTES : valueBytes(tail.slice(-added.length));
    if (valueBytes(tail) + next > room) await this.spill();
  }
}
