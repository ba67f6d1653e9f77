import { between, type EpochMs } from '../../config/units.ts';
import { wellFormed } from '../../protocol/text.ts';
import { Broadcast } from '../broadcast.ts';
import type { Core } from '../core.ts';
import type { EventDraft, TurnEvent } from '../events/events.ts';
import { decodeEvents, encodeEvents, frameOf, numbered, seqOf } from '../events/events.ts';
import { spillEvents, storedText, writeEntries } from '../events/journal.ts';
import type { LaneId, SessionKey, SlotId, TurnId } from '../ids.ts';
import type { CallSetup, PromptShape } from '../model.ts';
import { tellBus } from '../session/bus.ts';
import { removeContents } from '../session/pending-content.ts';
import { tellTrusts } from '../session/trusts.ts';
import { askForFollowUps } from '../session/turn-ended.ts';
import type { Lane, PendingMessage, Session } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import type { Then, When } from '../store/lane/lane-update.ts';
import { add, set } from '../store/update.ts';
import type { TurnUsage } from '../store/usage-items.ts';
import { batchesBySize } from './batches.ts';
import { Lease } from './lease.ts';
import { setupOf } from './opening.ts';
import { NO_TURN, recover } from './recover.ts';
import { shouldSpill } from './spill-policy.ts';
import { TurnLog } from './turn-log.ts';

const NO_USAGE: TurnUsage = {
  steps: 0,
  inputTokens: 0,
  outputTokens: 0,
  lastInputTokens: 0,
  answered: false,
};

/** Claims of a turn without a commit that makes progress in between, before the turn is given up. */
const MAX_ATTEMPTS = 3;
/**
 * Claims of a turn whose workers died or failed, before the turn is given up although it makes progress: a turn that fails
 * after each commit would call its model for ever.
 */
const MAX_CLAIMS = 20;
/**
 * Claims beyond these, in which giving it up failed too, before the turn is abandoned: more than workers that just die in a
 * row. They call no model.
 */
const MAX_LAST_TRIES = 20;

/** What a commit demands and changes beside the events that it appends. */
export interface Guard {
  when?: When[];
  change?: Then[];
  /** This commit ends the turn. */
  ends?: boolean;
  /** Further commits belong to this one: what the model has used is stored with the last of them. */
  hasMore?: boolean;
  /** Earlier events leave the lane with this commit, whether they are spilled or not. */
  dropsUnspilled?: boolean;
}

/**
 * Of the events of one commit, as JSON. The lane holds them beside all else that it holds until they are spilled, and those of
 * the commit before, if its worker died.
 */
export const MAX_COMMIT_BYTES = 50_000;

/** Which lane is claimed, and what the worker knows of it. */
export interface TurnClaim {
  session: SessionKey;
  laneId: LaneId;
  slot: SlotId;
  /** `seq` of the lane as it was read. */
  seq: number;
  /** The session as activated: nobody else moves its counters while this slot is the active one. */
  sessionItem: Session;
  /** Events of the session up to here were posted by this invocation. */
  posted: number;
}

/**
 * The turn in flight on a lane that this worker has leased: its log, and all that happens to it. A commit appends events
 * under the lease (P8). Posts, spills and transcript entries follow the commit (P4).
 */
export class LeasedTurn {
  readonly core: Core;
  sessionItem: Session;
  /** The first entry that prompts of the session have. Undefined: all of the transcript is within the budget. */
  promptFrom: number | undefined;
  /** The shapes in which providers take the session's prompts. */
  promptShapes: readonly PromptShape[];
  /** Too many workers failed with this turn: it ends in an error. Decided at the claim; a renewed turn is another one. */
  readonly isGivenUp: boolean;
  /** Not even giving it up succeeded, or one of its events is missing: it is abandoned. */
  readonly isLost: boolean;
  /** Calls that a hook of the agent has checked, as this worker knows. */
  readonly checkedCalls = new Set<string>();
  readonly #lease: Lease;
  readonly #broadcast: Broadcast;
  #log: TurnLog;
  /** Events up to here are in `EVENTS`, so that the next commit may drop them from the lane. */
  #spilled: number;
  /** Settles when the posts and entries that follow the last commit are done. */
  #following: Promise<unknown> = Promise.resolve();
  /** Settles when that is done which no commit waits for. */
  #beside: Promise<unknown> = Promise.resolve();
  #entriesWritten = 0;
  #usage = NO_USAGE;
  /** Whether the lane has `usage` as it is here. */
  #isUsageStored = true;
  #isRenewed = false;

  private constructor(core: Core, lease: Lease, sessionItem: Session, broadcast: Broadcast, log: TurnLog) {
    const { lane } = lease;
    this.core = core;
    this.sessionItem = sessionItem;
    this.promptFrom = sessionItem.promptFrom;
    this.promptShapes = sessionItem.promptShapes ?? [];
    this.#lease = lease;
    this.#spilled = sessionItem.seq;
    this.#broadcast = broadcast;
    this.#log = log;
    if (log.hasBegun && lane.usage) this.#usage = lane.usage;
    const { attempts, claims = 0 } = lane;
    // One that has not begun calls no model, and may be tried longer before its messages are rejected.
    this.isGivenUp = !log.hasEnded && ((log.hasBegun && attempts > MAX_ATTEMPTS) || claims > MAX_CLAIMS);
    const isGone = lane.begun?.turn === lane.turn && !log.hasBegun;
    const isTriedOut = attempts > MAX_ATTEMPTS + MAX_LAST_TRIES || claims > MAX_CLAIMS + MAX_LAST_TRIES;
    this.isLost = isGone || (log.hasBegun && !log.hasEnded && isTriedOut);
  }

  /**
   * Claims the lane for a slot that was just activated, and completes what an earlier worker left undone.
   *
   * @returns undefined if the lane has moved on, or its session is being deleted
   */
  static async claim(core: Core, where: TurnClaim): Promise<LeasedTurn | undefined> {
    const lease = await Lease.claim(core, where);
    if (!lease) return undefined;
    const broadcast = new Broadcast(core, where.session, where.laneId);
    // rule: turn-posts-to-session-audience
    broadcast.join(where.sessionItem.audience);
    broadcast.join(lease.lane.audience);
    const recovered = await recover(core, lease.lane, where.sessionItem);
    if (!recovered) return undefined;
    const { log, left, stored, others } = recovered;
    const turn = new LeasedTurn(core, lease, where.sessionItem, broadcast, log);
    for (const events of others) await writeEntries(core, where.session, events);
    // rule: take-over-completes-entries
    await turn.writeEntries();
    const unposted = left.filter((event) => event.seq > Math.max(where.posted, lease.lane.posted ?? 0));
    // rule: take-over-tells-bus
    await tellBus(core, where.sessionItem, unposted);
    // rule: take-over-asks-for-follow-ups
    await askForFollowUps(core, where.session, where.laneId, unposted);
    await broadcast.send(
      await Promise.all(unposted.map((event) => storedText(core, where.session, event, stored))),
    );
    if (turn.#isTakeOver) core.metrics.count('TakeOvers');
    core.milestones.reached('turn claimed', turn.session, {
      lane: turn.laneId,
      slot: turn.slot,
      turn: turn.id,
      claims: turn.lane.claims,
      takeOver: turn.#isTakeOver,
      ...(turn.lane.since !== undefined && { sinceOpenedMs: between(turn.lane.since, core.clock.now()) }),
    });
    return turn;
  }

  /** A turn that was handed over stands where its worker said that it left it. Any other turn was left by a dead worker. */
  get #isTakeOver(): boolean {
    const { posted, seq, attempts } = this.lane;
    return this.hasBegun ? posted !== seq : attempts > 1;
  }

  get session(): SessionKey {
    return this.#lease.session;
  }
  get laneId(): LaneId {
    return this.#lease.laneId;
  }
  get slot(): SlotId {
    return this.#lease.slot;
  }
  /** The lane as last seen. */
  get lane(): Lane {
    return this.#lease.lane;
  }
  get id(): TurnId {
    return this.lane.turn ?? NO_TURN;
  }
  get events(): readonly TurnEvent[] {
    return this.#log.events;
  }
  get log(): TurnLog {
    return this.#log;
  }
  get hasBegun(): boolean {
    return this.#log.hasBegun;
  }
  /** Number of the last event: the session's, until the first commit after another lane's turn. */
  get seq(): number {
    return Math.max(this.lane.seq, this.sessionItem.seq);
  }
  get nextSeq(): number {
    return this.seq + 1;
  }
  get firstSeq(): number {
    return this.#log.start?.seq ?? this.#begun?.seq ?? this.nextSeq;
  }
  get #begun(): Lane['begun'] {
    return this.lane.begun?.turn === this.id ? this.lane.begun : undefined;
  }
  get firstEntry(): number {
    return this.#log.start?.entry ?? Math.max(this.lane.entry, this.sessionItem.entry) + 1;
  }
  get beganAt(): EpochMs {
    return this.#log.start?.at ?? this.core.clock.now();
  }
  /** Who asks, and what was prepared, as it is committed. */
  get setup(): CallSetup {
    return setupOf(this.sessionItem, this.id, this.#log.context);
  }
  get textLength(): number {
    return this.#log.text.length;
  }
  get usage(): TurnUsage {
    return this.#usage;
  }
  /** Becomes durable with the next commit. If the worker dies before that, only the count of this usage is lost. */
  set usage(usage: TurnUsage) {
    this.#usage = usage;
    this.#isUsageStored = false;
  }
  /** Whether it is durable as it is here. */
  get isUsageStored(): boolean {
    return this.#isUsageStored;
  }
  get abortRequest(): Lane['cancel'] {
    return /* rule: abort-stops-its-turn */ this.lane.cancel?.turn === this.id ? this.lane.cancel : undefined;
  }

  /**
   * The turn must go on under a new id: its last event is committed already, or its id may be that of a turn which is
   * over. The latter shows by its age: it was opened before the lane's last turn began, so the request that opened it came
   * through late. Where clocks differ a fresh turn can look so too, and loses nothing by another id.
   */
  get needsNewId(): boolean {
    const { begun, since } = this.lane;
    const isOld = begun !== undefined && since !== undefined && since < begun.at;
    return (
      this.#log.hasEnded || /* rule: revived-turn-gets-new-id */ (!this.hasBegun && isOld && !this.#isRenewed)
    );
  }

  /**
   * One conditional write, then the posts.
   *
   * @returns false if a condition of `guard` did not hold. The lane has been read again: decide again.
   * @throws Fenced if the lane is not leased to this worker any more
   */
  async commit(drafts: readonly EventDraft[], guard: Guard = {}): Promise<boolean> {
    // No more than one commit's posts are ever under way.
    await this.#following;
    const first = this.nextSeq;
    const events = drafts.map((draft, i) => numbered(wellFormed(draft), first + i, this.id));
    const storesUsage = !this.#isUsageStored && !guard.ends && !guard.hasMore;
    // Another worker may still write the entries of a turn whose events are lost: no other turn may use their numbers.
    const entry = /* rule: lane-counts-entries */ guard.ends ? undefined : this.#log.lastEntryWith(events);
    // rule: commit-before-post
    const committed = await this.#lease.commit({
      to: this.seq + events.length,
      unspilled: encodeEvents(
        guard.dropsUnspilled ? events : [/* rule: unspilled-events-stay */ ...this.#unspilled(), ...events],
      ),
      progress: events.length > 0 || guard.ends === true,
      when: guard.when ?? [],
      change: [
        ...(guard.change ?? []),
        // The id of an ended turn may come again after a later turn's: its last entry is not the lane's.
        ...(entry === undefined
          ? []
          : [set<Lane>('entry', /* rule: entries-only-grow */ Math.max(entry, this.lane.entry))]),
        ...(storesUsage ? [set<Lane>('usage', this.#usage)] : []),
      ],
    });
    if (!committed) return false;
    if (!guard.hasMore) this.#isUsageStored = true;
    this.#log.append(events);
    // rule: post-after-commit
    this.#follow(this.#post(events));
    this.#follow(this.#spillIfDue(events.length));
    // rule: bus-told-before-next-commit
    this.#follow(tellBus(this.core, this.sessionItem, events));
    this.#follow(askForFollowUps(this.core, this.session, this.laneId, events));
    return true;
  }

  /**
   * Commits where only the lease is demanded, so that a refusal which is not a fence leaves nothing to decide. What is too long
   * for one commit is several, of which the first makes the change.
   */
  async commitAlways(drafts: readonly EventDraft[], guard: Pick<Guard, 'change'> = {}): Promise<void> {
    const [first = [], ...others] = batchesBySize(drafts, MAX_COMMIT_BYTES);
    while (!(await this.commit(first, { ...guard, hasMore: others.length > 0 })));
    for (const [i, batch] of others.entries())
      while (!(await this.commit(batch, { hasMore: i < others.length - 1 })));
  }

  /** Reads what others wrote on the lane while there is nothing to commit. Throws `Fenced`. */
  async refresh(): Promise<void> {
    await this.#lease.refresh();
    this.#broadcast.join(this.lane.audience);
  }

  /**
   * Continues under a new turn id without events, since nothing may follow a turn's last event. Refused like `commit`.
   *
   * @param id the new turn's id
   */
  async renew(id: TurnId, guard: Guard = {}): Promise<boolean> {
    const change = [
      ...(guard.change ?? []),
      set<Lane>('turn', id),
      // Of a turn that has ended, they were its own: this worker's claim is the next one's first. A turn that has not begun is
      // tried under the new id as before, and each worker that takes over renews it: the bound on its claims must hold.
      .../* rule: claims-bounded-under-new-id */ (this.#log.hasEnded
        ? [set<Lane>('attempts', 0), set<Lane>('claims', 1)]
        : []),
    ];
    if (!(await this.commit([], { ...guard, change }))) return false;
    this.#log = new TurnLog();
    this.#entriesWritten = 0;
    this.#usage = NO_USAGE;
    this.#isUsageStored = true;
    this.#isRenewed = true;
    return true;
  }

  /** Brings the transcript up to the committed events. */
  async writeEntries(): Promise<void> {
    await this.#following;
    // rule: entries-follow-events
    this.#entriesWritten = await writeEntries(this.core, this.session, this.events, this.#entriesWritten);
  }

  /** The same, while the turn goes on: the next commit waits for it, the model does not. */
  startWritingEntries(): void {
    this.#follow(this.writeEntries());
  }

  /** Tells the session's listeners what is trusted now, while the turn goes on. */
  startTellingTrusts(session: Session): void {
    this.#follow(tellTrusts(this.core, session));
  }

  /** Removes the content of messages that are no longer pending, while the turn goes on. */
  startRemovingContents(messages: Iterable<PendingMessage>): void {
    this.#follow(removeContents(this.core, this.session, messages));
  }

  /** Lets work go on that no commit waits for, and that must not throw. */
  startBeside(work: Promise<void>): void {
    this.#beside = Promise.all([this.#beside, work]);
  }

  /** Number of the turn's last entry if this event ends it. */
  lastEntryWith(end: EventDraft): number {
    return this.#log.lastEntryWith([numbered(end, this.nextSeq, this.id)]) ?? this.firstEntry - 1;
  }

  /** Spills what can be spilled. */
  async trySpill(): Promise<void> {
    try {
      await this.spill();
    } catch (error) {
      this.core.log.error('the events of a turn were not spilled', { turn: this.id, error: String(error) });
    }
  }

  /** Puts all events of the lane into `EVENTS`. */
  async spill(): Promise<void> {
    const events = this.#unspilled();
    const last = events.at(-1);
    if (last === undefined) return;
    await spillEvents(this.core, this.session, events);
    this.#spilled = last.seq;
  }

  /** Leaves the turn to a fresh invocation, which goes on where this one stops and posts nothing again. */
  async handOver(): Promise<void> {
    await this.settled();
    await this.commit([], { change: [set('posted', this.seq), add('claims', -1)] });
    this.core.metrics.count('HandOvers');
  }

  /** The same, where the turn waits for a user's approval. Waiting for long counts no attempt. */
  async suspend(): Promise<void> {
    await this.settled();
    await this.commit([], { change: [set('posted', this.seq), set('attempts', 0), add('claims', -1)] });
    this.core.metrics.count('SetDowns');
  }

  /** Resolves when nothing of this worker is under way: otherwise it would continue in a later invocation. */
  async settled(): Promise<void> {
    await this.#following;
    await this.#beside;
    await this.#broadcast.settled();
  }

  #unspilled(): TurnEvent[] {
    return decodeEvents(this.lane.unspilled).filter(({ seq }) => seq > this.#spilled);
  }

  /** Lets work on committed events go on while the model streams. The next commit waits for it. */
  #follow(work: Promise<unknown>): void {
    const all = Promise.all([this.#following, work]);
    // The next commit, or `settled`, throws what failed; until then nobody waits for it.
    all.catch(() => {});
    this.#following = all;
  }

  async #post(events: readonly TurnEvent[]): Promise<void> {
    this.#broadcast.join(this.lane.audience);
    await this.#broadcast.send(
      events.map((event) => ({ seq: event.seq, text: frameOf(event, () => this.#log.wholeText) })),
    );
  }

  async #spillIfDue(added: number): Promise<void> {
    const unspilled = this.lane.unspilled.filter((text) => seqOf(text) > this.#spilled);
    const isAnswered = this.#usage.answered;
    if (shouldSpill(laneKey(this.session, this.laneId), this.lane, { unspilled, added, isAnswered })) {
      await this.spill();
    }
  }
}
