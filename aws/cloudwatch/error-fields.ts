/**
 * The log fields of an error. A parser's message quotes its input, which may be a user's text or a secret: of a
 * `SyntaxError` only the name and the stack are logged.
 */
export function errorFields(error: unknown): { error: string; stack?: string } {
  if (!(error instanceof Error)) return { error: `${typeof error} thrown` };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    error: error instanceof SyntaxError ? error.name : `${error.name}: ${error.message}`,
    ...(frames.length > 0 && { stack: frames.map((line) => line.trim()).join('\n') }),
  };
}
