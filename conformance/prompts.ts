/**
 * The messages that the kit sends. Any model can answer: a rule does not read the text of an answer. It needs a short
 * answer, an answer that lasts, or an answer during which a tool runs.
 */
export const SHORT = 'What time is it? Answer in one short sentence.';

/** The answer takes seconds: long enough to be interrupted, short enough to wait for. */
export const PARAGRAPH = 'Write 30 words about the sea.';

/** The answer lasts longer than the rule, which aborts or interrupts it. */
export const ESSAY = 'Write 600 words about the sea, without calling any tool.';

/** Makes the agent call a tool that takes this long. An agent without a `wait` tool only answers; then the rule is skipped. */
export const waits = (seconds: number): string =>
  `Call your wait tool once: wait ${seconds} seconds. Then answer in one short sentence.`;
