import type { AgentModel } from './agent-model.ts';
import type { Prices } from './prices.ts';
import { type WriterOptions, writerAgent } from './writer.ts';

/** How sessions get their titles. */
export interface TitleOptions extends WriterOptions {
  /**
   * The model that writes titles, or a function that makes it: a cheap one will do. Default: the model that answers.
   *
   * @example model: ({ secret }) => …
   */
  model?: AgentModel;
  /** What a title has to be. Default: three to six words, in the language of the user. */
  instructions?: string;
  /** Tokens that a title may have, with what a model thinks before it. Default: 1,000. */
  maxOutputTokens?: number;
}

const DEFAULTS = {
  instructions: [
    'You write the title of a conversation between a user and an assistant, for a list of conversations.',
    'It has three to six words, in the language of the user, and says what the conversation is about.',
    'No quotation marks, no full stop, no Markdown.',
  ].join(' '),
  maxOutputTokens: 1000,
};

/** The agent that writes titles. Undefined: nobody does. */
export const titleAgent = (agent: { titles?: TitleOptions; model?: AgentModel; prices?: Prices }) =>
  writerAgent(agent.titles, DEFAULTS, agent);
