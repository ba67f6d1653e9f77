import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Agents that tools ask. */
export const SUBAGENTS: readonly Mutant[] = [
  {
    name: 'subagent-counted-twice',
    breaks: 'what a model call of a subagent used is counted once',
    subagents: true,
    edits: [replace('use-of-a-subagent-is-noted-once', ({ text }) => `[...${text}, ...${text}]`)],
  },
  {
    name: 'subagent-goes-on-uncounted',
    breaks: 'what a model call of a subagent used is durable before its next one',
    subagents: true,
    edits: [replace('subagent-waits-for-its-count', ({ text }) => `Promise.resolve(void ${text})`)],
  },
  {
    name: 'spent-budget-asks-subagent',
    breaks: 'no model of a subagent is called after the budget is spent',
    subagents: true,
    edits: [drop('spent-budget-asks-no-subagent')],
  },
  {
    name: 'nested-call-named-anew',
    breaks: 'the same call of an agent that is asked again has the same idempotency key',
    subagents: true,
    edits: [replace('nested-call-is-named-by-its-content', 'crypto.randomUUID()')],
  },
];
