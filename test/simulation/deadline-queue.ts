import type { Core } from '../../core/core.ts';
import { continueReplay } from '../../core/inbound/continue-replay.ts';
import { continueFork } from '../../core/inbound/fork.ts';
import { greet } from '../../core/inbound/greet.ts';
import type { Deletion, ForkJob, GreetingJob, ReplayJob, TurnJob } from '../../core/ports.ts';
import { deadlinePassed } from '../../core/session/deadline.ts';
import { carryOutDeletion } from '../../core/session/deletion.ts';
import type { Actor, Scheduler, Source } from './scheduler.ts';
import { VISIBILITY_MS } from './turn-queue.ts';

/** What the queue of deadlines needs of its cloud. */
interface World {
  readonly scheduler: Scheduler;
  coreFor(actor: Actor): Core;
}

type Message =
  | TurnJob
  | { deletion: Deletion }
  | { replay: ReplayJob }
  | { greeting: GreetingJob }
  | { fork: ForkJob };

/** The standard queue that delays its messages: deadlines of turns, deletions, silent connections, replays and forks to go on with. */
export class DeadlineQueue {
  readonly #world: World;
  readonly #messages: { at: number; message: Message }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  send(message: Message, delayMs: number): void {
    this.#messages.push({ at: this.#world.scheduler.now + delayMs, message });
  }

  source(): Source {
    const { scheduler } = this.#world;
    return {
      readyAt: () => Math.min(Number.POSITIVE_INFINITY, ...this.#messages.map(({ at }) => at)),
      act: () => {
        const index = this.#messages.findIndex(({ at }) => at <= scheduler.now);
        const [due] = this.#messages.splice(index, 1);
        if (!due) return;
        const { message } = due;
        scheduler.spawn(
          'deadline',
          (actor) => {
            const core = this.#world.coreFor(actor);
            if ('deletion' in message) return carryOutDeletion(core, message.deletion);
            if ('replay' in message) return continueReplay(core, message.replay);
            if ('greeting' in message) return greet(core, message.greeting);
            if ('fork' in message) return continueFork(core, message.fork);
            return deadlinePassed(core, message);
          },
          (end) => {
            if (!end.ok) this.send(message, VISIBILITY_MS);
          },
        );
      },
    };
  }
}
