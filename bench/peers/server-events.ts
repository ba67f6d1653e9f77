/** One event of a `text/event-stream`. */
export interface ServerEvent {
  event: string;
  id: string | undefined;
  data: string;
}

/** @throws {TypeError} when the connection is lost. */
export async function* serverEvents(response: Response): AsyncGenerator<ServerEvent> {
  if (!response.ok || !response.body) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
  }
}

/** Undefined for a comment, which keeps a connection alive. */
function parsed(block: string): ServerEvent | undefined {
  const lines = block.split(/\r?\n/);
  const field = (name: string) =>
    lines
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trimStart());
  const data = field('data');
  if (data.length === 0) return undefined;
  return { event: field('event').at(-1) ?? 'message', id: field('id').at(-1), data: data.join('\n') };
}
