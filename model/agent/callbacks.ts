import type { ToolLoopAgentSettings, ToolSet } from 'ai';
import { type Milliseconds, milliseconds } from '../../config/units.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { AgentOutput } from './output.ts';

/** The SDK's callbacks that are called here. `onStepFinish` and `onFinish` are the SDK's earlier names of `onStepEnd` and `onEnd`. */
export const CALLBACKS = [
  'onStart',
  'onStepStart',
  'onStepEnd',
  'onStepError',
  'onStepFinish',
  'onLanguageModelCallStart',
  'onLanguageModelCallEnd',
  'onToolExecutionStart',
  'onToolExecutionEnd',
  'onError',
  'onAbort',
  'onEnd',
  'onFinish',
] as const;

export type CallbackName = (typeof CALLBACKS)[number];
export type Callbacks = Pick<
  ToolLoopAgentSettings<never, ToolSet, Record<string, unknown>, AgentOutput>,
  CallbackName
>;
type EventOf<N extends CallbackName> = Parameters<NonNullable<Callbacks[N]>>[0];

/** How long one call of a callback is waited for, and all that are left when a worker leaves. */
export const CALLBACK_MS = milliseconds(10_000);

const EARLIER_NAMES = new Map<CallbackName, CallbackName>([
  ['onStepEnd', 'onStepFinish'],
  ['onEnd', 'onFinish'],
]);

/**
 * Calls the agent's callbacks one after the other, in the order in which things happened. Nobody waits for them but the worker that leaves:
 * a callback that throws or hangs is logged by its name, and changes nothing of a turn.
 */
export class CallbackQueue {
  readonly #callbacks: ReadonlyMap<CallbackName, (event: never) => PromiseLike<void> | void>;
  readonly #clock: Clock;
  readonly #log: Log;
  #last: Promise<void> = Promise.resolve();

  constructor(callbacks: Callbacks, { clock, log }: { clock: Clock; log: Log }) {
    const given = new Map(Object.entries(callbacks));
    this.#callbacks = new Map(
      CALLBACKS.flatMap((name) => {
        const callback = given.get(name);
        return callback ? [[name, callback] as const] : [];
      }),
    );
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether the agent has no callback. */
  get isEmpty(): boolean {
    return this.#callbacks.size === 0;
  }

  call<N extends CallbackName>(name: N, event: EventOf<N>): void {
    const called = this.#callbacks.has(name) ? name : EARLIER_NAMES.get(name);
    const callback = called && this.#callbacks.get(called);
    if (!callback) return;
    // Each callback is kept under the name of its event.
    this.#last = this.#last.then(() => this.#run(called, async () => callback(event as never), CALLBACK_MS));
  }

  /** Resolves when no callback is under way, or after so long. It never rejects. */
  async settled(ms: Milliseconds): Promise<void> {
    await this.#run('the last callbacks', () => this.#last, ms);
  }

  async #run(callback: string, run: () => Promise<void>, ms: Milliseconds): Promise<void> {
    const over = new AbortController();
    const late = this.#clock.sleep(ms, over.signal).then(() => {
      throw new Late();
    });
    try {
      await Promise.race([run(), late]);
    } catch (error) {
      this.#log.error('a callback of the agent failed', {
        callback,
        // Its message may have content of the conversation.
        error: error instanceof Late ? `not done within ${ms / 1000} s` : nameOf(error),
      });
    } finally {
      over.abort('over');
      late.catch(() => {});
    }
  }
}

class Late extends Error {}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
