import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** The agent: prompts, model calls, tools, approvals, cached answers. */
export const AGENT: readonly Mutant[] = [
  {
    name: 'text-shown-late',
    breaks: 'text is shown within the window of a flush, also where the model pauses',
    edits: [replace('text-is-shown-within-window', ({ consequent }) => consequent)],
  },
  {
    name: 'now-stops-no-tool',
    breaks: 'a message with `delivery: now` stops an abortable tool',
    edits: [drop('now-message-stops-tools')],
  },
  {
    name: 'now-stops-every-tool',
    breaks: 'a message with `delivery: now` lets other tools finish',
    edits: [replace('only-abortable-tools-stop', ({ consequent }) => consequent)],
  },
  {
    name: 'every-message-stops-tools',
    breaks: 'a message without `delivery: now` stops no tool',
    edits: [
      replace(
        'only-now-message-stops-tools',
        ({ args: [turn] }) => `Object.keys(${turn}.lane.inbox).length > 0`,
      ),
    ],
  },
  {
    name: 'run-unapproved-call',
    breaks: 'a call that needs approval waits for it',
    approvals: true,
    edits: [replace('call-waits-for-approval', ({ args: [requests, calls] }) => `${requests} && ${calls}`)],
  },
  {
    name: 'take-over-unapproved-call',
    breaks: 'a call that a dead worker left behind waits for its approval too',
    approvals: true,
    edits: [replace('taken-over-call-waits-for-approval', ({ args: [, calls = ''] }) => calls)],
  },
  {
    name: 'time-out-over-decision',
    breaks: 'a request times out only if nobody has decided it',
    approvals: true,
    edits: [drop('time-out-needs-no-decision')],
  },
  {
    name: 'decided-twice',
    breaks: 'the first decision on a request counts',
    approvals: true,
    edits: [drop('first-decision-counts')],
  },
  {
    name: 'abort-without-denial',
    breaks: 'an abort denies open requests',
    approvals: true,
    edits: [drop('abort-denies-open-requests')],
  },
  {
    name: 'trust-survives-revoke',
    breaks: 'an `always` of before a revocation is stored no more',
    approvals: true,
    edits: [drop('revoked-always-is-not-kept')],
  },
  {
    name: 'trusts-of-the-claim',
    breaks: 'what is trusted is read when calls are asked about',
    approvals: true,
    edits: [replace('trusts-are-read-when-asking', ({ args: [turn] }) => `${turn}.sessionItem`)],
  },
  {
    name: 'cache-ignores-prompt',
    breaks: 'a cached answer is given to the same prompt only',
    edits: [drop('cache-key-has-prompt')],
  },
  {
    name: 'context-not-committed',
    breaks: 'who asks, and what was prepared, is committed with the turn’s start',
    contexts: true,
    edits: [replace('context-committed-with-start', '{}')],
  },
  {
    name: 'unfit-options-applied',
    breaks: 'a message whose options do not fit is in no turn',
    contexts: true,
    edits: [drop('unfit-options-not-applied')],
  },
  {
    name: 'agent-chosen-again',
    breaks: 'of several agents, a session has one for all of its turns',
    contexts: true,
    edits: [drop('agent-is-chosen-once')],
  },
  {
    name: 'agent-not-chosen',
    breaks: 'of several agents, a session is given one before its first turn',
    contexts: true,
    edits: [replace('agent-before-messages', () => `'apply-inbox'`)],
  },
  {
    name: 'message-for-other-agent-applied',
    breaks: 'no agent reads a message that was sent for another one',
    contexts: true,
    edits: [replace('other-agent-not-applied', () => 'false')],
  },
  {
    name: 'prompt-of-another-model',
    breaks: 'a prompt is made for the model that the agent’s code names',
    contexts: true,
    edits: [
      replace(
        'prompt-is-for-its-model',
        ({ callee, args: [request, , fellBack] }) => `${callee}(${request}, () => ${request}, ${fellBack})`,
      ),
    ],
  },
  {
    name: 'step-prepared-without-boundary',
    breaks: 'messages that are seen while a step is prepared are applied before its call',
    contexts: true,
    edits: [drop('prepared-step-has-its-boundary')],
  },
  {
    name: 'code-overrides-fallback',
    breaks: 'the fallback model answers for the rest of a turn, whichever model the agent’s code names',
    contexts: true,
    edits: [replace('fallback-is-kept', 'false')],
  },
  {
    name: 'done-names-first-model',
    breaks: '`done` names the model that answered',
    contexts: true,
    edits: [replace('done-names-its-model', ({ right }) => right)],
  },
  {
    name: 'cache-ignores-preparation',
    breaks: 'a cached answer is given only where the same was prepared',
    contexts: true,
    edits: [replace('cache-key-has-preparation', '[]')],
  },
  {
    name: 'cached-not-reported',
    breaks: 'a turn reports that its answer was cached',
    edits: [drop('cached-answer-is-marked')],
  },
  {
    name: 'cache-keeps-partial-answer',
    breaks: 'an answer is cached only if it ended its turn, after one model call',
    edits: [
      drop('cache-keeps-whole-answers'),
      replace('cache-key-has-prompt', ({ text, expression }) =>
        text.replace(expression, `${expression}.slice(0, 1)`),
      ),
    ],
  },
  {
    name: 'fallback-calls-first-model',
    breaks: 'a turn that fell back stays with the fallback model',
    edits: [
      replace(
        'fallback-stays-for-turn',
        ({ test, consequent, alternate }) => `${test} ? { ...${consequent}, ...${alternate} } : ${alternate}`,
      ),
    ],
  },
  {
    name: 'fallback-repeats',
    breaks: 'a turn falls back once',
    edits: [drop('one-fallback-a-turn')],
  },
  {
    name: 'no-context-budget',
    breaks: 'earlier turns have a budget in the prompt',
    edits: [drop('prompt-has-budget')],
  },
  {
    name: 'half-turn-in-prompt',
    breaks: 'an earlier turn is in the prompt as a whole or not at all',
    edits: [replace('prompt-has-whole-turns', 'true')],
  },
  {
    name: 'cut-forgotten',
    breaks: 'a prompt begins where the last one began, until the budget is passed again',
    edits: [drop('cut-is-remembered')],
  },
  {
    name: 'cut-ignored',
    breaks: 'a prompt begins where the last one began, until the budget is passed again',
    edits: [replace('prompt-begins-at-cut', 'false')],
  },
  {
    name: 'trimmed-without-event',
    breaks: 'a turn reports that the model does not see the whole transcript',
    edits: [drop('trimmed-prompt-is-reported'), drop('trimmed-step-is-reported')],
  },
  {
    name: 'no-stall-time-out',
    breaks: 'a model that sends nothing is stopped',
    edits: [drop('silent-model-is-stopped')],
  },
  {
    name: 'prompt-without-images',
    breaks: 'the prompt has all content of the transcript',
    edits: [
      replace(
        'prompt-shows-all-content',
        ({ text }) => `typeof ${text} === 'string' ? ${text} : ${text}.filter(({ type }) => type === 'text')`,
      ),
    ],
  },
  {
    name: 'thoughts-dropped',
    breaks: 'what a model thought is durable with the call that it finished',
    edits: [replace('finished-call-is-kept', 'undefined')],
  },
  {
    name: 'thoughts-reordered',
    breaks: 'a model is given back what it gave in its order',
    edits: [
      replace('verbatim-is-in-prompt', ({ text }) => `{ ...${text}, parts: ${text}.parts.toReversed() }`),
    ],
  },
  {
    name: 'thoughts-of-another-model',
    breaks: 'what a model thought is given to no other model',
    edits: [replace('verbatim-for-its-model', 'false')],
  },
  {
    name: 'thoughts-of-a-cut-call',
    breaks: 'of a call that is cut no thought is kept',
    edits: [
      replace('cut-call-keeps-no-thoughts', ({ callee }, other) => {
        const { callee: carrying } = other('finished-call-is-kept');
        return `${callee}((events) => ${carrying}(events, { model: 'scripted:first', parts: [{ opaque: 'half' }] }) ?? events)`;
      }),
    ],
  },
  {
    name: 'open-run-in-prompt',
    breaks: 'a search of the provider without a result leaves the prompt once a user’s message follows',
    edits: [
      replace(
        'unanswered-run-leaves-prompt',
        ({ callee = '' }) => `${callee.replace(/\.filter$/, '')}.slice()`,
      ),
    ],
  },
  {
    name: 'run-without-result',
    breaks: 'a turn that ends gives a result to what its provider has not finished',
    edits: [replace('open-run-gets-result', '[]')],
  },
  {
    name: 'answer-cached-without-sources',
    breaks: 'of an answer with sources or searches the text alone is not cached',
    edits: [replace('only-text-is-cached', 'true')],
  },
  {
    name: 'calls-left-unanswered',
    breaks: 'a call without a result gets one',
    edits: [replace('unanswered-call-gets-result', '[]')],
  },
  {
    name: 'every-tool-runs-again',
    breaks: 'a call of unknown outcome runs again only if its tool is idempotent',
    edits: [replace('only-safe-call-runs-again', '() => true')],
  },
  {
    name: 'unstarted-forever',
    breaks: 'a call that was started is not listed as unstarted any more',
    edits: [drop('started-call-is-not-unstarted')],
  },
  {
    name: 'give-up-runs-tools',
    breaks: 'a turn that is given up runs no tool any more',
    edits: [
      replace(
        'given-up-turn-runs-no-tool',
        ({ text, object: state }) => `${text} && ${state}.unansweredCalls.length === 0`,
      ),
    ],
  },
  {
    name: 'steering-only-after-answer',
    breaks: 'steering is applied before every model call',
    edits: [
      replace('steering-before-every-call', ({ text, left }) =>
        [text, left.replace('.pending', '.isAnswered')].join(' && '),
      ),
    ],
  },
  {
    name: 'retry-after-visible-output',
    breaks: 'a model call is repeated only while nothing of it is visible',
    edits: [drop('retry-only-invisible-call')],
  },
  {
    name: 'take-over-from-start',
    breaks: 'after a take-over the model continues from the streamed text',
    edits: [replace('prompt-shows-streamed-text', "'hold back'")],
  },
  {
    name: 'chunk-offset-of-call',
    breaks: 'the offset of a chunk counts from the start of the turn',
    edits: [replace('chunk-offset-in-turn', '0')],
  },
  {
    name: 'expired-half-turn',
    breaks: 'a turn of which an entry has expired is not in the prompt',
    edits: [replace('transcript-has-whole-turns', 'true')],
  },
  {
    name: 'entries-expire-singly',
    breaks: 'the entries of a turn expire together',
    edits: [
      replace(
        'entries-expire-together',
        ({ callee, args: [retention = ''] }) =>
          `${callee}(${retention}, ${retention.replace('.retention', '.clock.now()')})`,
      ),
    ],
  },
];
