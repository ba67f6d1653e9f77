import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** The hooks of the agent's code. */
export const HOOKS: readonly Mutant[] = [
  {
    name: 'refused-message-in-later-prompts',
    breaks: 'no prompt has a message that a hook refused',
    hooks: true,
    edits: [replace('refused-message-in-no-prompt', 'true')],
  },
  {
    name: 'unchecked-message-in-later-prompts',
    breaks: 'no prompt has a message of an earlier turn that no hook may have seen',
    hooks: true,
    edits: [replace('unchecked-message-in-no-prompt', ({ alternate }) => alternate)],
  },
  {
    name: 'steering-not-checked',
    breaks: 'a model reads no message that no hook has allowed',
    hooks: true,
    edits: [replace('unread-message-is-checked', ({ left }) => `${left} === 1`)],
  },
  {
    name: 'refused-call-runs',
    breaks: 'a call that a hook refuses does not run',
    hooks: true,
    edits: [replace('refused-call-does-not-run', 'true')],
  },
  {
    name: 'call-of-a-dead-worker-not-checked',
    breaks: 'a worker runs no call that no hook has allowed it',
    hooks: true,
    edits: [drop('call-run-again-is-checked-again')],
  },
  {
    name: 'output-not-checked',
    breaks: 'an output is stored as the hook has it',
    hooks: true,
    edits: [replace('output-is-checked', ({ args }) => `${args[3]}`)],
  },
  {
    name: 'end-not-told-after-take-over',
    breaks: 'the hook is told of each end, also if the worker died before it asked for that',
    hooks: true,
    edits: [drop('take-over-asks-for-follow-ups'), drop('retired-slot-asks-for-follow-ups')],
  },
];
