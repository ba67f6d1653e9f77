import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { coreOf } from '../adapters/environment.ts';
import { closeConnection, openConnection } from '../core/inbound/connection.ts';
import type { Principal } from '../core/items.ts';
import { ID_PATTERN, MAX_LABEL_LENGTH, SUBPROTOCOLS } from '../protocol/limits.ts';

const core = coreOf(process.env);

/** What `$connect` brings beside the event that every route has. */
type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  headers?: Record<string, string | undefined>;
  queryStringParameters?: Record<string, string | undefined> | null;
  requestContext: { authorizer?: { tenant?: unknown; subject?: unknown } };
};

/** `$connect` and `$disconnect`. */
export async function handler(event: ConnectEvent): Promise<APIGatewayProxyResultV2> {
  const { connectionId, eventType, requestId } = event.requestContext;
  if (eventType === 'DISCONNECT') {
    await closeConnection(core, connectionId);
    return { statusCode: 200 };
  }
  const principal = principalOf(event);
  if (!principal) return { statusCode: 401 };
  const query = event.queryStringParameters ?? {};
  const sessionId = query.session_id || core.newId();
  if (!ID_PATTERN.test(sessionId)) {
    core.log.warn('connection refused: invalid session_id', { requestId });
    return { statusCode: 400 };
  }
  const name = query.name?.slice(0, MAX_LABEL_LENGTH);
  await openConnection(core, connectionId, { principal, sessionId, ...(name && { name }) });
  const subprotocol = chosenSubprotocol(event.headers ?? {});
  return { statusCode: 200, ...(subprotocol && { headers: { 'Sec-WebSocket-Protocol': subprotocol } }) };
}

/** As the authorizer proved it. */
function principalOf(event: ConnectEvent): Principal | undefined {
  const { tenant, subject } = event.requestContext.authorizer ?? {};
  return typeof tenant === 'string' && typeof subject === 'string' && subject
    ? { tenant, subject }
    : undefined;
}

/** A browser fails a connection whose requested subprotocols are all ignored. */
function chosenSubprotocol(headers: Record<string, string | undefined>): string | undefined {
  const name = Object.keys(headers).find((header) => header.toLowerCase() === 'sec-websocket-protocol');
  const asked = (name && headers[name])?.split(',').map((protocol) => protocol.trim()) ?? [];
  return SUBPROTOCOLS.find((protocol) => asked.includes(protocol));
}
