import { type EpochMs, milliseconds } from '../config/units.ts';
import type { Core } from './core.ts';
import { byId, type ConnectionId, type LaneId, type SessionKey } from './ids.ts';
import type { Audience } from './store/items.ts';
import { LIVE } from './store/items.ts';
import { laneKey, sessionKey } from './store/keys.ts';
import { stopListening } from './store/lane/connection.ts';
import { leaveAudience } from './store/session-writes.ts';

/** A connection that takes longer than this for its frames does not hold back the others and the model's stream. */
const SLOW_LISTENER_MS = milliseconds(1000);
/** A connection that is this many frames behind is closed. Its client resumes and misses nothing (P9). */
const MAX_BACKLOG = 200;
/** Tries of one post, beyond those of the SDK. The wait between them doubles: about three seconds in all. */
const MAX_POST_TRIES = 6;
const FIRST_BACKOFF_MS = milliseconds(100);

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
  backlog: number;
}

/** Posts a turn's events to the session's connections: in order for each connection, in parallel among them. */
export class Broadcast {
  readonly #core: Core;
  readonly #session: SessionKey;
  readonly #lane: LaneId;
  readonly #listeners = new Map<ConnectionId, Listener>();
  readonly #forgotten = new Set<ConnectionId>();

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
      };
      this.#listeners.set(connection, listener);
      if (how === LIVE) {
        listener.overdue = false;
        this.#release(connection, listener);
      } else if (!listener.overdue) listener.kept ??= { frames: [], since: this.#core.clock.now() };
    }
  }

  /** Resolves when all connections have the frames, or after `SLOW_LISTENER_MS`: slow ones continue in the background. */
  async send(frames: readonly string[]): Promise<void> {
    if (frames.length === 0 || this.#listeners.size === 0) return;
    for (const [connection, listener] of this.#listeners) {
      this.#releaseOverdue(connection, listener);
      if (listener.kept) listener.kept.frames.push(...frames);
      else this.#enqueue(connection, listener, frames);
    }
    const patience = new AbortController();
    await Promise.race([this.#idle(), this.#core.clock.sleep(SLOW_LISTENER_MS, patience.signal)]);
    patience.abort('over');
  }

  /** Resolves when nothing is under way. A handler waits for it: what is still running would continue in a later invocation. */
  async settled(): Promise<void> {
    while ([...this.#listeners.values()].some(({ kept }) => kept && kept.frames.length > 0)) {
      await this.#core.clock.sleep(CATCH_UP_POLL_MS);
      const lane = await this.#core.store.get(laneKey(this.#session, this.#lane));
      this.join(lane?.audience ?? {});
      for (const [connection, listener] of this.#listeners) this.#releaseOverdue(connection, listener);
    }
    await this.#idle();
  }

  async #idle(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.idle));
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
    const tooSlow = listener.backlog > MAX_BACKLOG;
    listener.idle = listener.idle.then(() =>
      tooSlow ? this.#giveUp(connection, 'too slow') : this.#post(connection, listener, frames),
    );
  }

  async #post(connection: ConnectionId, listener: Listener, frames: readonly string[]): Promise<void> {
    for (const frame of frames) {
      listener.backlog--;
      if (!this.#forgotten.has(connection)) await this.#postOne(connection, frame);
    }
  }

  async #postOne(connection: ConnectionId, frame: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if ((await this.#core.gateway.post(connection, frame)) === 'gone') await this.#forget(connection);
        return;
      } catch (error) {
        // A repeated post is harmless, since clients drop a `seq` that they have. A missing one is not.
        if (tries === MAX_POST_TRIES) return this.#giveUp(connection, String(error));
        await this.#core.clock.sleep(milliseconds(FIRST_BACKOFF_MS * 2 ** (tries - 1)));
      }
    }
  }

  /** The events are stored, but this client would not notice that it misses some. A new connection resumes. */
  async #giveUp(connection: ConnectionId, reason: string): Promise<void> {
    if (this.#forgotten.has(connection)) return;
    this.#core.log.warn('connection closed, so that it resumes', { connection, reason });
    await this.#quietly(() => this.#core.gateway.disconnect(connection));
    await this.#forget(connection);
  }

  async #forget(connection: ConnectionId): Promise<void> {
    this.#forgotten.add(connection);
    this.#listeners.delete(connection);
    await this.#quietly(() => this.#core.store.update(sessionKey(this.#session), leaveAudience(connection)));
    await this.#quietly(() =>
      this.#core.store.update(laneKey(this.#session, this.#lane), stopListening(connection)),
    );
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
