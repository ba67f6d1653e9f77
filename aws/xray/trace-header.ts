/** Where a span stands: ids in hex, as W3C's trace context has them. */
export interface TraceParent {
  /** 32 digits. */
  traceId: string;
  /** 16 digits. */
  spanId: string;
}

const FIELDS = /^Root=1-([\da-f]{8})-([\da-f]{24});(?:.*;)?Parent=([\da-f]{16});(?:.*;)?Sampled=1(?:;|$)/i;

/**
 * Reads X-Ray's tracing header, which Lambda gives to an invocation and SQS carries with a message. Source: "AWS X-Ray concepts",
 * Tracing header, https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 *
 * @returns undefined: X-Ray does not record this request, or there is no header
 * @example traceParentOf('Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1')
 */
export function traceParentOf(header: string | undefined): TraceParent | undefined {
  const [, seconds, random, spanId] = FIELDS.exec(header ?? '') ?? [];
  return seconds && random && spanId
    ? { traceId: (seconds + random).toLowerCase(), spanId: spanId.toLowerCase() }
    : undefined;
}
