import { type AgentModel, complaintAboutModel } from './agent-model.ts';
import type { Prices } from './prices.ts';

/** A model call beside the turns, which writes a text: a summary, a title. */
export interface WriterOptions {
  model?: AgentModel;
  instructions?: string;
  maxOutputTokens?: number;
}

const OPTIONS: ReadonlySet<string> = new Set(['model', 'instructions', 'maxOutputTokens']);

/** The agent that writes: without tools, with the model and the prices of the agent that it works for if it has none of its own. */
export function writerAgent(
  options: WriterOptions | undefined,
  defaults: Required<Omit<WriterOptions, 'model'>>,
  { model, prices }: { model?: AgentModel; prices?: Prices },
) {
  if (!options) return undefined;
  const { instructions = defaults.instructions, maxOutputTokens = defaults.maxOutputTokens } = options;
  const named = options.model ?? model;
  return {
    instructions,
    maxOutputTokens,
    tools: {},
    ...(named !== undefined && { model: named }),
    ...(prices && { prices }),
  };
}

/** Returns what is wrong with the options. */
export function complaintAboutWriter(options: object): string | undefined {
  const unknown = Object.keys(options).find((option) => !OPTIONS.has(option));
  if (unknown !== undefined) return `there is no option ${unknown}.`;
  const { model, instructions, maxOutputTokens } = options as Partial<Record<string, unknown>>;
  if (instructions !== undefined && (typeof instructions !== 'string' || instructions.trim() === ''))
    return 'instructions must be a text.';
  if (maxOutputTokens !== undefined && !(Number.isInteger(maxOutputTokens) && Number(maxOutputTokens) > 0))
    return 'maxOutputTokens must be a whole number above 0.';
  // What a function gives is checked when it has given it.
  const complaint =
    model === undefined || typeof model === 'function' ? undefined : complaintAboutModel(model);
  return complaint && `model: ${complaint}`;
}
