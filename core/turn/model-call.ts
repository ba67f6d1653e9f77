import { between, milliseconds } from '../../config/units.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { EventDraft } from '../events/events.ts';
import {
  type Model,
  type ModelFailure,
  type ModelPart,
  type ModelRequest,
  modelId,
  type ToolCall,
  type Usage,
} from '../model.ts';
import type { CallMark } from '../store/usage-items.ts';
import { estimated, isBilled, owe, usageIn } from './call-usage.ts';
import { CallWatch, CUT_OFF } from './call-watch.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS, looksBack, timeIsShort } from './context.ts';
import { FlushWindow } from './flush-window.ts';
import { Gatherer } from './gather.ts';
import { beforeToolCall } from './hooks.ts';
import { Fenced } from './lease.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { textsOf } from './prompt-texts.ts';
import { ProvidersParts } from './providers-parts.ts';
import { redactQuotes } from './redaction.ts';
import { beginModelCall, finishedCall } from './spans.ts';
import { uniqueCallIds } from './unique-call-id.ts';
import { advanced, measureCall, withCut } from './usage.ts';
import { areLarge, carrying, verbatimOf } from './verbatim.ts';

/** A call that the model made. `invalid` says why it cannot be run, and `refused` why a hook of the agent does not let it run. */
export type AskedCall = ToolCall & { invalid?: string; refused?: string };

export type CallOutcome =
  | { type: 'answered' }
  | { type: 'calls'; calls: AskedCall[] }
  /** Stopped by the turn: for an abort, a message with `delivery: now`, or the time limit. What was streamed is committed. */
  | { type: 'cut' }
  | { type: 'failed'; failure: ModelFailure; visible: boolean };

/**
 * Makes one model call and streams it: parts are gathered for a window
 * (`FlushWindow`) and committed together, the first one at once. Each
 * commit shows what others wrote on the lane (abort, messages). While nothing comes, the lane is polled for it.
 */
export async function callModel(
  turn: LeasedTurn,
  context: TurnContext,
  model: Model,
  request: ModelRequest,
): Promise<CallOutcome> {
  const { core, settings } = context;
  const stop = new AbortController();
  const watch = new CallWatch(context);
  const span = beginModelCall(core.tracer, model);
  const parts = model.stream(request, stop.signal, watch.alive)[Symbol.asyncIterator]();
  const gathered = new Gatherer();
  const calls: AskedCall[] = [];
  const idOf = uniqueCallIds(
    request.messages,
    turn.events.flatMap((event) => (event.type === 'tool_call' ? event.id : [])),
  );
  const own = new ProvidersParts(turn, idOf);
  let visible = false;
  const textFrom = turn.textLength;
  /** Of this call's text, as committed. */
  let textLength = 0;
  /** Of what the call gave, shown or not. */
  let writtenBytes = 0;
  /** What the call has used is noted. */
  let isOwed = false;
  const window = new FlushWindow(settings.flushMs);
  let hasText = false;

  const flush = async (last: (drafts: EventDraft[]) => EventDraft[] = (drafts) => drafts) => {
    const gatheredDrafts = gathered.drain(/* rule: chunk-offset-in-turn */ turn.textLength);
    for (const draft of gatheredDrafts) if (draft.type === 'chunk') textLength += draft.content.length;
    const drafts = last(gatheredDrafts);
    window.flushed(core.clock.now());
    if (drafts.length === 0) return;
    visible = true;
    const silent = turn.textLength === 0;
    // Beside what an earlier commit left, the lane's item could grow too large.
    if (areLarge(drafts)) await turn.spill();
    await turn.commitAlways(drafts);
    if (silent && turn.textLength > 0) {
      const sinceBegunMs = between(turn.beganAt, core.clock.now());
      core.metrics.time('FirstChunk', sinceBegunMs);
      core.milestones.reached('first text', turn.session, { lane: turn.laneId, turn: turn.id, sinceBegunMs });
    }
  };
  const wanted = () => turn.abortRequest !== undefined || wantsCut(turn) || timeIsShort(context);

  let next = parts.next();
  try {
    for (;;) {
      const due = /* rule: text-is-shown-within-window */ gathered.empty
        ? LANE_POLL_MS
        : window.left(core.clock.now());
      const part = await first(next, due, core.clock);
      if (part === 'time') {
        if (gathered.empty) await turn.refresh();
        else await flush();
        if (wanted()) return await cut();
        // rule: silent-model-is-stopped
        if (watch.isSilent) return await broken(watch.silent);
        continue;
      }
      watch.heard();
      if (part.done) return await broken(CUT_OFF);
      const value = part.value;
      switch (value.type) {
        case 'text':
        case 'thinking':
          if (value.type === 'text' && !hasText) {
            hasText = true;
            window.beginAnew();
          }
          writtenBytes += Buffer.byteLength(value.text);
          gathered.add(value.type === 'text' ? 'chunk' : 'thinking', value.text);
          break;
        case 'tool_call': {
          const { type: _, ...call } = value;
          writtenBytes += Buffer.byteLength(JSON.stringify(call.args));
          // As it is stored, so that a worker that takes over runs the same call.
          calls.push(wellFormed({ ...call, id: idOf(call.id) }));
          break;
        }
        case 'provider_call':
        case 'provider_result':
          for (const event of own.run(value)) gathered.addEvent(event);
          break;
        case 'source':
          own.addSource(value.source);
          break;
        case 'file':
          own.addFile(value);
          break;
        case 'failure':
          return await broken(value.failure);
        case 'finish':
          return finished(value);
      }
      next = parts.next();
      if (!gathered.empty && window.left(core.clock.now()) <= 0) {
        await flush();
        if (wanted()) return await cut();
      }
    }
  } catch (error) {
    // Its session may have been deleted, and its provider bills it (`TurnBudget.settleDeleted`).
    if (error instanceof Fenced && !isOwed) oweFor(estimate());
    throw error;
  } finally {
    span.end();
    stop.abort('over');
    // The stream must have ended before the next one begins: otherwise it would continue in a later invocation.
    await drainQuietly(next, parts);
  }

  async function finished(finish: Finish): Promise<CallOutcome> {
    // The last call that the step limit allows is the end, whatever the provider says.
    const isPaused = finish.reason === 'paused' && calls.length === 0 && request.toolChoice === 'auto';
    span.end(finishedCall(finish));
    await askHooks();
    const { marks } = turn.usage;
    turn.usage = advanced(turn.usage, { model, own: context.model }, finish, calls.length === 0 && !isPaused);
    oweFor(usageIn(finish, estimate));
    measureCall(core, turn.id, turn.log.agent, model, finish);
    await flush((drafts) => {
      if (looksBack(context))
        turn.usage = { ...turn.usage, marks: [...(marks ?? []), markOf(drafts, finish)] };
      const asked = calls.map(({ id, name, args }): EventDraft => ({ type: 'tool_call', id, name, args }));
      // An entry with what its provider wants back is the text or the last call: sources stand between the two.
      return asked.length > 0
        ? kept([...drafts, ...own.drain(), ...asked], finish.parts, isPaused)
        : [...kept(drafts, finish.parts, isPaused), ...own.drain()];
    });
    if (isPaused) {
      // The next call begins at once, and nothing may have been committed since a message came or an abort (P6).
      await turn.refresh();
      return { type: 'cut' };
    }
    return calls.length ? { type: 'calls', calls } : { type: 'answered' };
  }

  /** What the agent's hooks make of the calls is what is committed. Text is shown before they are asked. */
  async function askHooks(): Promise<void> {
    const valid = calls.filter(({ invalid }) => !invalid);
    if (!context.hooks?.beforeToolCall || valid.length === 0) return;
    await flush();
    await Promise.all(
      valid.map(async (call) => Object.assign(call, await beforeToolCall(turn, context, call))),
    );
  }

  /** Where the call ends in the turn, with these events of it. */
  function markOf(drafts: readonly EventDraft[], { reason, usage }: Finish): CallMark {
    const said = drafts.reduce(
      (sum, draft) => (draft.type === 'chunk' ? sum + draft.content.length : sum),
      0,
    );
    const before = turn.events.filter(
      (event) => event.type === 'tool_call' && !event.provider_executed,
    ).length;
    const follows = (turn.usage.marks?.at(-1)?.textTo ?? 0) === textFrom;
    return {
      textTo: turn.textLength + said,
      callsTo: before + calls.length,
      ...(!follows && { textFrom }),
      finish: reason,
      usage,
      model: modelId(model),
    };
  }

  /** Of a call that is not finished: what it named so far is kept as its text is. */
  function withOwn(drafts: EventDraft[]): EventDraft[] {
    return [...drafts, ...own.drain()];
  }

  /** The last events of the call, with what its provider wants back. */
  function kept(drafts: EventDraft[], parts: Finish['parts'], paused: boolean): EventDraft[] {
    if (!parts) return drafts;
    const verbatim = verbatimOf({ model, parts, calls, textLength, paused });
    const carried = /* rule: finished-call-is-kept */ carrying(drafts, verbatim);
    if (!carried) core.log.warn('what the model thought is too long to be given back', { turn: turn.id });
    return carried ?? drafts;
  }

  async function cut(): Promise<CallOutcome> {
    // A call that is cut for an abort or a message counts as a step. One that a fresh invocation continues does not.
    if (turn.abortRequest || wantsCut(turn)) turn.usage = withCut(turn.usage, { model, own: context.model });
    oweFor(estimate());
    await /* rule: cut-call-keeps-no-thoughts */ flush(withOwn);
    return { type: 'cut' };
  }

  /** Who has a budget uses it. */
  function oweFor(usage: Usage): void {
    isOwed = true;
    owe(turn, context, usage, model.price);
  }

  /** What the call has used, where its provider does not tell. */
  function estimate(): Usage {
    return estimated(request, writtenBytes, turn.usage);
  }

  /** What was streamed before it stays (P3). */
  async function broken(failure: ModelFailure): Promise<CallOutcome> {
    await flush(withOwn);
    return failed(failure, visible);
  }

  function failed(failure: ModelFailure, isVisible: boolean): CallOutcome {
    span.end({}, failure.reason);
    core.metrics.countBy('ModelFailures', failure.code);
    if (isBilled(failure, isVisible)) oweFor(estimate());
    const diagnostic = redactQuotes(failure.diagnostic, textsOf(request.messages));
    return { type: 'failed', failure: { ...failure, diagnostic }, visible: isVisible };
  }
}

/** Whether a message with `delivery: now` is pending: the model call is cut, and the turn goes on with the message. */
export const wantsCut = (turn: LeasedTurn) => Object.values(turn.lane.inbox).some((message) => message.now);

type Finish = Extract<ModelPart, { type: 'finish' }>;

/** The answer, or `time` after so many milliseconds. */
export async function first<T>(
  next: Promise<T>,
  ms: number,
  clock: TurnContext['core']['clock'],
): Promise<T | 'time'> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      next,
      clock.sleep(milliseconds(Math.max(0, ms)), timer.signal).then(() => 'time' as const),
    ]);
  } finally {
    timer.abort('over');
  }
}

async function drainQuietly(
  next: Promise<IteratorResult<ModelPart>>,
  parts: AsyncIterator<ModelPart>,
): Promise<void> {
  await next;
  await parts.return?.();
}
