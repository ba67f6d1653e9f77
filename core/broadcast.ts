import { between, type EpochMs, milliseconds } from '../config/units.ts';
import type { Core } from './core.ts';
import { byId, type ConnectionId, type LaneId, type SessionKey } from './ids.ts';
import { closeConnection, post } from './post.ts';
import type { Audience } from './store/items.ts';
import { LIVE } from './store/items.ts';
import { laneKey, sessionKey } from './store/keys.ts';
import { stopListening } from './store/lane/connection.ts';
import { leaveAudience } from './store/session-writes.ts';

/**
 * How long the stream waits for listeners that are late, the first time. A late one is not waited for again until it has
 * everything. Each further wait that is in vain is half as long, so that they add up to two seconds, however many
 * listeners hang, and whenever.
 */
const FIRST_PATIENCE_MS = milliseconds(1000);
/** A connection whose next frame is this late is closed. Its client resumes and misses nothing (P9). */
const MAX_LAG_MS = milliseconds(3000);

/** A connection that is catching up for longer was left so by a function that died. It gets what was kept for it. */
const CATCH_UP_MS = milliseconds(3000);
const CATCH_UP_POLL_MS = milliseconds(50);

interface Listener {
  /** Frames that are kept while the connection is catching up, and since when. Undefined if it is live. */
  kept: { frames: string[]; since: EpochMs } | undefined;
  /** It was catching up for too long: its entry in the audience is ignored until it says that it is live. */
  overdue: boolean;
  /** Resolves when all its frames so far are posted. One writer per connection keeps the order. */
  idle: Promise<void>;
  /** Frames that wait to be posted. */
  backlog: number;
  /** A flush waited for it in vain. */
  isLate: boolean;
}

/** Posts a turn's events to the session's connections: in order for each connection, in parallel among them. */
export class Broadcast {
  readonly #core: Core;
  readonly #session: SessionKey;
  readonly #lane: LaneId;
  readonly #listeners = new Map<ConnectionId, Listener>();
  readonly #forgotten = new Set<ConnectionId>();
  #patienceMs: number = FIRST_PATIENCE_MS;

  constructor(core: Core, session: SessionKey, lane: LaneId) {
    this.#core = core;
    this.#session = session;
    this.#lane = lane;
  }

  /** Adds connections, and updates which are live. A connection that is gone stays so. */
  join(audience: Audience): void {
    for (const [connection, how] of byId(audience)) {
      if (this.#forgotten.has(connection)) continue;
      const listener = this.#listeners.get(connection) ?? {
        kept: undefined,
        overdue: false,
        idle: Promise.resolve(),
        backlog: 0,
        isLate: false,
      };
      this.#listeners.set(connection, listener);
      if (how === LIVE) {
        listener.overdue = false;
        this.#release(connection, listener);
      } else if (!listener.overdue) listener.kept ??= { frames: [], since: this.#core.clock.now() };
    }
  }

  /** Resolves when all connections have the frames, except those that are late: these continue in the background. */
  async send(frames: readonly string[]): Promise<void> {
    if (frames.length === 0 || this.#listeners.size === 0) return;
    for (const [connection, listener] of this.#listeners) {
      if (this.#forgotten.has(connection)) continue;
      this.#releaseOverdue(connection, listener);
      if (listener.kept) listener.kept.frames.push(...frames);
      else this.#enqueue(connection, listener, frames);
    }
    const awaited = [...this.#listeners.values()].filter(({ isLate }) => !isLate);
    const patience = new AbortController();
    const isInVain = await Promise.race([
      Promise.all(awaited.map(({ idle }) => idle)).then(() => false),
      this.#core.clock.sleep(milliseconds(this.#patienceMs), patience.signal).then(() => true),
    ]);
    patience.abort('over');
    if (!isInVain) return;
    this.#patienceMs /= 2;
    for (const listener of awaited) listener.isLate = listener.backlog > 0;
  }

  /** Resolves when nothing is under way. A handler waits for it: what is still running would continue in a later invocation. */
  async settled(): Promise<void> {
    while ([...this.#listeners.values()].some(({ kept }) => kept && kept.frames.length > 0)) {
      await this.#core.clock.sleep(CATCH_UP_POLL_MS);
      const lane = await this.#core.store.get(laneKey(this.#session, this.#lane));
      this.join(lane?.audience ?? {});
      for (const [connection, listener] of this.#listeners) this.#releaseOverdue(connection, listener);
    }
    await Promise.all([...this.#listeners.values()].map(({ idle }) => idle));
  }

  #releaseOverdue(connection: ConnectionId, listener: Listener): void {
    if (!listener.kept || this.#core.clock.now() - listener.kept.since < CATCH_UP_MS) return;
    listener.overdue = true;
    this.#release(connection, listener);
  }

  #release(connection: ConnectionId, listener: Listener): void {
    const { kept } = listener;
    listener.kept = undefined;
    if (kept && kept.frames.length > 0) this.#enqueue(connection, listener, kept.frames);
  }

  #enqueue(connection: ConnectionId, listener: Listener, frames: readonly string[]): void {
    listener.backlog += frames.length;
    const since = this.#core.clock.now();
    listener.idle = listener.idle.then(async () => {
      for (const frame of frames) {
        if (!this.#forgotten.has(connection)) await this.#post(connection, frame, since);
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
    const { store } = this.#core;
    await Promise.all([
      this.#quietly(() => store.update(sessionKey(this.#session), leaveAudience(connection))),
      this.#quietly(() => store.update(laneKey(this.#session, this.#lane), stopListening(connection))),
    ]);
    this.#listeners.delete(connection);
  }

  /** A failure concerns this connection only. If it stays in the audience, the next turn finds it gone again. */
  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#core.log.warn('listener not removed', { error: String(error) });
    }
  }
}
