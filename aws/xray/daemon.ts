import { createSocket } from 'node:dgram';
import type { EndedSpan } from './otlp.ts';
import { encodeSpans } from './otlp.ts';

/**
 * The form in which AWS's distribution of OpenTelemetry for Lambda sends spans to the X-Ray daemon, which Lambda runs for a traced
 * function: "AWSOpenTelemetryDistroJs", github.com/aws-observability/aws-otel-js-instrumentation, `OTLPUdpSpanExporter`. `T1S`:
 * OTLP, of requests that are sampled.
 */
const PREFIX = '{"format":"json","version":1}\nT1S';
/** A datagram has at most 64 KB, in base64. */
const BYTES_PER_DATAGRAM = 45_000;
/** A span has some hundred bytes. */
const SPANS_PER_DATAGRAM = 40;

/** Sends spans to the daemon at `address` (`host:port`). It answers nothing: whether they arrive is not known. */
export async function sendSpans(
  address: string,
  service: string,
  spans: readonly EndedSpan[],
): Promise<void> {
  const [host = '', port = ''] = address.split(':');
  const socket = createSocket('udp4');
  try {
    for (const datagram of datagramsOf(service, spans)) {
      await new Promise<void>((resolve, reject) => {
        // The socket tells of itself by an event, and then not of what it was to send.
        socket.once('error', reject);
        socket.send(datagram, Number(port), host, (error) => (error ? reject(error) : resolve()));
      });
      socket.removeAllListeners('error');
    }
  } finally {
    socket.close();
  }
}

function* datagramsOf(service: string, spans: readonly EndedSpan[]): Generator<string> {
  if (spans.length === 0) return;
  const encoded = spans.length > SPANS_PER_DATAGRAM ? undefined : encodeSpans(service, spans);
  if (encoded && (encoded.length <= BYTES_PER_DATAGRAM || spans.length === 1)) {
    yield PREFIX + encoded.toString('base64');
    return;
  }
  const half = Math.ceil(spans.length / 2);
  yield* datagramsOf(service, spans.slice(0, half));
  yield* datagramsOf(service, spans.slice(half));
}
