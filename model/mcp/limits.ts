import { McpToolError } from './tool-error.ts';

/** What an MCP server may cost: memory while an answer is read, and tokens of every prompt. */
export const DEFAULT_MAX_RESPONSE_BYTES = 1024 * 1024;
export const DEFAULT_MAX_TOOLS = 64;
export const DEFAULT_MAX_TOOL_BYTES = 64 * 1024;

/**
 * A fetch that stops reading an answer after so many bytes. The stream of the answer fails then.
 * @param exceeded called before that
 */
export const withinBytes =
  (fetch: typeof globalThis.fetch, maxBytes: number, exceeded: (error: McpToolError) => void): typeof fetch =>
  async (input, init) => {
    const response = await fetch(input, init);
    if (!response.body) return response;
    let bytes = 0;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          if (bytes <= maxBytes) {
            controller.enqueue(chunk);
            return;
          }
          const error = new McpToolError(
            `The server's answer has more than ${maxBytes} bytes and was not read: the tool may have run.`,
          );
          exceeded(error);
          controller.error(error);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted, { status, statusText, headers });
  };

/** The first tools that fit, in the server's order, and the names of the others. */
export function fitting<T extends { name: string; description?: string | undefined; inputSchema: unknown }>(
  tools: readonly T[],
  { maxTools, maxBytes }: { maxTools: number; maxBytes: number },
): { offered: T[]; left: string[] } {
  const offered: T[] = [];
  const left: string[] = [];
  let bytes = 0;
  for (const tool of tools) {
    const { name, description, inputSchema } = tool;
    const size = Buffer.byteLength(JSON.stringify({ name, description, inputSchema }));
    if (offered.length < maxTools && bytes + size <= maxBytes) {
      offered.push(tool);
      bytes += size;
    } else left.push(tool.name);
  }
  return { offered, left };
}
