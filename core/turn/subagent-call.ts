import { wellFormed } from '../../protocol/text.ts';
import { type Model, type ModelFailure, type ModelPart, type ModelRequest, modelId } from '../model.ts';
import type { CallMeter } from './call-meter.ts';
import { estimated, isBilled, usageIn } from './call-usage.ts';
import { CallWatch, CUT_OFF } from './call-watch.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS } from './context.ts';
import { type AskedCall, first } from './model-call.ts';
import { textsOf } from './prompt-texts.ts';
import { redactQuotes } from './redaction.ts';
import type { SubagentMessage } from './subagent-message.ts';
import { uniqueCallIds } from './unique-call-id.ts';
import { verbatimOf } from './verbatim.ts';

/** What became of one model call of a subagent. */
export type SubagentCall =
  | {
      type: 'finished';
      text: string;
      calls: AskedCall[];
      finish: Finish;
      paused: boolean;
      verbatim?: Kept;
      /** As `provider:model`. */
      model: string;
    }
  | { type: 'stopped' }
  | { type: 'failed'; failure: ModelFailure; visible: boolean };

type Finish = Extract<ModelPart, { type: 'finish' }>;
type Kept = ReturnType<typeof verbatimOf>;

/** Where the call is made. */
interface Caller {
  context: Pick<TurnContext, 'core' | 'settings'>;
  meter: Pick<CallMeter, 'count'>;
  message: SubagentMessage;
  /** The message has changed. */
  show(): void;
  signal: AbortSignal;
}

/**
 * Makes one model call, shows what it gives, and counts what it has used: before it returns, or at the moment in which the signal
 * aborts. Nothing of it is committed by itself.
 */
export async function callForSubagent(
  { context, meter, message, show, signal }: Caller,
  model: Model,
  request: ModelRequest,
): Promise<SubagentCall> {
  const { clock } = context.core;
  const stop = new AbortController();
  const calls: AskedCall[] = [];
  const idOf = uniqueCallIds(request.messages);
  let text = '';
  let writtenBytes = 0;
  let visible = false;
  let isCounted = false;
  const count = async (usage: Finish['usage']) => {
    if (isCounted) return;
    isCounted = true;
    await meter.count(model, usage);
  };
  const estimate = () => estimated(request, writtenBytes, { lastInputTokens: 0 });
  // The call's result may be committed before the stream has ended, and what it has used is to be counted with it.
  const stopped = () => void count(estimate());
  const watch = new CallWatch(context);
  const failed = async (failure: ModelFailure): Promise<SubagentCall> => {
    context.core.metrics.countBy('ModelFailures', failure.code);
    if (isBilled(failure, visible)) await count(estimate());
    // A provider may quote the request, and a log must not contain what was asked.
    const diagnostic = redactQuotes(failure.diagnostic, textsOf(request.messages));
    return { type: 'failed', failure: { ...failure, diagnostic }, visible };
  };
  const parts = model
    .stream(request, AbortSignal.any([signal, stop.signal]), watch.alive)
    [Symbol.asyncIterator]();
  signal.addEventListener('abort', stopped, { once: true });
  let next = parts.next();
  try {
    for (;;) {
      const part = await first(next, LANE_POLL_MS, clock);
      if (signal.aborted) return { type: 'stopped' };
      if (part === 'time') {
        if (watch.isSilent) return await failed(watch.silent);
        continue;
      }
      watch.heard();
      if (part.done) return await failed(CUT_OFF);
      const { value } = part;
      switch (value.type) {
        case 'text':
          text += value.text;
          writtenBytes += Buffer.byteLength(value.text);
          visible = true;
          message.say(value.text);
          show();
          break;
        case 'thinking':
          writtenBytes += Buffer.byteLength(value.text);
          break;
        case 'tool_call': {
          const { type: _, ...call } = value;
          writtenBytes += Buffer.byteLength(JSON.stringify(call.args));
          calls.push(wellFormed({ ...call, id: idOf(call.id) }));
          break;
        }
        case 'provider_call':
          visible = true;
          message.call(value, { byProvider: true });
          show();
          break;
        case 'provider_result':
          message.result(value.id, value);
          show();
          break;
        case 'source':
        case 'file':
          // The answer of a subagent is its text.
          break;
        case 'failure':
          return await failed(value.failure);
        case 'finish': {
          message.endText();
          await /* rule: subagent-waits-for-its-count */ count(usageIn(value, estimate));
          const paused = value.reason === 'paused' && calls.length === 0 && request.toolChoice === 'auto';
          const said = wellFormed(text);
          const own = { model, parts: value.parts ?? [], calls, textLength: said.length, paused };
          return {
            type: 'finished',
            text: said,
            calls,
            finish: value,
            paused,
            model: modelId(model),
            ...(value.parts && { verbatim: verbatimOf(own) }),
          };
        }
      }
      next = parts.next();
    }
  } finally {
    signal.removeEventListener('abort', stopped);
    stop.abort('over');
    // The stream must have ended before the next one begins.
    await next;
    await parts.return?.();
  }
}
