/**
 * An error as a log may show it. Parsers quote what they could not read, which may be what a person or a model wrote, or a
 * secret: of those, only the kind and the place are told.
 */
export function errorFields(error: unknown): { error: string; stack?: string } {
  if (!(error instanceof Error)) return { error: `${typeof error} thrown` };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    error: error instanceof SyntaxError ? error.name : `${error.name}: ${error.message}`,
    ...(frames.length > 0 && { stack: frames.map((line) => line.trim()).join('\n') }),
  };
}
