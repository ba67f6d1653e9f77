import { shortened } from '../../protocol/text.ts';
import { REMOVED_TOKEN } from '../tools/lent-token.ts';

/** Of what a server says of its progress. It is stored and sent to clients. */
const MAX_MESSAGE = 500;

/** A progress token, and the user's token that the request had, which the server may quote. */
export interface Asked {
  progressToken: string | number;
  userToken: string | undefined;
}

/**
 * Asks a server to tell the progress of a call. The MCP client can neither ask for it nor read it.
 *
 * @param body of a request
 * @returns undefined: it is no call
 */
export function withProgressToken(
  body: unknown,
): { body: string; progressToken: string | number } | undefined {
  if (typeof body !== 'string') return undefined;
  const { method, id, params, ...message } = JSON.parse(body);
  if (method !== 'tools/call') return undefined;
  // Unique among the requests of a session, as a token has to be.
  const asked = { ...params, _meta: { ...params._meta, progressToken: id } };
  return { body: JSON.stringify({ ...message, id, method, params: asked }), progressToken: id };
}

/**
 * The same answer. What its stream says of progress is told as well: `progress`, and `total` and `message` where the server gives them.
 *
 * Source: "Progress", Model Context Protocol 2026-07-28.
 */
export function progressIn(response: Response, asked: Asked, tell: (value: object) => void): Response {
  const isStream = response.headers.get('content-type')?.includes('text/event-stream');
  if (!response.body || !isStream) return response;
  const decoder = new TextDecoder();
  let rest = '';
  const watched = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk);
        const events = `${rest}${decoder.decode(chunk, { stream: true })}`.split(/\r\n\r\n|\n\n|\r\r/);
        rest = events.pop() ?? '';
        for (const event of events) {
          const value = progressOf(event, asked);
          if (value) tell(value);
        }
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(watched, { status, statusText, headers });
}

function progressOf(event: string, { progressToken, userToken }: Asked): object | undefined {
  // Most events are results, which may be long.
  if (!event.includes('notifications/progress')) return undefined;
  const data = event.split(/\r\n|\n|\r/).flatMap((line) => /^data: ?(.*)$/.exec(line)?.[1] ?? []);
  try {
    const { method, params } = JSON.parse(data.join('\n'));
    if (method !== 'notifications/progress' || params.progressToken !== progressToken) return undefined;
    const { progress, total, message } = params;
    if (typeof progress !== 'number') return undefined;
    return {
      progress,
      ...(typeof total === 'number' && { total }),
      ...(typeof message === 'string' && { message: shortened(without(userToken, message), MAX_MESSAGE) }),
    };
  } catch {
    // The MCP client reports what is no JSON.
    return undefined;
  }
}

/** Before it is cut: a part of a token is one too. */
const without = (token: string | undefined, text: string): string =>
  token ? text.replaceAll(token, REMOVED_TOKEN) : text;
