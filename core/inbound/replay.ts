import { after, between, type EpochMs, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { decodeEvents, mergeEvents, type TurnEvent } from '../events/events.ts';
import { readEventPages, storedFrame } from '../events/journal.ts';
import type { ConnectionId, LaneId, SessionKey } from '../ids.ts';
import { ownValue } from '../own-value.ts';
import { post } from '../post.ts';
import { reply } from '../replies.ts';
import {
  goLive,
  joinSession,
  lastSeq,
  leaveSession,
  type Position,
  viewSession,
} from '../session/sessions.ts';
import { closeSurplus } from '../session/surplus.ts';
import { leaveReplay } from '../session/watch-replay.ts';
import type { Connection } from '../store/items.ts';
import { connectionKey } from '../store/keys.ts';
import { listening, readListening } from '../store/listening.ts';
import type { Update } from '../store/update.ts';
import { absent, any, equals, exists, set } from '../store/update.ts';

/** Frames and messages have functions of ten seconds. What is begun in this time is completed in them. */
const REPLAY_FOR_MS = milliseconds(4000);
/** How often a replay says how far it is. */
const MARK_EVERY_MS = milliseconds(500);

/** When an invocation that begins now leaves a replay to another one. */
export const replayUntil = (core: Pick<Core, 'clock'>): EpochMs => after(core.clock.now(), REPLAY_FOR_MS);

export interface ReplayOrder {
  id: ConnectionId;
  session: SessionKey;
  /** This replay's number among those to the connection. */
  join: number;
  /** The client has the events up to this one, which is one of the session's. */
  after: number;
  /** When it is left to another invocation. */
  until: EpochMs;
}

/**
 * - `live`: the client has all events, and gets those that follow from the workers.
 * - `left`: another invocation goes on.
 * - `superseded`: a later replay to the connection has begun.
 * - `gone`: the connection, or the session.
 */
export type ReplayEnd = 'live' | 'left' | 'superseded' | 'gone';

/**
 * Sends each event after `order.after` once and in order, then lets live events through (P9). A connection has one writer at a
 * time: this function, until nothing was committed that it has not posted. API Gateway does not order posts that are
 * under way together, so one follows the other, and a long replay is carried on by further invocations.
 */
export const catchUp = (core: Core, order: ReplayOrder): Promise<ReplayEnd> => new Replay(core, order).run();

class Replay {
  readonly #core: Core;
  readonly #order: ReplayOrder;
  /** The client has the events up to this one. */
  #sent: number;
  #join: number;
  #markedAt: EpochMs;

  constructor(core: Core, order: ReplayOrder) {
    this.#core = core;
    this.#order = order;
    this.#sent = order.after;
    this.#join = order.join;
    this.#markedAt = core.clock.now();
  }

  async run(): Promise<ReplayEnd> {
    const position = await this.#mark();
    const [end] = await Promise.all([
      this.#replayFrom(position),
      position && closeSurplus(this.#core, this.#order.session, position),
    ]);
    return end;
  }

  async #replayFrom(start: Position | undefined): Promise<ReplayEnd> {
    const { id, session } = this.#order;
    let position = start;
    while (position) {
      const { lastSeq: last, active } = position;
      const end = /* rule: replay-before-live */ await this.#replay(last);
      if (end) return end;
      const went = await goLive(this.#core, session, id, { join: this.#join, seq: last }, active);
      if (went === 'live') return went;
      position = await (went === 'again' ? this.#joinAgain() : this.#look());
    }
    return this.#whyNot();
  }

  /** Says how far the replay is. Undefined: it is no longer this function's. */
  #mark(): Promise<Position | undefined> {
    const { id, session } = this.#order;
    this.#markedAt = this.#core.clock.now();
    return joinSession(this.#core, session, id, { join: this.#join, seq: this.#sent });
  }

  async #joinAgain(): Promise<Position | undefined> {
    const { store } = this.#core;
    const me = this.#core.newId();
    const taken = await store.update(connectionKey(this.#order.id), nextReplay(me, this.#join));
    if (!taken.ok) return undefined;
    this.#join++;
    return this.#mark();
  }

  /** How far the session is by now. */
  async #look(): Promise<Position | undefined> {
    const { id, session } = this.#order;
    const view = await viewSession(this.#core, session);
    const how = view.session?.deleted === undefined ? ownValue(view.session?.audience, id) : undefined;
    if (how === undefined || readListening(how).join > this.#join) return undefined;
    const { active, audience = {} } = view.session ?? {};
    return { lastSeq: lastSeq(view), active, audience };
  }

  async #whyNot(): Promise<ReplayEnd> {
    const { id, session } = this.#order;
    const how = ownValue((await viewSession(this.#core, session)).session?.audience, id);
    return how !== undefined && readListening(how).join > this.#join ? 'superseded' : 'gone';
  }

  /** Posts the events up to `last`. A `history_gap` reports those that have expired. @returns how it ended early, if it did */
  async #replay(last: number): Promise<ReplayEnd | undefined> {
    if (last <= this.#sent) return undefined;
    const { session } = this.#order;
    // The lane is read before the spilled events: an event that leaves the lane meanwhile is in `EVENTS` by then.
    const view = await viewSession(this.#core, session);
    const onLane = decodeEvents(view.lane?.unspilled ?? []);
    for await (const { events, isLast } of readEventPages(this.#core, session, this.#sent + 1)) {
      const stored = isLast ? mergeEvents(events, onLane) : events;
      const end = await this.#replayPage(stored, last, view.laneId);
      if (end) return end;
      if (this.#sent >= last) return undefined;
    }
    await this.#reportGap(last + 1);
    this.#sent = last;
    return undefined;
  }

  async #reportGap(first: number): Promise<void> {
    if (first === this.#sent + 1) return;
    const gap = { after_seq: this.#sent, available_from: first };
    await reply(this.#core, this.#order.id, { type: 'history_gap', ...gap });
  }

  async #replayPage(
    stored: readonly TurnEvent[],
    last: number,
    lane: LaneId | undefined,
  ): Promise<ReplayEnd | undefined> {
    const { id, session, until } = this.#order;
    const events = stored.filter(({ seq }) => seq > this.#sent && seq <= last);
    if (events[0]) await this.#reportGap(events[0].seq);
    for (const event of /* rule: replay-is-complete */ events) {
      const { seq } = event;
      if ((await post(this.#core, id, await storedFrame(this.#core, session, event, stored))) === 'gone') {
        await leaveSession(this.#core, session, id, lane);
        return 'gone';
      }
      this.#sent = seq;
      const now = this.#core.clock.now();
      if (now >= until && seq !== last) return this.#leave();
      // A late mark would have another function take this one for dead.
      if (between(this.#markedAt, now) >= MARK_EVERY_MS && !(await this.#mark())) return this.#whyNot();
    }
    return undefined;
  }

  async #leave(): Promise<ReplayEnd> {
    if (!(await this.#mark())) return this.#whyNot();
    const { id } = this.#order;
    await leaveReplay(this.#core, id, listening({ join: this.#join, seq: this.#sent, isLive: false }));
    return 'left';
  }
}

/** Begins the replay after number `join`. The writer recognises its success by `replayer`. Idempotent. */
export const nextReplay = (me: string, join: number): Update<Connection> => ({
  when: [
    exists('session'),
    any(
      // rule: one-function-continues-a-replay
      join === 0 ? absent('joins') : equals('joins', join),
      equals('replayer', me),
    ),
  ],
  change: [set('joins', join + 1), set('replayer', me)],
});
