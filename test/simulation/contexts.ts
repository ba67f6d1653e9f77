import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import type { CallPreparation, Model, ModelRequest, PromptMessage } from '../../core/model.ts';

/** The field that no options of a message may have. */
const UNFIT = 'unfit';

/**
 * The options of a message, in histories with them: many have some, and a few do not fit. The id decides, so that a repeat has
 * the same ones.
 */
export function optionsOf(id: string): { n: number } | { [UNFIT]: true } | undefined {
  if (id.startsWith('probe')) return undefined;
  const sum = [...id].reduce((all, letter) => all + letter.charCodeAt(0), 0);
  if (sum % 6 === 1) return { [UNFIT]: true };
  return sum % 2 === 0 ? { n: sum % 3 } : undefined;
}

/** The agent's code prepares each turn anew, so that asking again shows: where answers are cached, by the options alone. */
export const preparationOf = (cloud: {
  readonly settings: { cache: boolean };
  asked: number;
}): CallPreparation => ({
  check: async (options) => (Object.hasOwn(Object(options), UNFIT) ? { path: UNFIT } : { options }),
  prepare: async ({ options }) => ({
    tag: cloud.settings.cache ? ((options as { n?: number }).n ?? 0) : cloud.asked++,
  }),
});

/** The model that the agent's code names for a step: the prompt decides, as a worker that takes over builds it too. */
export const modelOfStep = (messages: readonly PromptMessage[]): 'first' | 'third' =>
  messages.filter((message) => message.role === 'user' && message.content !== CONTINUE_REQUEST).length % 2 ===
  0
    ? 'third'
    : 'first';

/** With an agent's code that prepares each step. */
export function preparingSteps(
  model: Model,
  named: (name: string) => Model,
  asks: (request: ModelRequest) => Promise<void>,
): Model {
  return {
    ...model,
    async prepareStep(request, requestFor, keepsModel) {
      await asks(request);
      const name = keepsModel ? model.name : modelOfStep(request.messages);
      const asked = name === model.name ? model : named(name);
      return { model: asked, request: asked === model ? request : requestFor(asked) };
    },
  };
}

/** Whether the options of this message do not fit. */
export const isUnfit = (id: string) => Object.hasOwn(optionsOf(id) ?? {}, UNFIT);
