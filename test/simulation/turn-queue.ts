import { toMs } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { TurnJob } from '../../core/ports.ts';
import type { JobEnd } from '../../core/turn/worker.ts';
import type { Promptness } from './promptness.ts';
import type { Actor, Scheduler, Source } from './scheduler.ts';

/** How long a job stays hidden from other workers after its worker last renewed it. */
export const VISIBILITY_MS = 2000;
/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html */
export const DEDUPLICATION_MS = 300_000;

/** What the queue of turns needs of its cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly settings: {
    /** Receives of a job, after which it is dead. */
    maxReceives: number;
    /** SQS may delete a message by an old receipt handle. */
    acceptsStaleHandles: boolean;
  };
  readonly promptness: Promptness;
  coreFor(actor: Actor): Core;
  /** Runs a job until `endsAt` of its actor. */
  work(actor: Actor, job: TurnJob, limitMs: number): Promise<JobEnd>;
  /** Whether the actor was the last one to claim a lane. */
  holdsLane(actor: Actor): boolean;
}

interface QueuedJob {
  job: TurnJob;
  receives: number;
  visibleAt: number;
  handle: string | undefined;
  worker: Actor | undefined;
}

/** The FIFO queue of turn jobs with one group, its dead letters, and the function that sends these again. */
export class TurnQueue {
  readonly #world: World;
  /** The slot of the job that each worker received. */
  readonly #slots = new Map<Actor, string>();
  readonly #sent = new Map<string, number>();
  #jobs: QueuedJob[] = [];
  #dead: QueuedJob[] = [];
  /** How many jobs died. */
  deadLetters = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get queued(): number {
    return this.#jobs.length + this.#dead.length;
  }

  slotOf(worker: Actor): string {
    return this.#slots.get(worker) ?? '';
  }

  send(job: TurnJob, sender: string): void {
    const { now } = this.#world.scheduler;
    const id = `${job.slot}#${sender}`;
    const before = this.#sent.get(id);
    if (before !== undefined && now - before < DEDUPLICATION_MS) return;
    this.#sent.set(id, now);
    this.#jobs.push({ job, receives: 0, visibleAt: now, handle: undefined, worker: undefined });
  }

  source(): Source {
    const { scheduler, settings, promptness } = this.#world;
    return {
      readyAt: () => {
        const first = this.#head();
        if (!first) return Number.POSITIVE_INFINITY;
        const { worker } = first;
        const held = first.handle && worker && !worker.dead && !worker.over;
        if (held && worker.pausedUntil <= scheduler.now) return Number.POSITIVE_INFINITY;
        return first.visibleAt;
      },
      act: () => {
        const message = this.#head();
        if (!message) return;
        if (message.receives >= settings.maxReceives) {
          this.#jobs.shift();
          this.#dead.push(message);
          this.deadLetters++;
          // Sent again it stands behind all others of its session.
          promptness.forget('takenOver', message.job.slot);
          scheduler.log(`job ${message.job.slot} goes to the dead-letter queue`);
          return;
        }
        this.#receive(message);
      },
    };
  }

  redriveSource(): Source {
    const { scheduler } = this.#world;
    return {
      readyAt: () => (this.#dead.length ? scheduler.now : Number.POSITIVE_INFINITY),
      act: () => {
        const message = this.#dead.shift();
        if (!message) return;
        scheduler.spawn(
          'redrive',
          (actor) => this.#world.coreFor(actor).queues.sendJob(message.job, scheduler.newId('i')),
          (end) => {
            if (!end.ok) this.#dead.push(message);
          },
        );
      },
    };
  }

  #head(): QueuedJob | undefined {
    const { now } = this.#world.scheduler;
    const first = this.#jobs[0];
    if (!first) return undefined;
    const { worker } = first;
    // A live worker extends the visibility time; a paused or dead one does not.
    if (first.handle && worker && !worker.dead && !worker.over && worker.pausedUntil <= now) {
      first.visibleAt = now + VISIBILITY_MS;
    }
    return first;
  }

  #receive(message: QueuedJob): void {
    const { scheduler, settings, promptness } = this.#world;
    message.receives++;
    const handle = scheduler.newId('h');
    message.handle = handle;
    message.visibleAt = scheduler.now + VISIBILITY_MS;
    const limit =
      scheduler.faults.crash > 0 && scheduler.random.chance(0.3)
        ? scheduler.random.int(1500, 6000)
        : 3_600_000;
    const worker = scheduler.spawn(
      'worker',
      async (actor) => {
        actor.endsAt = scheduler.now + limit;
        scheduler.log(`${actor.id} receives job ${message.job.slot} (receive ${message.receives})`);
        promptness.begins('claimed', actor.id, scheduler.now);
        this.#slots.set(actor, message.job.slot);
        const end = await this.#world.work(actor, message.job, limit);
        scheduler.log(`${actor.id} ends: ${JSON.stringify(end)}`);
        promptness.ends('claimed', actor.id, scheduler.now);
        if (typeof end === 'object') promptness.lasted('setDown', actor.id, toMs(end.seconds));
        return end;
      },
      (end) => {
        this.#noteTakeOver(worker, message.job.slot, end.ok);
        if (message.handle !== handle && !(settings.acceptsStaleHandles && end.ok && end.value === 'over'))
          return;
        if (end.ok && end.value === 'over') this.#jobs = this.#jobs.filter((other) => other !== message);
        else if (end.ok && end.value === 'handover') {
          scheduler.count('hand-over');
          message.visibleAt = scheduler.now;
          message.handle = undefined;
        } else if (end.ok && typeof end.value === 'object') {
          scheduler.count('set down');
          message.visibleAt = scheduler.now + toMs(end.value.seconds);
          message.handle = undefined;
        } else if (end.ok) scheduler.count('fenced');
      },
    );
    message.worker = worker;
  }

  /** A worker has ended. Where it died with the lane's lease, or before it took over, the next one must take over. */
  #noteTakeOver(worker: Actor, slot: string, ended: boolean): void {
    const { promptness, scheduler } = this.#world;
    if (ended) promptness.ends('takenOver', slot, scheduler.now);
    else if (this.#world.holdsLane(worker)) promptness.begins('takenOver', slot, scheduler.now);
    else promptness.beginsAnew('takenOver', slot, scheduler.now);
  }
}
