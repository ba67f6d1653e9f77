import { createHash } from 'node:crypto';
import { milliseconds } from '../../config/units.ts';
import type { CallInput } from '../elicitation.ts';
import { cutOutput, toolResultOf } from '../events/tool-result.ts';
import {
  type CallDisplay,
  type CallSetup,
  type Model,
  type ModelFailure,
  type ModelRequest,
  modelId,
  type PromptMessage,
  type StepFacts,
  type ToolCall,
  type ToolOutcome,
  type UserToken,
} from '../model.ts';
import { asked, nameOf } from './agents-code.ts';
import type { CallMeter } from './call-meter.ts';
import type { Subagent, TurnContext } from './context.ts';
import { beforeToolCall, type CallPlace } from './hooks.ts';
import type { AskedCall } from './model-call.ts';
import { readFiles } from './prompt-files.ts';
import { filesIn } from './prompt-shape.ts';
import { beginAgent, beginModelCall, finishedCall } from './spans.ts';
import { callForSubagent, type SubagentCall } from './subagent-call.ts';
import { SubagentMessage } from './subagent-message.ts';
import { measureCall } from './usage.ts';

/**
 * An agent that is asked by a call of another one (decision 0187). It runs in memory, within the call: the turn commits what the call
 * shows and gives, as of any other tool, and counts each of its model calls. A worker that dies loses the run.
 */

/** What a running call is given beside its input. */
export interface CallSupport {
  signal: AbortSignal;
  display: CallDisplay;
  /** Counts the model calls that it makes. */
  meter: Pick<CallMeter, 'refusal' | 'count'>;
  /** Of who asks. */
  token: UserToken;
  /** Undefined: the user cannot be asked anything. */
  input?: CallInput;
}

type RunCall = (
  turn: CallPlace,
  context: TurnContext,
  call: ToolCall,
  support: CallSupport,
) => Promise<ToolOutcome>;

interface Question {
  subagent: Subagent;
  /** The call that asks. */
  call: ToolCall;
  /** Runs a call of the agent's own. */
  run: RunCall;
}

/** Tries of one model call of which nothing is visible yet, with each model. */
const MAX_TRIES = 3;
const FIRST_BACKOFF_MS = 250;

/** Asks the agent. Never rejects: what goes wrong is the call's outcome, and the model that asked decides. */
export async function askSubagent(
  turn: CallPlace,
  context: TurnContext,
  question: Question,
  support: CallSupport,
): Promise<ToolOutcome> {
  const { subagent, call } = question;
  const span = beginAgent(context.core.tracer, { session: turn.session, turn: turn.id, agent: call.name });
  try {
    const asks = await subagent.promptOf(call);
    if ('complaint' in asks) return failed(asks.complaint);
    const served = await subagent.serve();
    const { core, settings, remainingMs, reserveMs, maxToolMs } = context;
    // Of the turn it has the worker alone: hooks, callbacks and tools are its own.
    const own: TurnContext = {
      core: { ...core, tracer: span },
      settings,
      remainingMs,
      reserveMs,
      maxToolMs,
      ...served,
      name: call.name,
    };
    const setup = await setupFor(turn.setup, own);
    const place: CallPlace = { id: turn.id, session: turn.session, setup, checkedCalls: new Set() };
    return await new SubagentRun(place, own, question, support).answer(asks.prompt);
  } catch (error) {
    context.core.log.error('an agent that a tool asks failed', {
      turn: turn.id,
      tool: call.name,
      error: nameOf(error),
    });
    return failed('The agent could not be asked.');
  } finally {
    span.end();
  }
}

/** Who asks is the same. The options of a message are those of the agent that was chosen for the session. */
async function setupFor(
  { caller: { options: _, ...caller }, tokenLane }: CallSetup,
  context: TurnContext,
): Promise<CallSetup> {
  const { core, preparation } = context;
  const setup: CallSetup = { caller, ...(tokenLane !== undefined && { tokenLane }) };
  if (!preparation?.prepare) return setup;
  return { ...setup, prepared: await asked(core.clock, 'prepareCall', preparation.prepare(caller)) };
}

/** One run of the agent, from its question to its answer. */
class SubagentRun {
  readonly #place: CallPlace;
  readonly #context: TurnContext;
  readonly #question: Question;
  readonly #support: CallSupport;
  readonly #message: SubagentMessage;
  readonly #messages: PromptMessage[] = [];
  readonly #steps: StepFacts[] = [];
  /** How often each call was made. */
  readonly #made = new Map<string, number>();
  #model: Model;

  constructor(place: CallPlace, context: TurnContext, question: Question, support: CallSupport) {
    this.#place = place;
    this.#context = context;
    this.#question = question;
    this.#support = support;
    this.#message = new SubagentMessage(question.call.id);
    this.#model = context.model;
  }

  async answer(prompt: string): Promise<ToolOutcome> {
    const { settings } = this.#context;
    this.#messages.push({ role: 'user', content: prompt });
    /** Of the answer that goes on: its earlier calls were paused. */
    let begun = '';
    for (let made = 1; ; made++) {
      const outcome = await this.#callModel(made < settings.maxSteps ? 'auto' : 'none');
      if (typeof outcome === 'string') return failed(outcome);
      if (outcome.type === 'stopped') return this.#stopped();
      if (outcome.type === 'failed') return failed(`The agent failed: ${outcome.failure.message}`);
      const { text, finish, verbatim, paused, model } = outcome;
      const checked = await Promise.all(outcome.calls.map((call) => this.#checked(call)));
      const calls = checked.map(({ call }) => call);
      this.#messages.push({ role: 'assistant', text, calls, ...(verbatim && { verbatim }) });
      const said = begun + text;
      begun = paused ? said : '';
      if (paused) continue;
      const results = await this.#runTools(checked);
      if (this.#support.signal.aborted) return this.#stopped();
      const { usage, reason } = finish;
      this.#steps.push({ text: said, calls, results, finish: reason, usage, model });
      if (calls.length === 0 || (await this.#isStopped())) return this.#answered();
      this.#messages.push({ role: 'tool', results });
    }
  }

  /** A model call, repeated while nothing of it is visible; then of the fallback model. A text: why there is none. */
  async #callModel(toolChoice: ModelRequest['toolChoice']): Promise<SubagentCall | string> {
    const { core, settings, fallback } = this.#context;
    const { signal, meter } = this.#support;
    const caller = {
      context: this.#context,
      meter,
      message: this.#message,
      show: () => this.#show(),
      signal,
    };
    for (let tries = 1; ; tries++) {
      if (signal.aborted) return { type: 'stopped' };
      const { model, request } = await this.#prepared(toolChoice);
      const refusal = await meter.refusal(model);
      // rule: spent-budget-asks-no-subagent
      if (refusal !== undefined) return refusal;
      const span = beginModelCall(core.tracer, model);
      const outcome = await callForSubagent(caller, model, request);
      span.end(
        outcome.type === 'finished' ? finishedCall(outcome.finish) : {},
        outcome.type === 'failed' ? outcome.failure.reason : undefined,
      );
      if (outcome.type === 'finished')
        measureCall(core, this.#place.id, this.#context.name, model, outcome.finish);
      if (outcome.type !== 'failed' || outcome.visible) return outcome;
      const { failure } = outcome;
      const pauseMs = Math.max(FIRST_BACKOFF_MS * 2 ** (tries - 1), failure.retryAfterMs ?? 0);
      this.#log(failure, model);
      if (failure.retryable && tries < MAX_TRIES && pauseMs <= settings.patienceMs) {
        await core.clock.sleep(milliseconds(pauseMs), signal);
        continue;
      }
      // Withheld content is not requested from another model.
      if (!fallback || this.#model === fallback || failure.reason === 'withheld') return outcome;
      this.#model = fallback;
      tries = 0;
    }
  }

  #log({ code, reason, diagnostic }: ModelFailure, model: Model): void {
    const { core, name } = this.#context;
    core.log.warn('model call of a subagent failed', {
      turn: this.#place.id,
      agent: name,
      model: modelId(model),
      code,
      reason,
      diagnostic,
    });
  }

  async #prepared(toolChoice: ModelRequest['toolChoice']) {
    const { core } = this.#context;
    const model = this.#model;
    const files = await readFiles({ core, session: this.#place.session }, this.#messages.flatMap(filesIn));
    const requestFor = (asks: Pick<Model, 'provider' | 'name'>): ModelRequest => ({
      messages: this.#messages.map((message) => ownOf(asks, message)),
      steps: this.#steps,
      setup: this.#place.setup,
      token: this.#support.token,
      ...(files.size > 0 && { files }),
      toolChoice,
    });
    const request = requestFor(model);
    if (!model.prepareStep) return { model, request };
    const isFallback = model !== this.#context.model;
    return asked(core.clock, 'prepareStep', model.prepareStep(request, requestFor, isFallback));
  }

  /** As its hooks have it, which is what is shown, run and given to the model. */
  async #checked({ invalid, ...call }: AskedCall): Promise<CheckedCall> {
    const id = this.#idOf(call);
    if (invalid !== undefined) return { call, id, refused: `The arguments are not valid: ${invalid}` };
    const { args, refused } = await beforeToolCall(this.#place, this.#context, { ...call, id });
    return { call: { ...call, args }, id, ...(refused !== undefined && { refused }) };
  }

  /** All at the same time, or as many as the agent allows. */
  async #runTools(calls: readonly CheckedCall[]) {
    const results: (ToolOutcome & { id: string; name: string })[] = [];
    for (const batch of batchesOf(calls, this.#context.toolbox.concurrency)) {
      const outcomes = batch.map(async (checked) => {
        const { call } = checked;
        this.#message.call(call);
        this.#show();
        const outcome = asStored(call, await this.#runTool(checked));
        this.#message.result(call.id, outcome);
        this.#show();
        return { id: call.id, name: call.name, ...outcome };
      });
      results.push(...(await Promise.all(outcomes)));
    }
    return results;
  }

  async #runTool({ call, id, refused }: CheckedCall): Promise<ToolOutcome> {
    const { display, ...support } = this.#support;
    if (refused !== undefined) return failed(refused);
    if (support.signal.aborted) return failed('Not run: the agent was stopped.');
    const named = { ...call, id };
    // The agent's definition allows none of these.
    if (await this.#context.toolbox.needsApproval(named, this.#place.setup)) return failed(NOT_APPROVED);
    // Progress of its tools is not shown: the agent's message is the progress of the call. Data for the page is.
    const shown: CallDisplay = { progress: () => {}, data: (part) => display.data(part) };
    return this.#question.run(this.#place, this.#context, named, { ...support, display: shown });
  }

  /**
   * The same call has the same id, and so the same idempotency key, where the agent is asked again after its worker died: the model gives
   * its calls other ids then.
   */
  #idOf({ name, args }: ToolCall): string {
    const content = createHash('sha256')
      .update(/* rule: nested-call-is-named-by-its-content */ JSON.stringify([name, args]))
      .digest('base64url')
      .slice(0, 16);
    const n = (this.#made.get(content) ?? 0) + 1;
    this.#made.set(content, n);
    return `${this.#question.call.id}/${content}${n > 1 ? `-${n}` : ''}`;
  }

  async #isStopped(): Promise<boolean> {
    const { control, core } = this.#context;
    if (!control) return false;
    return asked(core.clock, 'stopWhen', control.isStopped(this.#steps, this.#place.setup));
  }

  async #answered(): Promise<ToolOutcome> {
    const { control, core } = this.#context;
    const last = this.#steps.at(-1);
    if (control?.readOutput && last?.calls.length === 0) {
      if (!(await asked(core.clock, 'output', control.readOutput(last))))
        return failed('The answer of the agent does not have its form.');
    }
    const text =
      this.#steps.findLast(({ text }) => text.trim() !== '')?.text ?? 'The agent has given no text.';
    return this.#outcome(text);
  }

  /** A message with `delivery: now` has stopped it, and what it has said is its result. After any other reason nobody reads this. */
  #stopped(): ToolOutcome {
    return this.#outcome(
      `The agent was stopped before it was done. It had said: ${this.#message.text || 'nothing'}`,
    );
  }

  #outcome(text: string): ToolOutcome {
    return { output: this.#message.kept, isError: false, shown: { type: 'text', value: cutOutput(text) } };
  }

  #show(): void {
    if (!this.#support.signal.aborted) this.#support.display.progress(this.#message.shown);
  }
}

interface CheckedCall {
  /** As the model knows it. */
  call: ToolCall;
  /** As it is run. */
  id: string;
  /** Why it is not run. */
  refused?: string;
}

/** At most so many together. */
const batchesOf = (calls: readonly CheckedCall[], size = Math.max(1, calls.length)): CheckedCall[][] =>
  Array.from({ length: Math.ceil(calls.length / size) }, (_, i) => calls.slice(i * size, (i + 1) * size));

const NOT_APPROVED = 'Not run: this call needs approval, and an agent that is asked by a tool asks nobody.';

const failed = (output: string): ToolOutcome => ({ output, isError: true });

/** What is another model's own is left out. */
function ownOf(model: Pick<Model, 'provider' | 'name'>, message: PromptMessage): PromptMessage {
  if (message.role !== 'assistant' || !message.verbatim || message.verbatim.model === modelId(model))
    return message;
  const { verbatim: _, ...said } = message;
  return said;
}

/** As the result of a call of the turn is stored: cut where it is too long. */
function asStored(call: ToolCall, outcome: ToolOutcome): ToolOutcome {
  const stored = toolResultOf(call, outcome);
  if (stored.type !== 'tool_result') return outcome;
  const { output, shown } = stored;
  return { output, isError: outcome.isError, ...(shown !== undefined && { shown }) };
}
