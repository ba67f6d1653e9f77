import { randomBytes } from 'node:crypto';
import type { Environment } from '../../config/settings/setting.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Span, Tracer } from '../../core/tracing.ts';
import { noSpan } from '../../core/tracing.ts';
import { errorFields } from '../cloudwatch/error-fields.ts';
import type { EndedSpan } from './otlp.ts';
import { type TraceParent, traceParentOf } from './trace-header.ts';

/**
 * More spans of one invocation do not begin: a turn of many hours has a first part. Those that have begun end, or the outermost, which
 * end last, would be missing.
 */
const MOST = 1000;

/** Of an invocation: Lambda's tracing header, as its runtime sets it. */
const HEADER = '_X_AMZN_TRACE_ID';

/**
 * Runs work with a tracer of the trace in `header`, and then sends its spans to X-Ray's daemon, whose address Lambda sets in
 * each function's environment. X-Ray chooses the requests that it records. Of the others nothing is kept, and the code that encodes and
 * sends spans is not loaded.
 *
 * @param header of the message that is worked on; undefined: that of the invocation
 */
export async function traced<T>(
  { env, clock, log }: { env: Environment; clock: Clock; log: Log },
  header: string | undefined,
  work: (tracer: Tracer) => Promise<T>,
): Promise<T> {
  const daemon = env.AWS_XRAY_DAEMON_ADDRESS;
  const parent = daemon ? traceParentOf(header ?? env[HEADER]) : undefined;
  if (!daemon || !parent) return work(noSpan);
  const kept: Kept = { begun: 0, ended: [] };
  try {
    return await work({ begin: beginUnder(parent, clock, kept) });
  } finally {
    try {
      const { sendSpans } = await import('./daemon.ts');
      await sendSpans(daemon, env.MIDTURN_STACK ?? 'midturn', kept.ended);
    } catch (error) {
      log.warn('spans were not sent', errorFields(error));
    }
  }
}

/** Of an invocation. */
interface Kept {
  begun: number;
  ended: EndedSpan[];
}

const beginUnder =
  ({ traceId, spanId: parentId }: TraceParent, clock: Clock, kept: Kept): Tracer['begin'] =>
  (name, kind, begun = {}) => {
    // What begins under it is no span either.
    if (kept.begun >= MOST) return noSpan;
    kept.begun++;
    const span: TraceParent = { traceId, spanId: randomBytes(8).toString('hex') };
    const from = clock.now();
    let isOver = false;
    const end: Span['end'] = (attributes = {}, error) => {
      if (isOver) return;
      isOver = true;
      kept.ended.push({
        ...span,
        parentId,
        name,
        kind,
        from,
        to: clock.now(),
        attributes: { ...begun, ...attributes },
        ...(error !== undefined && { error }),
      });
    };
    return { begin: beginUnder(span, clock, kept), end };
  };
