import type { Mutant } from './mutant.ts';

/** What a model sees, says and does: prompts, calls, tools, approvals, known answers. */
export const AGENT: readonly Mutant[] = [
  {
    name: 'tools-hear-no-now',
    breaks: 'a message that does not wait stops a tool that runs, if it may',
    patches: [['core/turn/tools.ts', '      heed();\n      if (open.size', '      if (open.size']],
  },
  {
    name: 'now-stops-every-tool',
    breaks: 'a message that does not wait lets other tools finish',
    patches: [['core/turn/tools.ts', 'context.toolbox.isAbortable(name) ?', 'name !== undefined ?']],
  },
  {
    name: 'tools-stop-for-anybody',
    breaks: 'other messages stop no tool',
    patches: [
      ['core/turn/tools.ts', 'if (wantsCut(turn)) cut.', 'if (Object.keys(turn.lane.inbox).length > 0) cut.'],
    ],
  },
  {
    name: 'runs-unapproved',
    breaks: 'a call that needs approval waits for it',
    approvals: true,
    patches: [
      [
        'core/turn/tools.ts',
        'const free = without(await ask(turn, context, calls), calls);',
        'await ask(turn, context, calls);\n  const free = calls;',
      ],
    ],
  },
  {
    name: 'takes-over-unapproved',
    breaks: 'also a call that a dead worker left behind waits for its approval',
    approvals: true,
    patches: [['core/turn/tools.ts', 'const free = without(requests, calls);', 'const free = calls;']],
  },
  {
    name: 'too-late-to-be-heard',
    breaks: 'a request is late only if nobody has answered it',
    approvals: true,
    patches: [
      [
        'core/turn/approvals.ts',
        "when.push(absent(['decisions', request.id]));\n      drafts.push(resolvedBy(request, { decision: 'deny' }, 'timeout'));",
        "drafts.push(resolvedBy(request, { decision: 'deny' }, 'timeout'));",
      ],
    ],
  },
  {
    name: 'decided-twice',
    breaks: 'the first answer to a request counts',
    approvals: true,
    patches: [
      [
        'core/store/lane/request.ts',
        "exists(['approvals', request]), absent(['decisions', request])",
        "exists(['approvals', request])",
      ],
    ],
  },
  {
    name: 'stopped-and-not-denied',
    breaks: 'what a stopped turn waits for is denied',
    approvals: true,
    patches: [['core/turn/tools.ts', '[...(await denials(turn)), ...results]', 'results']],
  },
  {
    name: 'trusts-and-says-nothing',
    breaks: '`always` is an event, also in a turn that was stopped before it was heeded',
    approvals: true,
    crowd: true,
    faults: { crash: 0.04 },
    patches: [
      [
        'core/turn/approvals.ts',
        "if (decided?.decision === 'always') {\n      await",
        'if (!decided && decided) {\n      await',
      ],
    ],
  },
  {
    name: 'answers-whatever-is-asked',
    breaks: 'a known answer is given to the same prompt alone',
    patches: [['core/turn/response-cache.ts', 'model.fingerprint, messages as Json]', 'model.fingerprint]']],
  },
  {
    name: 'passes-for-an-answer',
    breaks: 'a turn says that its answer was known',
    patches: [['core/turn/end.ts', '...(usage.cached && { cached: usage.cached }),', '']],
  },
  {
    name: 'keeps-half-an-answer',
    breaks: 'an answer is kept only as it ends a turn, after one call',
    patches: [
      [
        'core/turn/response-cache.ts',
        'asked !== 1 || turn.usage.steps > 0 || !turn.events.every(isBefore)',
        'asked < 1',
      ],
      ['core/turn/response-cache.ts', 'messages as Json])', 'messages.slice(0, 1) as Json])'],
    ],
  },
  {
    name: 'asks-the-first-again',
    breaks: 'a turn that has changed its model goes on with the second one',
    patches: [
      [
        'core/turn/fallback.ts',
        '? { model: fallback, from: changed.fallback_from } : { model }',
        '? { model, from: changed.fallback_from } : { model }',
      ],
    ],
  },
  {
    name: 'changes-again-and-again',
    breaks: 'a turn changes its model once',
    patches: [['core/turn/fallback.ts', 'if (!fallback || from !== undefined ||', 'if (!fallback ||']],
  },
  {
    name: 'sees-everything',
    breaks: 'earlier turns have a budget in the prompt',
    patches: [['core/turn/context-window.ts', 'if (bytes > maxTokens * BYTES_PER_TOKEN)', 'if (bytes < 0)']],
  },
  {
    name: 'keeps-half-a-turn',
    breaks: 'earlier turns are in the prompt whole or not at all',
    patches: [
      [
        'core/turn/context-window.ts',
        'entries.filter((other) => other.turn !== cut).reverse()',
        "entries.filter(() => cut !== '').reverse()",
      ],
    ],
  },
  {
    name: 'leaves-out-unsaid',
    breaks: 'a turn says that the model does not see what came before',
    patches: [['core/turn/turn.ts', 'if (await reportTrimmed(turn, earlier)) return undefined;', '']],
  },
  {
    name: 'waits-for-a-silent-model',
    breaks: 'a model that says nothing is cut',
    patches: [['core/turn/model-call.ts', '>= settings.stallMs', '>= Number.MAX_SAFE_INTEGER']],
  },
  {
    name: 'prompt-without-images',
    breaks: 'the model is shown what the transcript holds',
    patches: [
      [
        'core/events/prompt.ts',
        "messages.push({ role: 'user', content: entry.content });",
        "messages.push({ role: 'user', content: typeof entry.content === 'string' ? entry.content : entry.content.filter(({ type }) => type === 'text') });",
      ],
    ],
  },
  {
    name: 'calls-left-open',
    breaks: 'a call without a result gets one',
    patches: [['core/turn/tools.ts', 'return [...open.values()];', 'return [];']],
  },
  {
    name: 'every-tool-again',
    breaks: 'a call of unknown outcome runs again only if that does no harm',
    patches: [
      [
        'core/turn/tools.ts',
        'free.filter(({ id, name }) => unstarted.has(id) || context.toolbox.isIdempotent(name))',
        '[...free]',
      ],
    ],
  },
  {
    name: 'unstarted-for-ever',
    breaks: 'a call that is started is no longer known as one that was not',
    patches: [
      ['core/turn/tools.ts', 'if (calls.some(({ id }) => unstarted.has(id))) {', 'if (calls.length === 0) {'],
    ],
  },
  {
    name: 'gives-up-by-trying-again',
    breaks: 'a turn that is given up runs no tool any more',
    patches: [
      [
        'core/turn/turn.ts',
        '    await settleUnrun(this.#turn);\n    return this.#over(endGivenUp',
        '    await settleUnanswered(this.#turn, this.#context, unansweredCalls(this.#turn));\n    return this.#over(endGivenUp',
      ],
    ],
  },
  {
    name: 'steering-after-the-answer-alone',
    breaks: 'steering is taken in before every model call',
    patches: [
      [
        'core/turn/next-step.ts',
        "if (state.pending > 0) return { type: 'apply-inbox' };",
        "if (state.pending > 0 && state.isAnswered) return { type: 'apply-inbox' };",
      ],
    ],
  },
  {
    name: 'retry-after-visible-output',
    breaks: 'a call is made again only while nothing of it is visible',
    patches: [
      [
        'core/turn/model-retry.ts',
        "if (outcome.type !== 'failed' || outcome.visible) return outcome;",
        "if (outcome.type !== 'failed') return outcome;",
      ],
    ],
  },
  {
    name: 'take-over-from-the-start',
    breaks: 'after a take-over the model goes on from what was said',
    patches: [
      ['core/turn/turn-log.ts', "entriesOf(this.#events, 'include')", "entriesOf(this.#events, 'hold back')"],
    ],
  },
  {
    name: 'offset-of-the-call',
    breaks: 'a chunk says where in the turn it stands',
    patches: [['core/turn/model-call.ts', 'gathered.drain(turn.textLength)', 'gathered.drain(0)']],
  },
];
