import { DataError } from '../../core/data-error.ts';
import type { CallDisplay } from '../../core/model.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** What a scripted tool shows and sends: which run it is of, and the how many-th of it. */
export interface Shown {
  by: string;
  n: number;
  /** Its call had ended by then. */
  late?: true;
}

/** One run of a tool that shows something now and then. */
export class ShowingTool {
  readonly #scheduler: Scheduler;
  readonly #actor: Actor;
  readonly #display: CallDisplay;
  readonly #by: string;
  #n = 0;

  constructor(scheduler: Scheduler, actor: Actor, display: CallDisplay, run: number) {
    this.#scheduler = scheduler;
    this.#actor = actor;
    this.#display = display;
    this.#by = `${actor.id}, run ${run}`;
  }

  async work(signal: AbortSignal): Promise<void> {
    const { random } = this.#scheduler;
    const times = random.int(0, 6);
    for (let i = 0; i < times && !signal.aborted; i++) {
      await this.#scheduler.sleep(this.#actor, random.int(0, 250), signal);
      // Some come together.
      for (let burst = random.int(1, 3); burst > 0; burst--) this.#show({});
    }
  }

  /** Goes on after its call, as a forgotten promise does. */
  async outlive(): Promise<void> {
    await this.#scheduler.sleep(this.#actor, this.#scheduler.random.int(0, 600));
    this.#show({ late: true });
  }

  #show(late: Pick<Shown, 'late'>): void {
    const { random } = this.#scheduler;
    const shown = () => ({ by: this.#by, n: ++this.#n, ...late });
    try {
      this.#display.progress(shown());
      if (random.chance(0.4)) this.#display.data({ name: 'part', data: shown() });
      if (random.chance(0.3)) this.#display.data({ name: 'part', id: 'shared', data: shown() });
    } catch (error) {
      // The call is over: it was stopped, or took too long.
      if (!(error instanceof DataError)) throw error;
    }
  }
}
