import { between, type EpochMs, milliseconds } from '../config/units.ts';
import type { Core } from './core.ts';
import { byId, type ConnectionId, type LaneId, type SessionKey } from './ids.ts';
import { closeConnection, post } from './post.ts';
import { leaveSession } from './session/sessions.ts';
import { watchReplay } from './session/watch-replay.ts';
import type { Audience } from './store/items.ts';
import { type Listening, readListening } from './store/listening.ts';

/**
 * How long the stream waits for listeners that are late, the first time. A late one is not waited for again until it has
 * everything. Each further wait that is in vain is half as long, so that they add up to two seconds, however many
 * listeners hang, and whenever.
 */
const FIRST_PATIENCE_MS = milliseconds(1000);
/** A connection whose next frame is this late is closed. Its client resumes and misses nothing (P9). */
const MAX_LAG_MS = milliseconds(3000);

/** The frame of an event. */
export interface EventText {
  seq: number;
  text: string;
}

interface Listener {
  /** The latest that an audience said of it. */
  how: Listening;
  /** Resolves when all its frames so far are posted. One writer per connection keeps the order. */
  idle: Promise<void>;
  /** Frames that wait to be posted. */
  backlog: number;
  /** A flush waited for it in vain. */
  isLate: boolean;
}

/** Posts a turn's events to the session's live connections: in order for each connection, in parallel among them. */
export class Broadcast {
  readonly #core: Core;
  readonly #session: SessionKey;
  readonly #lane: LaneId;
  readonly #listeners = new Map<ConnectionId, Listener>();
  readonly #forgotten = new Set<ConnectionId>();
  /** Replays that somebody looks after, by connection: the number of the join. */
  readonly #watched = new Map<ConnectionId, number>();
  #patienceMs: number = FIRST_PATIENCE_MS;

  constructor(core: Core, session: SessionKey, lane: LaneId) {
    this.#core = core;
    this.#session = session;
    this.#lane = lane;
  }

  /** Adds connections, and updates which are live. The latest state of each counts. A connection that is gone stays so. */
  join(audience: Audience): void {
    for (const [connection, how] of byId(audience)) {
      if (this.#forgotten.has(connection)) continue;
      const known = this.#listeners.get(connection);
      if (known) known.how = Math.max(known.how, how);
      else this.#listeners.set(connection, { how, idle: Promise.resolve(), backlog: 0, isLate: false });
    }
  }

  /**
   * Posts to each live connection the events that come after what was replayed to it. Resolves when all have them, except
   * those that are late: these continue in the background.
   */
  async send(events: readonly EventText[]): Promise<void> {
    const awaited: Listener[] = [];
    for (const [connection, listener] of this.#listeners) {
      if (this.#forgotten.has(connection)) continue;
      const { isLive, seq: replayed } = readListening(listener.how);
      if (!isLive) continue;
      const missing = events.filter(({ seq }) => /* rule: replayed-events-not-sent-again */ seq > replayed);
      if (missing.length === 0) continue;
      this.#enqueue(connection, listener, missing);
      if (!listener.isLate) awaited.push(listener);
    }
    await Promise.all([this.#awaitAll(awaited), this.#watchReplays()]);
  }

  async #awaitAll(listeners: readonly Listener[]): Promise<void> {
    if (listeners.length === 0) return;
    const patience = new AbortController();
    const isInVain = await Promise.race([
      Promise.all(listeners.map(({ idle }) => idle)).then(() => false),
      this.#core.clock.sleep(milliseconds(this.#patienceMs), patience.signal).then(() => true),
    ]);
    patience.abort('over');
    if (!isInVain) return;
    this.#patienceMs /= 2;
    for (const listener of listeners) listener.isLate = listener.backlog > 0;
  }

  /** A connection that is catching up is left to its replay. If the replay's function dies, another goes on. */
  async #watchReplays(): Promise<void> {
    const found: [ConnectionId, Listening][] = [];
    for (const [connection, { how }] of this.#listeners) {
      const { join, isLive } = readListening(how);
      if (isLive || this.#watched.get(connection) === join || this.#forgotten.has(connection)) continue;
      this.#watched.set(connection, join);
      found.push([connection, how]);
    }
    await Promise.all(found.map((one) => this.#quietly(() => watchReplay(this.#core, ...one))));
  }

  /** Resolves when nothing is under way. A handler waits for it: what is still running would continue in a later invocation. */
  async settled(): Promise<void> {
    await this.#watchReplays();
    await Promise.all([...this.#listeners.values()].map(({ idle }) => idle));
  }

  #enqueue(connection: ConnectionId, listener: Listener, events: readonly EventText[]): void {
    listener.backlog += events.length;
    const since = this.#core.clock.now();
    listener.idle = listener.idle.then(async () => {
      for (const { text } of events) {
        if (!this.#forgotten.has(connection)) await this.#post(connection, text, since);
        listener.backlog--;
      }
      if (listener.backlog === 0) listener.isLate = false;
    });
  }

  async #post(connection: ConnectionId, frame: string, since: EpochMs): Promise<void> {
    const isTooLate = between(since, this.#core.clock.now()) > MAX_LAG_MS;
    if (isTooLate) await closeConnection(this.#core, connection, 'too slow');
    if (isTooLate || (await post(this.#core, connection, frame)) === 'gone') await this.#forget(connection);
  }

  async #forget(connection: ConnectionId): Promise<void> {
    this.#forgotten.add(connection);
    // rule: gone-connection-leaves-audience
    await this.#quietly(() => leaveSession(this.#core, this.#session, connection, this.#lane));
    this.#listeners.delete(connection);
  }

  /** A failure concerns this connection only. If it stays in the audience, the next turn finds it gone again. */
  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#core.log.warn('listener not looked after', { error: String(error) });
    }
  }
}
