/**
 * The same answer of an MCP server. Its messages that have one of these words are told as they come, of a stream or of a body of JSON. The
 * MCP client does not pass on all of them.
 */
export function messagesIn(
  response: Response,
  words: readonly string[],
  tell: (message: Readonly<Record<string, unknown>>) => void,
): Response {
  const type = response.headers.get('content-type') ?? '';
  const isStream = type.includes('text/event-stream');
  if (!response.body || !(isStream || type.includes('application/json'))) return response;
  const decoder = new TextDecoder();
  let rest = '';
  const read = (text: string) => {
    // Most messages are results, which may be long.
    const message = words.some((word) => text.includes(word)) ? jsonIn(text) : undefined;
    if (message) tell(message);
  };
  const watched = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk);
        rest += decoder.decode(chunk, { stream: true });
        if (!isStream) return;
        const events = rest.split(/\r\n\r\n|\n\n|\r\r/);
        rest = events.pop() ?? '';
        for (const event of events) read(dataOf(event));
      },
      flush() {
        if (!isStream) read(rest);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(watched, { status, statusText, headers });
}

const dataOf = (event: string): string =>
  event
    .split(/\r\n|\n|\r/)
    .flatMap((line) => /^data: ?(.*)$/.exec(line)?.[1] ?? [])
    .join('\n');

/** The MCP client reports what is no JSON. */
function jsonIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
