/** Ids, names and whole figures, from zero on, by OpenTelemetry's conventions: never what anybody said. */
export type Attributes = Readonly<Record<string, string | number | readonly string[]>>;

/** `client`: waits for another system. */
export type SpanKind = 'internal' | 'server' | 'client';

/** Begins spans of the trace to which the invocation belongs. */
export interface Tracer {
  /**
   * @param name few different ones: no ids
   * @example
   * const span = core.tracer.begin('chat gpt-5', 'client', { 'gen_ai.operation.name': 'chat' });
   * span.end({ 'gen_ai.usage.output_tokens': 500 });
   */
  begin(name: string, kind: SpanKind, attributes?: Attributes): Span;
}

/** A piece of work that has begun. What it begins are parts of it. */
export interface Span extends Tracer {
  /**
   * The first end counts.
   *
   * @param error the code of what it failed with
   */
  end(attributes?: Attributes, error?: string): void;
}

/** Where nothing is traced: no work, and nothing is kept. */
export const noSpan: Span = { begin: () => noSpan, end() {} };
