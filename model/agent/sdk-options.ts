import type { ToolLoopAgentSettings, ToolSet } from 'ai';

/**
 * What becomes of an option of the AI SDK's agents. `works`: as in the SDK. `differs`: in this way. `cannot`: an agent with it is
 * refused, for this reason. docs/agent.md has these sentences.
 */
type Treatment = readonly ['works'] | readonly ['differs' | 'cannot', sentence: string];

const WORKS = ['works'] as const;
/** What every callback has in common. */
const told = (times: string, without = ''): Treatment => ['differs', `${times}${without && ` ${without}`}`];
const OFTEN = 'At least once: again where the call is repeated, or another worker goes on with it.';
const ONCE = 'At most once: after the commit, by its worker. One that dies there calls it no more.';
const STORED =
  '`reasoning`, `sources`, `files`, `warnings`, `request`, `response`, contexts and times of steps are empty.';

/** Every option of `ToolLoopAgentSettings`. */
export const SDK_OPTIONS = {
  model: [
    'differs',
    'It answers where `MIDTURN_MODEL` is `agent`. A function may make it, with keys from secrets.',
  ],
  instructions: ['differs', 'A function may make them of who asks, once for a turn.'],
  tools: [
    'differs',
    'A tool without `execute` is run by the client whose message began the turn, when the step’s other calls have their results; a client of `useChat` answers by `addToolOutput`. What the turn has to know of a tool stands beside it: `{ tool, idempotent: true }`. Each value that it yields is shown (`tool_progress`), and the last one is its output. It is given no `messages`.',
  ],
  maxOutputTokens: WORKS,
  temperature: WORKS,
  topP: WORKS,
  topK: WORKS,
  presencePenalty: WORKS,
  frequencyPenalty: WORKS,
  stopSequences: WORKS,
  seed: WORKS,
  reasoning: WORKS,
  providerOptions: ['differs', 'For OpenAI’s Responses API, `store` is `false` if it is not given.'],
  headers: WORKS,
  activeTools: WORKS,
  toolOrder: WORKS,
  toolChoice: [
    'differs',
    'In the last step that `MIDTURN_MAX_STEPS` allows, the model answers without tools.',
  ],
  maxRetries: [
    'cannot',
    'The turn repeats calls, as `MIDTURN_MODEL_PATIENCE_SECONDS` says, and never one that was seen.',
  ],
  timeout: [
    'cannot',
    '`MIDTURN_MODEL_STALL_SECONDS`, `MIDTURN_MODEL_WAIT_SECONDS` and `timeoutSeconds` of a tool limit the time.',
  ],
  id: ['cannot', '`defineAgents` names the agents of a deployment.'],
  stopWhen: [
    'differs',
    'It is asked of the steps as they are stored: text, calls, results, usage, model. A pending message goes on with the turn. `MIDTURN_MAX_STEPS` holds as well, and is the default.',
  ],
  prepareStep: [
    'differs',
    'What it returns holds for one model call: `model`, settings, tools, `messages`, `instructions`. Messages of the user that the call is to answer stay. Where it names a model and chooses `messages`, it is asked twice, and chooses from the prompt for that model. After a fallback, its `model` is not heeded. It cannot change `runtimeContext` or `toolsContext`. `steps` are those that are stored. It is given `caller` too.',
  ],
  prepareCall: [
    'differs',
    'It is asked once, when a turn begins, and is given `caller` and no `messages`. What it changes is committed with the turn’s start and has to be JSON of at most 16 KB: it cannot change `model`, `tools` or a function. It may leave out `stopWhen`, `prepareStep` and `repairToolCall`.',
  ],
  callOptionsSchema: [
    'differs',
    'The options of a message, or those of its connection. A message without options has `{}`. The message that begins a turn decides for all of it.',
  ],
  output: [
    'differs',
    'The value is in `done`, checked when the turn ends. Its text streams as `chunk`, and clients may parse it before. An answer that does not have the form ends the turn with `OUTPUT_INVALID`.',
  ],
  toolCallConcurrency: [
    'differs',
    'So many calls run at the same time, and when all of them are done, the next ones.',
  ],
  toolApproval: [
    'differs',
    '`user-approval` is asked as `needsApproval` is, and its `reason` is not shown. The model is told the `reason` of a denial. `messages` is empty. A function that throws asks the user.',
  ],
  repairToolCall: [
    'differs',
    'It is given the call before it is committed. A call that it does not repair has an error result.',
  ],
  runtimeContext: [
    'differs',
    'A constant of the code, or JSON that `prepareCall` returned. It is the same in all steps of a turn.',
  ],
  toolsContext: [
    'differs',
    'A constant of the code, or JSON that `prepareCall` returned. `caller` is added to it, and `idempotencyKey` for `execute`.',
  ],
  allowSystemInMessages: ['cannot', 'Messages are those of users, never of the system.'],
  include: ['cannot', 'Requests and answers of a provider are not kept.'],
  telemetry: [
    'differs',
    'Given to each model call, which is a run of one step. Spans of turns and of tools are not made for it; X-Ray has spans of turns, model calls, tools and hooks.',
  ],
  onStart: told(
    OFTEN,
    'It is called with the first model call of a turn, and not where the response cache answers.',
  ),
  onStepStart: told(OFTEN),
  onStepEnd: told(ONCE, STORED),
  onStepError: told(OFTEN, 'Also for a call that the turn then repeats. `error` has `code` and `retryable`.'),
  onStepFinish: told('As `onStepEnd`, if that is not given.'),
  onLanguageModelCallStart: told(OFTEN),
  onLanguageModelCallEnd: told(OFTEN),
  onToolExecutionStart: told(
    'At least once for an `idempotent` tool, at most once for any other.',
    '`messages` is empty, and `toolContext` is the constant of the code.',
  ),
  onToolExecutionEnd: told(
    'As `onToolExecutionStart`. It is called before the result is stored.',
    '`messages` is empty, and `toolContext` is the constant of the code.',
  ),
  onError: told(ONCE, 'It is called when a turn fails. `error` has `code` and `retryable`.'),
  onAbort: told(ONCE, '`reason` is the subject that stopped the turn.'),
  onEnd: told(ONCE, `\`responseMessages\` is empty. ${STORED}`),
  onFinish: told('As `onEnd`, if that is not given.'),
} as const satisfies Record<StableOption, Treatment>;

type Settings = ToolLoopAgentSettings<never, ToolSet>;

/** The SDK may change its experimental options with any version. They are refused with those that it does not know. */
type StableOption = Exclude<keyof Settings, `experimental_${string}` | `_${string}`>;

/** Options that are given to each model call as they are. */
export const PASSED = [
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'presencePenalty',
  'frequencyPenalty',
  'stopSequences',
  'seed',
  'reasoning',
  'providerOptions',
  'headers',
  'activeTools',
  'toolOrder',
] as const satisfies readonly StableOption[];

/** The AI SDK's type of a runtime context. */
export type Context = NonNullable<Settings['runtimeContext']>;
export type PassedOptions = Pick<Settings, (typeof PASSED)[number]>;
export type ToolChoiceOption = NonNullable<Settings['toolChoice']>;

/** Options of this project's own. */
const OWN: ReadonlySet<string> = new Set([
  'settings',
  'mcp',
  'fallbackModel',
  'prices',
  'compaction',
  'budget',
  'hooks',
  'titles',
]);

/** Returns what is wrong with the options of a definition: the first that would have no effect. */
export function complaintAboutOptions(definition: object): string | undefined {
  const treatments = new Map<string, Treatment>(Object.entries(SDK_OPTIONS));
  for (const [option, value] of Object.entries(definition)) {
    if (value === undefined || OWN.has(option)) continue;
    const treatment = treatments.get(option);
    if (!treatment) return `There is no option ${option}.`;
    if (treatment[0] === 'cannot') return `The option ${option} has no effect here. ${treatment[1]}`;
  }
  return undefined;
}

type ProviderOptions = NonNullable<PassedOptions['providerOptions']>;

/**
 * The options of each model call.
 * @param defaults options of the provider, where the agent does not say otherwise
 */
export function passedOptions(
  agent: PassedOptions & { settings?: Partial<PassedOptions> },
  defaults: ProviderOptions = {},
): PassedOptions {
  const given = Object.entries({ ...agent.settings, ...agent }).filter(
    ([option, value]) => value !== undefined && PASSED.some((passed) => passed === option),
  );
  const providerOptions = mergedByProvider(defaults, agent.providerOptions ?? {});
  return {
    ...Object.fromEntries(given),
    ...(Object.keys(providerOptions).length > 0 && { providerOptions }),
  };
}

export function mergedByProvider(defaults: ProviderOptions, own: ProviderOptions): ProviderOptions {
  const merged = new Map(Object.entries(defaults));
  for (const [provider, options] of Object.entries(own)) {
    merged.set(provider, { ...merged.get(provider), ...options });
  }
  return Object.fromEntries(merged);
}
