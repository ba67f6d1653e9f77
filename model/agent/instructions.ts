import type { Instructions, SystemModelMessage } from 'ai';

/** The instructions as system messages, with the provider's options that stand at them. */
export const systemMessages = (instructions: Instructions): SystemModelMessage[] =>
  typeof instructions === 'string'
    ? [{ role: 'system', content: instructions }]
    : Array.isArray(instructions)
      ? instructions
      : [instructions];

/** The text of the instructions. */
export const instructionsText = (instructions: Instructions): string =>
  systemMessages(instructions)
    .map(({ content }) => content)
    .join('\n\n');
