import { between, type EpochMs, type Milliseconds } from '../../config/units.ts';
import type { ModelFailure } from '../model.ts';
import type { TurnContext } from './context.ts';

/** What a stream has failed by that ends without `finish` and `failure`. */
export const CUT_OFF: ModelFailure = {
  code: 'PROVIDER_ERROR',
  reason: 'cut_off',
  message: 'The model stopped before it finished its answer.',
  retryable: true,
  diagnostic: 'the stream ended without finish or failure',
};

/** Watches over a model call whose provider may fall silent: a silent model keeps a user waiting, and a function running that is paid for. */
export class CallWatch {
  readonly #clock: TurnContext['core']['clock'];
  readonly #limits: Pick<TurnContext['settings'], 'stallMs' | 'waitMs'>;
  /** When the provider last sent anything, and when it last sent something to show. */
  #aliveAt: EpochMs;
  #heardAt: EpochMs;

  constructor({
    core,
    settings,
  }: Pick<TurnContext, 'settings'> & { core: Pick<TurnContext['core'], 'clock'> }) {
    this.#clock = core.clock;
    this.#limits = settings;
    this.#aliveAt = core.clock.now();
    this.#heardAt = this.#aliveAt;
  }

  /** The provider has sent something that is no part. */
  readonly alive = (): void => {
    this.#aliveAt = this.#clock.now();
  };

  /** A part has come, or the end. */
  heard(): void {
    this.alive();
    this.#heardAt = this.#aliveAt;
  }

  get isSilent(): boolean {
    const { stallMs, waitMs } = this.#limits;
    const [sinceAlive, sinceHeard] = this.#silence();
    return sinceAlive >= stallMs || sinceHeard >= Math.max(waitMs, stallMs);
  }

  get silent(): ModelFailure {
    const [sinceAlive, sinceHeard] = this.#silence().map((ms) => Math.round(ms / 1000));
    return {
      code: 'PROVIDER_ERROR',
      reason: 'stalled',
      message: `The model sent nothing for ${sinceHeard} seconds.`,
      retryable: true,
      diagnostic: `no part of the answer for ${sinceHeard} s, and no byte for ${sinceAlive} s`,
    };
  }

  #silence(): [sinceAlive: Milliseconds, sinceHeard: Milliseconds] {
    const now = this.#clock.now();
    return [between(this.#aliveAt, now), between(this.#heardAt, now)];
  }
}
