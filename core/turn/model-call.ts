import { quotesOf } from '../content.ts';
import type { Core } from '../core.ts';
import type { EventDraft } from '../events/events.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest, ToolCall } from '../model.ts';
import type { TurnUsage } from '../store/items.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS, timeIsShort } from './context.ts';
import { Gatherer } from './gather.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { redactQuotes } from './redaction.ts';

/** A call that the model made, and why it cannot be run, if so. */
export type AskedCall = ToolCall & { invalid?: string };

export type CallOutcome =
  | { type: 'answered' }
  | { type: 'calls'; calls: AskedCall[] }
  /** Stopped by us: for an abort, for a message that cuts, or for the time limit. What was said is committed. */
  | { type: 'cut' }
  | { type: 'failed'; failure: ModelFailure; visible: boolean };

/**
 * One model call, streamed: parts are gathered for a window and committed together, the first at once. Every commit, and
 * while nothing comes a slow look, shows what others want of this turn.
 */
export async function callModel(
  turn: LeasedTurn,
  context: TurnContext,
  model: Model,
  request: ModelRequest,
): Promise<CallOutcome> {
  const { core, settings } = context;
  const stop = new AbortController();
  const parts = model.stream(request, stop.signal)[Symbol.asyncIterator]();
  const gathered = new Gatherer();
  const calls: AskedCall[] = [];
  let visible = false;
  let flushedAt = Number.NEGATIVE_INFINITY;
  let heardAt = core.clock.now();

  const flush = async (more: EventDraft[] = []) => {
    const drafts = [...gathered.drain(turn.textLength), ...more];
    flushedAt = core.clock.now();
    if (drafts.length === 0) return;
    visible = true;
    const silent = turn.textLength === 0;
    // Nothing but the turn is demanded here, so a refusal that is not a fence leaves nothing to decide: once more.
    await turn.commitAlways(drafts);
    if (silent && turn.textLength > 0) core.metrics.time('FirstChunk', core.clock.now() - turn.beganAt);
  };
  const wanted = () => turn.abortRequest !== undefined || wantsCut(turn) || timeIsShort(context);

  let next = parts.next();
  try {
    for (;;) {
      const due = gathered.empty ? LANE_POLL_MS : flushedAt + settings.flushMs - core.clock.now();
      const part = await first(next, due, core.clock);
      if (part === 'time') {
        if (gathered.empty) await turn.refresh();
        else await flush();
        if (wanted()) return await cut();
        if (core.clock.now() - heardAt >= settings.stallMs) return await stalled();
        continue;
      }
      heardAt = core.clock.now();
      if (part.done) return ended();
      const value = part.value;
      switch (value.type) {
        case 'text':
        case 'thinking':
          gathered.add(value.type === 'text' ? 'chunk' : 'thinking', value.text);
          break;
        case 'tool_call': {
          const { type: _, ...call } = value;
          calls.push({ ...call, id: unused(turn, calls, call.id) });
          break;
        }
        case 'failure':
          // What was streamed before it stays (P3).
          await flush();
          return failed(value.failure, visible);
        case 'finish':
          turn.usage = advanced(turn.usage, value, calls.length === 0);
          measureCall(core, value);
          await flush(calls.map(({ id, name, args }) => ({ type: 'tool_call', id, name, args })));
          return calls.length ? { type: 'calls', calls } : { type: 'answered' };
      }
      next = parts.next();
      if (!gathered.empty && core.clock.now() - flushedAt >= settings.flushMs) {
        await flush();
        if (wanted()) return await cut();
      }
    }
  } finally {
    stop.abort('over');
    // The stream must have ended before the next one begins: what it still does would be done in a later invocation.
    await drainQuietly(next, parts);
  }

  async function cut(): Promise<CallOutcome> {
    // A call that is cut for somebody was a call; one that goes on in a fresh invocation is still the same.
    if (turn.abortRequest || wantsCut(turn)) turn.usage = { ...turn.usage, steps: turn.usage.steps + 1 };
    await flush();
    return { type: 'cut' };
  }

  /** A model that says nothing holds up a person, and a function that is paid for. */
  async function stalled(): Promise<CallOutcome> {
    await flush();
    const seconds = settings.stallMs / 1000;
    const failure: ModelFailure = {
      code: 'PROVIDER_ERROR',
      reason: 'stalled',
      message: `The model sent nothing for ${seconds} seconds.`,
      retryable: true,
      diagnostic: `no part of the answer for ${seconds} s`,
    };
    return failed(failure, visible);
  }

  /** The port's streams end with `finish` or `failure`; one that just stops has been cut. */
  function ended(): CallOutcome {
    const failure: ModelFailure = {
      code: 'PROVIDER_ERROR',
      reason: 'cut_off',
      message: 'The model stopped without endAnswered its answer.',
      retryable: true,
      diagnostic: 'the stream ended without finish or failure',
    };
    return failed(failure, visible || !gathered.empty);
  }

  function failed(failure: ModelFailure, isVisible: boolean): CallOutcome {
    core.metrics.countBy('ModelFailures', failure.code);
    const diagnostic = redactQuotes(failure.diagnostic, textsOf(request.messages));
    return { type: 'failed', failure: { ...failure, diagnostic }, visible: isVisible };
  }
}

/** `delivery: now`: what can be cut is cut at once, and the turn goes on with the message in view. */
export const wantsCut = (turn: LeasedTurn) => Object.values(turn.lane.inbox).some((message) => message.now);

/** Some providers number their calls anew in each answer; within a turn an id must name one call (P13). */
function unused(turn: LeasedTurn, calls: readonly AskedCall[], id: string): string {
  const taken = (name: string) =>
    calls.some((call) => call.id === name) ||
    turn.events.some((event) => event.type === 'tool_call' && event.id === name);
  let name = id;
  for (let n = 2; taken(name); n++) name = `${id}-${n}`;
  return name;
}

type Finish = Extract<ModelPart, { type: 'finish' }>;

const advanced = (before: TurnUsage, { usage, cached }: Finish, answered: boolean): TurnUsage => ({
  steps: before.steps + 1,
  inputTokens: before.inputTokens + usage.inputTokens,
  outputTokens: before.outputTokens + usage.outputTokens,
  lastInputTokens: usage.inputTokens,
  answered,
  ...(cached && { cached }),
});

function measureCall({ metrics }: Core, { usage: { inputTokens, outputTokens }, cached }: Finish): void {
  if (cached) {
    metrics.count('CacheHits');
    return;
  }
  metrics.count('Steps');
  metrics.count('InputTokens', inputTokens);
  metrics.count('OutputTokens', outputTokens);
}

function* textsOf(messages: ModelRequest['messages']): Generator<string> {
  for (const message of messages) {
    switch (message.role) {
      case 'user':
        yield* quotesOf(message.content);
        break;
      case 'assistant':
        yield message.text;
        for (const { args } of message.calls) yield JSON.stringify(args);
        break;
      case 'tool':
        for (const { output } of message.results)
          yield typeof output === 'string' ? output : JSON.stringify(output);
    }
  }
}

async function first<T>(
  next: Promise<T>,
  ms: number,
  clock: TurnContext['core']['clock'],
): Promise<T | 'time'> {
  const timer = new AbortController();
  try {
    return await Promise.race([next, clock.sleep(Math.max(0, ms), timer.signal).then(() => 'time' as const)]);
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
