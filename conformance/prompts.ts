/**
 * What the kit asks the agent. Any model may answer: a rule never looks at what is said, it only needs an answer that is
 * short, one that lasts, or one during which a tool runs.
 */
export const SHORT = 'What time is it? Answer in one short sentence.';

/** Over within seconds, and yet long enough to be met in the middle. */
export const PARAGRAPH = 'Write 30 words about the sea.';

/** Not over before the rule is: it is aborted, or interrupted, by the rule itself. */
export const ESSAY = 'Write 600 words about the sea, without calling any tool.';

/** A tool that runs for a while; agents without a `wait` tool just answer, and rules that need one are skipped. */
export const waits = (seconds: number): string =>
  `Call your wait tool once: wait ${seconds} seconds. Then answer in one short sentence.`;
