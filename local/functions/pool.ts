import { availableParallelism } from 'node:os';
import { messageOf } from '../errors.ts';
import { type EnvironmentSpec, ExecutionEnvironment } from './environment.ts';
import { FunctionError } from './errors.ts';

export interface PoolOptions {
  /** Maximum of environments. Further invocations wait. */
  maxEnvironments: number;
  /** The template's reserved concurrency. Further invocations are throttled. */
  reservedConcurrency?: number;
  /** From `compileRuntime`. */
  runtime: URL;
  /** Receives an environment's output, and the error if it fails to start. */
  log(text: string, environmentId: string): void;
  /** Called when an environment starts. */
  onStart?(environmentId: string): void;
  /** Called after an invocation. @param ms from its event to its answer */
  onInvoked?(environmentId: string, ms: number): void;
}

/**
 * Starting an environment takes 100 ms of a processor. So an invocation first waits briefly for one that becomes free:
 * short functions share a few environments, and a turn, which keeps its own for long, still gets one each.
 */
const SCALE_OUT_AFTER_MS = 20;

/**
 * Starting is bound by the processor. More starts at a time than processors would delay all of them, until invocations
 * time out on a busy machine and cause still more starts.
 */
const MAX_STARTING = availableParallelism();

/** Lambda keeps idle environments for minutes. Here they take a laptop's memory, so one stays warm. */
const IDLE_MS = 60_000;

export interface EnvironmentState {
  id: string;
  state: 'starting' | 'idle' | 'busy';
}

type State = EnvironmentState['state'];

interface Waiter {
  resolve(environment: ExecutionEnvironment): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout;
}

/** The execution environments of one function: reused warm, most recently used first, added on demand. */
export class FunctionPool {
  readonly spec: EnvironmentSpec;
  readonly #options: PoolOptions;
  readonly #states = new Map<ExecutionEnvironment, State>();
  /** Ordered by use, the most recently used last. */
  readonly #idle: { environment: ExecutionEnvironment; since: number }[] = [];
  readonly #waiters: Waiter[] = [];
  /** Those with earlier code. */
  readonly #outdated = new WeakSet<ExecutionEnvironment>();
  readonly #reaper: NodeJS.Timeout;
  #running = 0;
  #closed = false;

  constructor(spec: EnvironmentSpec, options: PoolOptions) {
    this.spec = spec;
    this.#options = options;
    this.#reaper = setInterval(() => this.#reap(), IDLE_MS / 4).unref();
  }

  /** The number of invocations that can start now. */
  get concurrency(): number {
    return Math.min(
      this.#options.maxEnvironments,
      this.#options.reservedConcurrency ?? Number.POSITIVE_INFINITY,
    );
  }

  environments(): EnvironmentState[] {
    return [...this.#states].map(([{ id }, state]) => ({ id, state }));
  }

  /**
   * @param wanted aborted when its caller waits no longer: an invocation that still waits for an environment is dropped. Otherwise a
   * machine that cannot keep up would work on what nobody waits for, and never recover. Lambda has no such wait.
   * @throws {FunctionError} as Lambda reports it
   */
  async invoke(event: unknown, wanted?: AbortSignal): Promise<unknown> {
    if (this.#running >= (this.#options.reservedConcurrency ?? Number.POSITIVE_INFINITY)) {
      throw new FunctionError({ errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' });
    }
    this.#running += 1;
    try {
      const environment = await this.#acquire(wanted);
      const begunAt = performance.now();
      try {
        return JSON.parse(await environment.invoke(JSON.stringify(event)));
      } finally {
        this.#options.onInvoked?.(environment.id, performance.now() - begunAt);
        this.#offer(environment);
      }
    } finally {
      this.#running -= 1;
    }
  }

  /** Kills one environment. Returns whether there was one. */
  async kill(environmentId: string): Promise<boolean> {
    const environment = [...this.#states.keys()].find(({ id }) => id === environmentId);
    await environment?.kill();
    return environment !== undefined;
  }

  /**
   * Starts every further invocation in a new environment, which loads the function's code as it is now. Idle environments end
   * at once; a busy one is told to hand over, and ends with its invocation.
   */
  async renew(): Promise<void> {
    const present = [...this.#states];
    for (const [environment] of present) this.#outdated.add(environment);
    for (const [environment] of present) environment.hurry();
    await Promise.all(
      present.flatMap(([environment, state]) => (state === 'idle' ? [environment.kill()] : [])),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#reaper);
    for (const { reject, timer } of this.#waiters.splice(0)) {
      clearTimeout(timer);
      reject(
        new FunctionError({ errorType: 'ServiceException', errorMessage: 'The local cloud is closing.' }),
      );
    }
    await Promise.all([...this.#states.keys()].map((environment) => environment.kill()));
  }

  #acquire(wanted?: AbortSignal): Promise<ExecutionEnvironment> {
    for (let free = this.#idle.pop(); free; free = this.#idle.pop()) {
      if (!free.environment.alive || this.#outdated.has(free.environment)) continue;
      this.#states.set(free.environment, 'busy');
      return Promise.resolve(free.environment);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#scaleOut(), SCALE_OUT_AFTER_MS);
      const waiter = { resolve, reject, timer };
      this.#waiters.push(waiter);
      wanted?.addEventListener('abort', () => this.#drop(waiter), { once: true });
      if (this.#states.size === 0) this.#scaleOut();
    });
  }

  /** Nothing, if the invocation does not wait any more. */
  #drop(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index < 0) return;
    this.#waiters.splice(index, 1);
    clearTimeout(waiter.timer);
    waiter.reject(
      new FunctionError({
        errorType: 'ServiceException',
        errorMessage: 'No environment was free before its caller gave up.',
      }),
    );
  }

  /** Starts an environment, unless as many are starting as invocations wait. */
  #scaleOut(): void {
    const starting = [...this.#states.values()].filter((state) => state === 'starting').length;
    if (
      this.#closed ||
      starting >= Math.min(this.#waiters.length, MAX_STARTING) ||
      this.#states.size >= this.#options.maxEnvironments
    )
      return;
    const environment: ExecutionEnvironment = new ExecutionEnvironment(
      this.spec,
      this.#options.runtime,
      (text) => this.#options.log(text, environment.id),
    );
    this.#options.onStart?.(environment.id);
    this.#states.set(environment, 'starting');
    environment.ready.then(
      () => {
        this.#offer(environment);
        // Invocations that still wait have waited long enough: start another one for them.
        this.#scaleOut();
      },
      (error: unknown) => {
        this.#options.log(`did not start: ${messageOf(error)}`, environment.id);
        const waiter = this.#waiters.shift();
        if (!waiter) return;
        clearTimeout(waiter.timer);
        waiter.reject(error);
      },
    );
    void environment.gone.then(() => {
      this.#states.delete(environment);
      const index = this.#idle.findIndex((entry) => entry.environment === environment);
      if (index >= 0) this.#idle.splice(index, 1);
      if (this.#waiters.length > 0) this.#scaleOut();
    });
  }

  #offer(environment: ExecutionEnvironment): void {
    if (!environment.alive) return;
    if (this.#outdated.has(environment)) {
      void environment.kill();
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter) {
      clearTimeout(waiter.timer);
      this.#states.set(environment, 'busy');
      waiter.resolve(environment);
    } else {
      this.#states.set(environment, 'idle');
      this.#idle.push({ environment, since: Date.now() });
    }
  }

  #reap(): void {
    while (this.#idle.length > 1) {
      const [oldest] = this.#idle;
      if (!oldest || Date.now() - oldest.since < IDLE_MS) return;
      this.#idle.shift();
      void oldest.environment.kill();
    }
  }
}
