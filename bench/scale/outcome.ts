/** What somebody was refused, and by whom. Each is something that a user, a client or an operator sees. */
export const REFUSALS = {
  handshake: '429 to a handshake: the client dials again after a growing, random wait',
  frame: 'a frame not taken: "Too Many Requests"; the client sends it again after 5 s',
  environment:
    'no environment: a handshake gets a 5xx, a frame "Internal server error"; the client repeats both',
  wait: '`SESSION_QUEUE_TIMEOUT`: no worker began the turn within 30 s; the person has to send it again',
  table: '`INTERNAL` for a frame, six attempts of the SDK failed; the client repeats it',
  worker: 'a turn that lost its worker, as six attempts of the SDK failed; it goes on 15 s later',
  post: 'a connection closed, as its posts were throttled for 2 s; it connects again and resumes',
} as const;
export type Refusal = keyof typeof REFUSALS;

/** A limit, and how it was met. */
export const LIMITS = {
  connections: 'new connections, account',
  handshakes: 'handshakes, this stack',
  requests: 'requests of API Gateway, account',
  frames: 'frames, this stack',
  environments: 'environments of Lambda',
  pollers: 'invocations of the turn queue’s event source',
  table: 'write units of the table',
} as const;
export type Limit = keyof typeof LIMITS;

/** One second of a load. */
export interface Moment {
  turns: number;
  waiting: number;
  environments: number;
  dials: number;
  requests: number;
  frames: number;
  writes: number;
}

/** What a load met. Times are in milliseconds from its begin. */
export class Outcome {
  readonly refused: Record<Refusal, number> = {
    handshake: 0,
    frame: 0,
    environment: 0,
    wait: 0,
    table: 0,
    worker: 0,
    post: 0,
  };
  /** In how many seconds each limit held something back, from when to when. */
  readonly bound = new Map<Limit, { seconds: number; from: number; to: number }>();
  readonly seconds: Moment[] = [];
  /** By minute, what each message of it waited for. */
  readonly accepted: Waits = new Waits();
  readonly firstText: Waits = new Waits();
  readonly connected: Waits = new Waits();
  /** How much longer a turn took than it does by itself, from its first text on. */
  readonly stalled: Waits = new Waits();
  answered = 0;
  endedAt = 0;

  meets(limit: Limit, now: number): void {
    const met = this.bound.get(limit);
    if (!met) this.bound.set(limit, { seconds: 1, from: now, to: now });
    else {
      if (Math.floor(met.to / 1000) !== Math.floor(now / 1000)) met.seconds++;
      met.to = now;
    }
  }

  at(now: number): Moment {
    const second = Math.floor(now / 1000);
    while (this.seconds.length <= second)
      this.seconds.push({
        turns: 0,
        waiting: 0,
        environments: 0,
        dials: 0,
        requests: 0,
        frames: 0,
        writes: 0,
      });
    return this.seconds[second] as Moment;
  }

  peak(of: keyof Moment): number {
    return this.seconds.reduce((most, second) => Math.max(most, second[of]), 0);
  }
}

/** Samples, each with the time at which it began. */
export class Waits {
  readonly #at: number[] = [];
  readonly #ms: number[] = [];

  add(at: number, ms: number): void {
    this.#at.push(at);
    this.#ms.push(ms);
  }

  get all(): readonly number[] {
    return this.#ms;
  }

  /** When each was over. */
  get ended(): readonly number[] {
    return this.#at.map((at, n) => at + (this.#ms[n] ?? 0));
  }

  /** Those that began in each stretch of so long. */
  by(lengthMs: number): number[][] {
    const groups: number[][] = [];
    for (const [n, at] of this.#at.entries()) {
      const place = Math.floor(at / lengthMs);
      while (groups.length <= place) groups.push([]);
      groups[place]?.push(this.#ms[n] ?? 0);
    }
    return groups;
  }
}
