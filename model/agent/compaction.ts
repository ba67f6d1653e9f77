import { type AgentModel, complaintAboutModel } from './agent-model.ts';
import type { Prices } from './prices.ts';

/** How earlier messages are summarised that do not fit into prompts any more. */
export interface CompactionOptions {
  /**
   * The model that writes summaries, or a function that makes it: a cheap one will do. Default: the model that answers.
   *
   * @example model: ({ secret }) => …
   */
  model?: AgentModel;
  /** What a summary has to keep. Default: what the user wants, what was decided and done, names, numbers and what is open. */
  instructions?: string;
  /** Tokens that a summary may have, with what a model thinks before it. Default: 4,000. */
  maxOutputTokens?: number;
}

const MAX_OUTPUT_TOKENS = 4000;

const INSTRUCTIONS = [
  'You summarise the earlier part of a conversation between a user and an assistant that has tools. It does not fit into the',
  "assistant's context any more. The assistant goes on with the conversation and sees your summary in its place.",
  'Keep what it needs for that: what the user wants, prefers and has decided; names, numbers, dates, addresses and ids exactly as',
  'they were said; what was done with tools and what came of it; what is open or was promised. Take over what an earlier summary',
  'has of this. Leave out greetings and what is settled. Say who said what. Write in the language of the user.',
].join(' ');

const OPTIONS: ReadonlySet<string> = new Set(['model', 'instructions', 'maxOutputTokens']);

/** The agent that writes summaries: without tools, and with the prices of the agent that it works for. */
export function compactionAgent({
  compaction,
  model,
  prices,
}: {
  compaction?: CompactionOptions;
  model?: AgentModel;
  prices?: Prices;
}) {
  if (!compaction) return undefined;
  const { instructions = INSTRUCTIONS, maxOutputTokens = MAX_OUTPUT_TOKENS } = compaction;
  const named = compaction.model ?? model;
  return {
    instructions,
    maxOutputTokens,
    tools: {},
    ...(named !== undefined && { model: named }),
    ...(prices && { prices }),
  };
}

/** Returns what is wrong with the option, and whether it is the model. */
export function complaintAboutCompaction(options: object): string | undefined {
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
