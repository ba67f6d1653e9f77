import type { Core } from './core.ts';
import { laneKey, sessionKey } from './keys.ts';
import { stopListening } from './lane-writes.ts';
import { leaveAudience } from './session-writes.ts';

/** A connection that takes longer than this for its frames no longer holds the others, and the model's stream, back. */
const PATIENCE_MS = 1000;
/** A connection that is this many frames behind is closed: its client resumes, and misses nothing. */
const MAX_BACKLOG = 200;
/** Tries of one post, beyond the SDK's own, with a wait that doubles from the first: about three seconds in all. */
const MAX_TRIES = 6;
const FIRST_BACKOFF_MS = 100;

interface Listener {
  /** Resolves when all that was handed over so far is posted: one writer per connection keeps the order. */
  idle: Promise<void>;
  backlog: number;
}

/** Posts a turn's events to everyone who watches the session, in order for each, in parallel among them. */
export class Broadcast {
  readonly #core: Core;
  readonly #session: string;
  readonly #lane: string;
  readonly #listeners = new Map<string, Listener>();
  readonly #forgotten = new Set<string>();

  constructor(core: Core, session: string, lane: string) {
    this.#core = core;
    this.#session = session;
    this.#lane = lane;
  }

  /** Adds listeners; those that are known, or gone, stay as they are. */
  join(connections: Iterable<string>): void {
    for (const connection of connections) {
      if (this.#listeners.has(connection) || this.#forgotten.has(connection)) continue;
      this.#listeners.set(connection, { idle: Promise.resolve(), backlog: 0 });
    }
  }

  /** Resolves when everyone has the frames, or when the slow ones have had their time: they go on in the background. */
  async send(frames: readonly string[]): Promise<void> {
    if (frames.length === 0 || this.#listeners.size === 0) return;
    for (const [connection, listener] of this.#listeners) {
      listener.backlog += frames.length;
      const tooSlow = listener.backlog > MAX_BACKLOG;
      listener.idle = listener.idle.then(() =>
        tooSlow ? this.#giveUp(connection, 'too slow') : this.#post(connection, listener, frames),
      );
    }
    const patience = new AbortController();
    await Promise.race([this.settled(), this.#core.clock.sleep(PATIENCE_MS, patience.signal)]);
    patience.abort('over');
  }

  /** Before a handler returns, everything must have ended: what is still under way would thaw in a later invocation. */
  async settled(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.idle));
  }

  async #post(connection: string, listener: Listener, frames: readonly string[]): Promise<void> {
    for (const frame of frames) {
      listener.backlog--;
      if (!this.#forgotten.has(connection)) await this.#postOne(connection, frame);
    }
  }

  async #postOne(connection: string, frame: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if ((await this.#core.gateway.post(connection, frame)) === 'gone') await this.#forget(connection);
        return;
      } catch (error) {
        // Posted twice is harmless, left out is not: clients drop a `seq` that they have.
        if (tries === MAX_TRIES) return this.#giveUp(connection, String(error));
        await this.#core.clock.sleep(FIRST_BACKOFF_MS * 2 ** (tries - 1));
      }
    }
  }

  /** The events are stored, but nothing would tell this client that it misses some: a new connection resumes. */
  async #giveUp(connection: string, reason: string): Promise<void> {
    if (this.#forgotten.has(connection)) return;
    this.#core.log.warn('connection closed, so that it resumes', { connection, reason });
    await this.#quietly(() => this.#core.gateway.disconnect(connection));
    await this.#forget(connection);
  }

  async #forget(connection: string): Promise<void> {
    this.#forgotten.add(connection);
    await this.#quietly(() => this.#core.store.update(sessionKey(this.#session), leaveAudience(connection)));
    await this.#quietly(() => this.#core.store.update(laneKey(this.#lane), stopListening(connection)));
  }

  /** One listener's trouble is nobody else's: a gone connection that stays listed is found gone again by the next turn. */
  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#core.log.warn('listener not removed', { error: String(error) });
    }
  }
}
