/**
 * Converts an MCP server's result of a call: its texts, or its structured content. Images and audio are only mentioned.
 */
export function readResult(result: object): { output: unknown; isError: boolean } {
  const { content, structuredContent, isError } = result as Record<string, unknown>;
  const output =
    structuredContent ?? (Array.isArray(content) ? content.map(textOf).join('\n') : { ...result });
  return { output, isError: isError === true };
}

function textOf(part: unknown): string {
  if (typeof part !== 'object' || part === null) return String(part);
  const { type, text, uri, mimeType, resource } = part as Record<string, unknown>;
  if (typeof text === 'string') return text;
  if (type === 'resource') return textOf({ ...(resource as object), type: 'resource contents' });
  return `[${[type, uri, mimeType].filter((word) => typeof word === 'string').join(' ')}]`;
}
