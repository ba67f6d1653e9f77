import type { AgentModel } from './agent-model.ts';
import type { Prices } from './prices.ts';
import { type WriterOptions, writerAgent } from './writer.ts';

/** How earlier messages are summarised that do not fit into prompts any more. */
export interface CompactionOptions extends WriterOptions {
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

const DEFAULTS = { instructions: INSTRUCTIONS, maxOutputTokens: MAX_OUTPUT_TOKENS };

/** The agent that writes summaries. Undefined: nobody does. */
export const compactionAgent = (agent: {
  compaction?: CompactionOptions;
  model?: AgentModel;
  prices?: Prices;
}) => writerAgent(agent.compaction, DEFAULTS, agent);
