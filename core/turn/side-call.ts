import { type Milliseconds, milliseconds } from '../../config/units.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { Core } from '../core.ts';
import type { SessionKey } from '../ids.ts';
import { fittingLength } from '../json-bytes.ts';
import type { Model, ModelPart, ModelRequest, Usage } from '../model.ts';
import { estimated, isBilled, usageIn } from './call-usage.ts';
import { beginModelCall, finishedCall } from './spans.ts';

/** A model call beside a session's turns, for a text that nobody waits for. */

export interface Written {
  text: string;
  /** As its provider tells it. */
  finish: Extract<ModelPart, { type: 'finish' }>;
  usage: Usage;
}

interface NotWritten {
  /** For the log. */
  diagnostic: string;
  /** Undefined: the provider has probably billed nothing. */
  usage?: Usage;
}

/** @param of for its span. @param limits `ms`: for the whole call. `bytes`: of the text as JSON, which is cut there */
export async function writeText(
  { clock, tracer }: Pick<Core, 'clock' | 'tracer'>,
  model: Model,
  request: ModelRequest,
  of: { session: SessionKey; purpose: 'title' | 'summary' },
  { ms, bytes }: { ms: Milliseconds; bytes: number },
): Promise<Written | NotWritten> {
  const stop = new AbortController();
  const over = new AbortController();
  void clock.sleep(milliseconds(Math.max(0, ms)), over.signal).then(() => stop.abort('time'));
  const span = beginModelCall(tracer, model, of);
  let text = '';
  const estimate = () => estimated(request, Buffer.byteLength(text), { lastInputTokens: 0 });
  try {
    for await (const part of model.stream(request, stop.signal)) {
      if (part.type === 'text') text += part.text;
      if (part.type === 'failure') {
        const { failure } = part;
        span.end({}, failure.reason);
        return {
          diagnostic: failure.diagnostic,
          ...(isBilled(failure, text !== '') && { usage: estimate() }),
        };
      }
      if (part.type === 'finish') {
        span.end(finishedCall(part));
        return { ...finished(text, part, bytes), usage: usageIn(part, estimate) };
      }
    }
    const diagnostic = stop.signal.aborted
      ? `no whole text within ${ms} ms`
      : 'the stream ended without a finish';
    return { diagnostic, usage: estimate() };
  } finally {
    // Of a call that was cut.
    span.end();
    over.abort('over');
    stop.abort('over');
  }
}

/** A text that reached its limit of tokens is one too. One that was refused is not. */
function finished(
  said: string,
  finish: Written['finish'],
  bytes: number,
): Omit<Written, 'usage'> | NotWritten {
  const text = wellFormed(said.trim());
  if (text === '' || (finish.reason !== 'stop' && finish.reason !== 'length'))
    return { diagnostic: `the call ended with ${finish.reason}` };
  return { text: text.slice(0, fittingLength(text, bytes)), finish };
}
