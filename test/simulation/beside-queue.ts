import type { Actor, Scheduler, Source } from './scheduler.ts';
import { DEDUPLICATION_MS, VISIBILITY_MS } from './turn-queue.ts';

interface Queued<J> {
  job: J;
  visibleAt: number;
  worker: Actor | undefined;
}

/** A queue group beside a session's turns: its jobs run one after the other, and again if their worker dies. */
export class BesideQueue<J> {
  readonly #scheduler: Scheduler;
  readonly #name: string;
  readonly #run: (actor: Actor, job: J) => Promise<void>;
  #queue: Queued<J>[] = [];
  readonly #sent = new Map<string, number>();

  constructor(scheduler: Scheduler, name: string, run: (actor: Actor, job: J) => Promise<void>) {
    this.#scheduler = scheduler;
    this.#name = name;
    this.#run = run;
  }

  get queued(): number {
    return this.#queue.length;
  }

  send(job: J, sender: string): void {
    const { now } = this.#scheduler;
    const before = this.#sent.get(sender);
    if (before !== undefined && now - before < DEDUPLICATION_MS) return;
    this.#sent.set(sender, now);
    this.#queue.push({ job, visibleAt: now, worker: undefined });
  }

  source(): Source {
    const scheduler = this.#scheduler;
    return {
      readyAt: () => {
        const first = this.#queue[0];
        if (!first) return Number.POSITIVE_INFINITY;
        const { worker } = first;
        const isHeld = worker && !worker.dead && !worker.over && worker.pausedUntil <= scheduler.now;
        if (!isHeld) return first.visibleAt;
        // A live worker extends the visibility time.
        first.visibleAt = scheduler.now + VISIBILITY_MS;
        return Number.POSITIVE_INFINITY;
      },
      act: () => {
        const first = this.#queue[0];
        if (first) this.#receive(first);
      },
    };
  }

  #receive(message: Queued<J>): void {
    const scheduler = this.#scheduler;
    message.visibleAt = scheduler.now + VISIBILITY_MS;
    const worker = scheduler.spawn(
      this.#name,
      async (actor) => {
        actor.endsAt = scheduler.now + 3_600_000;
        await this.#run(actor, message.job);
      },
      (end) => {
        if (end.ok && message.worker === worker)
          this.#queue = this.#queue.filter((other) => other !== message);
      },
    );
    message.worker = worker;
  }
}
