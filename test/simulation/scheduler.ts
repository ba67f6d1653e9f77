import type { Random } from './random.ts';

/**
 * Owns time, order and faults. The code under test runs as actors, one per function invocation. Each call of a service is an
 * operation that waits until the scheduler runs it. Between two operations of an actor, anything else may happen.
 */

export interface Faults {
  /** Probability per operation. */
  crash: number;
  pause: number;
  /** A write takes effect, its answer is lost, and the SDK repeats it. */
  ambiguous: number;
  /** A write reaches the store a second time, later. */
  ghost: number;
  /** The SDK gives up. The caller gets an error and does not know whether the write took effect. */
  error: number;
}

export const NO_FAULTS: Faults = { crash: 0, pause: 0, ambiguous: 0, ghost: 0, error: 0 };

/** Text for the story: made only if it is printed. */
export type Tag = () => string;

interface Operation {
  actor: Actor;
  tag: Tag;
  write: boolean;
  /** True for a service's operation, which can fail. Models and tools fail by themselves. */
  fallible: boolean;
  run(): unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Timer {
  at: number;
  actor: Actor;
  wake(): void;
}

/** One invocation of a function. */
export class Actor {
  readonly id: string;
  dead = false;
  over = false;
  pausedUntil = 0;
  /** Total time that it was paused. */
  pausedMs = 0;
  /** When Lambda ends it. */
  endsAt = Number.POSITIVE_INFINITY;

  constructor(id: string) {
    this.id = id;
  }
}

/** Something that happens by itself when its time has come: a delivery, a client's next act. */
export interface Source {
  /** When it is ready next. Infinity: not before something else happens. */
  readyAt(now: number): number;
  act(): void;
}

class ServiceError extends Error {
  override readonly name = 'ServiceError';
}

export class Scheduler {
  readonly random: Random;
  now = 1_700_000_000_000;
  steps = 0;
  faults: Faults = NO_FAULTS;
  /** Ends the faults: what is stuck from then on stays stuck. */
  faultsUntil = Number.POSITIVE_INFINITY;
  /** Receives errors that no service raised: faults of the code under test. */
  onUnexpected: (error: unknown) => void = (error) => {
    throw error;
  };
  /** How long a pause lasts: about the visibility time, so that another worker may have taken over. */
  pauseMs: readonly [number, number] = [2000, 8000];
  /** How often each fault was injected. */
  readonly injected: Record<string, number> = {};
  /** The operation that runs now is a late duplicate: nobody receives its answer. */
  isLate = false;
  readonly #operations: Operation[] = [];
  #timers: Timer[] = [];
  #ghosts: { at: number; tag: Tag; run(): unknown }[] = [];
  readonly #sources: Source[] = [];
  readonly #readyOperations: Operation[] = [];
  readonly #readyTimers: Timer[] = [];
  readonly #readySources: Source[] = [];
  readonly #log: ((line: string) => void) | undefined;
  #ids = 0;
  #last: Actor | undefined;
  #onDeath = new Map<Actor, () => void>();

  constructor(random: Random, log?: (line: string) => void) {
    this.random = random;
    this.#log = log;
  }

  log(text: string): void {
    this.#log?.(`${String(this.now - 1_700_000_000_000).padStart(7)} ${text}`);
  }

  newId(prefix: string): string {
    return `${prefix}${++this.#ids}`;
  }

  addSource(source: Source): void {
    this.#sources.push(source);
  }

  /** Starts an invocation. `ended` receives its result, or that it died or threw. */
  spawn<T>(
    kind: string,
    work: (actor: Actor) => Promise<T>,
    ended: (end: { ok: true; value: T } | { ok: false; why: string }) => void = () => {},
  ): Actor {
    const actor = new Actor(this.newId(`${kind}-`));
    this.#onDeath.set(actor, () => ended({ ok: false, why: 'died' }));
    const close = (end: Parameters<typeof ended>[0]) => {
      if (actor.dead) return;
      actor.over = true;
      this.#onDeath.delete(actor);
      ended(end);
    };
    work(actor).then(
      (value) => close({ ok: true, value }),
      (error: unknown) => {
        if (!(error instanceof ServiceError)) this.onUnexpected(error);
        if (this.#log) this.log(`${actor.id} failed: ${String(error)}`);
        close({ ok: false, why: String(error) });
      },
    );
    return actor;
  }

  /** An operation on a service. It runs atomically when the scheduler chooses it. */
  operation<T>(actor: Actor, tag: Tag, write: boolean, run: () => T, fallible = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // A dead function's operations never run.
      if (actor.dead) return;
      this.#operations.push({
        actor,
        tag,
        write,
        fallible,
        run,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
    });
  }

  sleep(actor: Actor, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (actor.dead) return;
      if (signal?.aborted) return resolve();
      const timer: Timer = { at: this.now + Math.max(0, ms), actor, wake: resolve };
      this.#timers.push(timer);
      signal?.addEventListener('abort', () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
        resolve();
      });
    });
  }

  kill(actor: Actor, why: string): void {
    if (actor.dead || actor.over) return;
    actor.dead = true;
    this.count(why);
    if (this.#log) this.log(`${actor.id} DIES (${why})`);
    this.#timers = this.#timers.filter((timer) => timer.actor !== actor);
    for (let i = this.#operations.length - 1; i >= 0; i--) {
      if (this.#operations[i]?.actor === actor) this.#operations.splice(i, 1);
    }
    const onDeath = this.#onDeath.get(actor);
    this.#onDeath.delete(actor);
    onDeath?.();
  }

  count(what: string): void {
    this.injected[what] = (this.injected[what] ?? 0) + 1;
  }

  /** Runs until nothing is left to do or `maxSteps` steps are done. @returns whether nothing is left */
  settle(maxSteps: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let left = maxSteps;
      const step = () => {
        try {
          if (left-- === 0) resolve(false);
          else if (this.#step()) resolved.then(next);
          else resolve(true);
        } catch (error) {
          reject(error);
        }
      };
      // A tick runs after all microtasks. By then every actor waits for an operation.
      const resolved = Promise.resolve();
      const next = () => process.nextTick(step);
      next();
    });
  }

  #step(): boolean {
    this.steps++;
    this.now += this.random.int(1, 4);
    if (this.now > this.faultsUntil && this.faults !== NO_FAULTS) {
      this.log('-- nothing goes wrong from here on');
      this.faults = NO_FAULTS;
    }
    if (this.#ghosts.length > 0) this.#runGhosts();
    this.#endOverdue();
    // Plain loops and reused arrays: this runs for every step of every history.
    const { now } = this;
    const operations = this.#readyOperations;
    operations.length = 0;
    for (const operation of this.#operations)
      if (operation.actor.pausedUntil <= now) operations.push(operation);
    const timers = this.#readyTimers;
    timers.length = 0;
    for (const timer of this.#timers)
      if (timer.at <= now && timer.actor.pausedUntil <= now) timers.push(timer);
    const sources = this.#readySources;
    sources.length = 0;
    for (const source of this.#sources) if (source.readyAt(now) <= now) sources.push(source);
    const total = operations.length + timers.length + sources.length;
    if (total === 0) return this.#jump();
    let k = this.random.int(0, total - 1);
    // Often the same actor again, so that both long and short runs of one actor occur.
    if (this.#last && this.random.chance(0.4)) {
      const same = operations.findIndex(({ actor }) => actor === this.#last);
      if (same >= 0) k = same;
    }
    const operation = operations[k];
    const timer = timers[k - operations.length];
    if (operation) this.#perform(operation);
    else if (timer) {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.wake();
    } else sources[k - operations.length - timers.length]?.act();
    return true;
  }

  /** Lambda's time limits. */
  #endOverdue(): void {
    const overdue = new Set<Actor>();
    for (const { actor } of this.#timers) if (actor.endsAt <= this.now) overdue.add(actor);
    for (const { actor } of this.#operations) if (actor.endsAt <= this.now) overdue.add(actor);
    for (const actor of overdue) this.kill(actor, 'time limit');
  }

  /** Nothing is ready: advances the clock to the next time at which something is. */
  #jump(): boolean {
    const moments = [
      ...this.#operations.map(({ actor }) => Math.min(actor.pausedUntil, actor.endsAt)),
      ...this.#timers.map((timer) =>
        Math.min(Math.max(timer.at, timer.actor.pausedUntil), timer.actor.endsAt),
      ),
      ...this.#ghosts.map((ghost) => ghost.at),
      ...this.#sources.map((source) => source.readyAt(this.now)),
    ];
    const next = Math.min(...moments);
    if (!Number.isFinite(next)) return false;
    this.now = Math.max(this.now, next);
    return true;
  }

  #runGhosts(): void {
    for (const ghost of this.#ghosts.filter(({ at }) => at <= this.now)) {
      this.#ghosts.splice(this.#ghosts.indexOf(ghost), 1);
      if (this.#log) this.log(`late duplicate of: ${ghost.tag()}`);
      this.isLate = true;
      unanswered(ghost.run);
      this.isLate = false;
    }
  }

  #perform(operation: Operation): void {
    const { actor, tag, write, run } = operation;
    this.#last = actor;
    const { random, faults } = this;
    if (random.chance(faults.pause)) {
      const ms = random.int(...this.pauseMs);
      actor.pausedUntil = this.now + ms;
      actor.pausedMs += ms;
      this.count('pause');
      if (this.#log) this.log(`${actor.id} PAUSES before: ${tag()}`);
      return;
    }
    if (random.chance(faults.crash)) {
      const done = random.chance(0.5);
      if (done) unanswered(run);
      if (this.#log) this.log(`${actor.id}: ${tag()}${done ? ' (done)' : ' (not done)'}`);
      this.kill(actor, 'crash');
      return;
    }
    if (write && random.chance(faults.ambiguous)) {
      unanswered(run);
      this.count('answer lost, repeated');
      if (this.#log) this.log(`${actor.id}: ${tag()} (done; answer lost, the SDK repeats it)`);
      if (random.chance(0.5)) actor.pausedUntil = this.now + random.int(1, this.pauseMs[0]);
      return;
    }
    this.#operations.splice(this.#operations.indexOf(operation), 1);
    if (operation.fallible && random.chance(faults.error)) {
      const done = write && random.chance(0.5);
      if (done) unanswered(run);
      this.count('error after retries');
      if (this.#log) this.log(`${actor.id}: ${tag()} ERROR${done ? ' (done)' : ''}`);
      operation.reject(new ServiceError(tag()));
      return;
    }
    if (write && random.chance(faults.ghost)) {
      this.count('late duplicate');
      this.#ghosts.push({ at: this.now + random.int(5, 3000), tag, run });
    }
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (this.#log) this.log(`${actor.id}: ${tag()} REFUSED: ${String(error)}`);
      operation.reject(error);
      return;
    }
    if (this.#log) this.log(`${actor.id}: ${tag()}${outcome(result)}`);
    operation.resolve(result);
  }
}

/** Nobody receives the answer, nor that the service refused. */
function unanswered(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** A write that the service never takes. Nothing has happened. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ValidationException';

function outcome(result: unknown): string {
  if (result === false) return ' → false';
  if (result === 'gone') return ' → gone';
  return typeof result === 'object' && result !== null && 'ok' in result && result.ok === false
    ? ' → refused'
    : '';
}
