import type { Core } from './core.ts';
import { laneKey, sessionKey } from './keys.ts';
import { stopListening } from './lane-writes.ts';
import { leaveAudience } from './session-writes.ts';

/** A connection that takes longer than this for its frames no longer holds the others, and the model's stream, back. */
const PATIENCE_MS = 1000;
/** Beyond this a slow connection's frames are dropped: it will see the hole in `seq` and resume. */
const MAX_BACKLOG = 200;

interface Listener {
  /** Resolves when all that was handed over so far is posted: one writer per connection keeps the order. */
  idle: Promise<void>;
  backlog: number;
  /** Dropped something: silent until the client resumes, since a hole can only be mended from its beginning. */
  behind: boolean;
}

/** Posts a turn's events to everyone who watches the session, in order for each, in parallel among them. */
export class Broadcast {
  readonly #core: Core;
  readonly #session: string;
  readonly #lane: string;
  readonly #listeners = new Map<string, Listener>();
  readonly #gone = new Set<string>();

  constructor(core: Core, session: string, lane: string) {
    this.#core = core;
    this.#session = session;
    this.#lane = lane;
  }

  /** Adds listeners; those that are known, or gone, stay as they are. */
  join(connections: Iterable<string>): void {
    for (const connection of connections) {
      if (this.#listeners.has(connection) || this.#gone.has(connection)) continue;
      this.#listeners.set(connection, { idle: Promise.resolve(), backlog: 0, behind: false });
    }
  }

  /** Resolves when everyone has the frames, or when the slow ones have had their time: they go on in the background. */
  async send(frames: readonly string[]): Promise<void> {
    if (frames.length === 0 || this.#listeners.size === 0) return;
    for (const [connection, listener] of this.#listeners) {
      if (listener.behind) continue;
      if (listener.backlog + frames.length > MAX_BACKLOG) {
        listener.behind = true;
        this.#core.log.warn('slow connection: events dropped until it resumes', { connection });
        continue;
      }
      listener.backlog += frames.length;
      listener.idle = listener.idle.then(() => this.#post(connection, listener, frames));
    }
    const patience = new AbortController();
    await Promise.race([this.#allIdle(), this.#core.clock.sleep(PATIENCE_MS, patience.signal)]);
    patience.abort();
  }

  /** Before a handler returns, everything must have ended: what is still under way would thaw in a later invocation. */
  async settled(): Promise<void> {
    await this.#allIdle();
  }

  async #allIdle(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.idle));
  }

  async #post(connection: string, listener: Listener, frames: readonly string[]): Promise<void> {
    for (const frame of frames) {
      listener.backlog--;
      if (listener.behind || this.#gone.has(connection)) continue;
      try {
        if ((await this.#core.gateway.post(connection, frame)) === 'gone') await this.#forget(connection);
      } catch (error) {
        // The events are stored: this client finds the hole in `seq` and resumes. Nobody else is concerned.
        listener.behind = true;
        this.#core.log.warn('post failed', { connection, error: String(error) });
      }
    }
  }

  async #forget(connection: string): Promise<void> {
    this.#gone.add(connection);
    this.#listeners.delete(connection);
    await Promise.all([
      this.#core.store.update(sessionKey(this.#session), leaveAudience(connection)),
      this.#core.store.update(laneKey(this.#lane), stopListening(connection)),
    ]);
  }
}
