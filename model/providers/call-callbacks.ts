import type { ModelPart, ModelRequest } from '../../core/model.ts';
import type { CallbackQueue, Callbacks } from '../agent/callbacks.ts';
import { TurnError } from '../agent/observer.ts';
import { sdkSteps } from '../agent/sdk-steps.ts';

type StepStart = Parameters<NonNullable<Callbacks['onStepStart']>>[0];

/** The callbacks about model calls: the SDK makes their events, and the turn says which step of which turn it is. */
export class CallCallbacks {
  readonly #queue: CallbackQueue;
  /** The last turn that this process has told the agent of: a call that is repeated begins no turn. */
  #begun: string | undefined;

  constructor(queue: CallbackQueue) {
    this.#queue = queue;
  }

  /** For `streamText`, which makes one step of its own of each call. */
  ofCall({ turnId: callId = '', steps = [] }: ModelRequest) {
    let started: StepStart | undefined;
    const queue = this.#queue;
    const own = { callId, stepNumber: steps.length };
    const isFirst = steps.length === 0 && this.#begun !== callId;
    return {
      options: {
        onStart: (event) => {
          if (!isFirst) return;
          this.#begun = callId;
          queue.call('onStart', { ...event, callId });
        },
        onStepStart: (event) => {
          started = { ...event, ...own, steps: sdkSteps(steps).map((step) => ({ ...step, callId })) };
          queue.call('onStepStart', started);
        },
        onLanguageModelCallStart: (event) => queue.call('onLanguageModelCallStart', { ...event, callId }),
        onLanguageModelCallEnd: (event) => queue.call('onLanguageModelCallEnd', { ...event, callId }),
      } satisfies Callbacks,
      /** Passes the parts of the call on, and tells of its failure. */
      async *watched(parts: AsyncIterable<ModelPart>): AsyncGenerator<ModelPart, void, undefined> {
        for await (const part of parts) {
          if (part.type === 'failure' && started)
            queue.call('onStepError', { ...started, error: new TurnError(part.failure) });
          yield part;
        }
      },
    };
  }
}
