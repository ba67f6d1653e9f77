import { createSocket } from 'node:dgram';
import type { EndedSpan } from './otlp.ts';
import { encodeSpans } from './otlp.ts';

/**
 * The form in which AWS's distribution of OpenTelemetry for Lambda sends spans to the X-Ray daemon, which Lambda runs for a traced
 * function: "AWSOpenTelemetryDistroJs", github.com/aws-observability/aws-otel-js-instrumentation, `OTLPUdpSpanExporter`. `T1S`:
 * OTLP, of requests that are sampled.
 */
const PREFIX = '{"format":"json","version":1}\nT1S';
/** A datagram has at most 64 KB. A span has some hundred bytes, in base64. */
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
    for (let from = 0; from < spans.length; from += SPANS_PER_DATAGRAM) {
      const encoded = encodeSpans(service, spans.slice(from, from + SPANS_PER_DATAGRAM)).toString('base64');
      await new Promise<void>((resolve, reject) => {
        socket.send(PREFIX + encoded, Number(port), host, (error) => (error ? reject(error) : resolve()));
      });
    }
  } finally {
    socket.close();
  }
}
