import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import { ANYONE, type Caller, callerOf } from '../../aws/api-gateway/caller.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { sealerFor } from '../../aws/sealed-text.ts';
import { wakeTurnFunction } from '../../aws/sqs/queues.ts';
import { randomId, systemClock } from '../../aws/system.ts';
import { goesWithoutAuthorizer } from '../../config/settings/emulator.ts';
import { readForwardTokenKey } from '../../config/settings/forward-token.ts';
import { asConnectionId, asSessionId, newSessionId } from '../../core/ids.ts';
import { closeConnection, registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { greetLater } from '../../core/inbound/greet.ts';
import { excessOf } from '../../core/inbound/rate.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { ID_PATTERN } from '../../protocol/ids.ts';
import { MAX_LABEL_LENGTH, SUBPROTOCOLS } from '../../protocol/limits.ts';
import { cutAt, wellFormed } from '../../protocol/text.ts';
import { tokenOf } from '../authorizer/token.ts';
import { besideStart, startCore } from '../core-of.ts';

const instruments = instrumentsOf(process.env, 'connection');
const turnQueue = process.env.MIDTURN_TURN_QUEUE_URL;
/** An environment that starts shows that nobody was here for a while: the first turn would wait for its function as well. */
const woken =
  turnQueue &&
  besideStart(
    { clock: systemClock, log: instruments.log },
    'the turn function was not woken',
    wakeTurnFunction(turnQueue, randomId()),
  );
const key = readForwardTokenKey(process.env);
/** Undefined: no token is kept. */
const sealToken = key === undefined ? undefined : sealerFor(key);
const core = { ...(await startCore(process.env, instruments)), ...(sealToken && { sealToken }) };
await woken;

/** Who connects if there is no authorizer to say it: nobody, except on an emulator that was told to do without. */
const unnamed: Caller | undefined = goesWithoutAuthorizer(process.env)
  ? { principal: { tenant: ANYONE.tenant, subject: ANYONE.subject } }
  : undefined;

/** Fields of a `$connect` event that other routes' events lack. */
type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  headers?: Record<string, string | undefined>;
  queryStringParameters?: Record<string, string | undefined> | null;
};

/** Handles `$connect` and `$disconnect`. */
export const handler = (event: ConnectEvent, context: Context): Promise<APIGatewayProxyResultV2> =>
  instruments.invocation(context, () => comeOrGo(event));

async function comeOrGo(event: ConnectEvent): Promise<APIGatewayProxyResultV2> {
  const { eventType, requestId } = event.requestContext;
  const connectionId = asConnectionId(event.requestContext.connectionId);
  if (eventType === 'DISCONNECT') {
    await closeConnection(core, connectionId);
    return { statusCode: 200 };
  }
  const caller = callerOf(event.requestContext) ?? unnamed;
  if (!caller) return { statusCode: 401 };
  const { principal, countedFor, tokenExpires, claims } = caller;
  if (countedFor && (await excessOf(core, countedFor, 'connections'))) {
    // Also where it could not be counted: the client tries again.
    core.metrics.countBy('Refused', 'RATE_LIMITED' satisfies ErrorCode);
    return { statusCode: 429 };
  }
  const query = event.queryStringParameters ?? {};
  const sessionId = query.session_id ? asSessionId(query.session_id) : newSessionId(core);
  if (!ID_PATTERN.test(sessionId)) {
    core.log.warn('connection refused: invalid session_id', { requestId });
    return { statusCode: 400 };
  }
  const given = query.name && wellFormed(query.name);
  const name = given?.slice(0, cutAt(given, MAX_LABEL_LENGTH));
  // What the authorizer has verified.
  const token = sealToken && tokenOf(event);
  const isConnected = await registerConnection(core, connectionId, {
    principal,
    sessionId,
    ...(name && { name }),
    ...(token && { token }),
    ...(tokenExpires && { tokenExpires }),
    ...(claims !== undefined && { claims }),
  });
  if (!isConnected) return { statusCode: 409 };
  const subprotocol = chosenSubprotocol(event.headers ?? {});
  // Without a session in its address, there is nothing to be told of.
  if (core.sessionSettings.greetSilent && query.session_id && subprotocol !== SPEAKS_FIRST)
    await greetLater(core, connectionId);
  return { statusCode: 200, ...(subprotocol && { headers: { 'Sec-WebSocket-Protocol': subprotocol } }) };
}

/** Its clients send a frame at once. */
const SPEAKS_FIRST: (typeof SUBPROTOCOLS)[number] = 'midturn.v1';

/** A browser closes the connection if the server accepts none of the requested subprotocols. */
function chosenSubprotocol(headers: Record<string, string | undefined>): string | undefined {
  const name = Object.keys(headers).find((header) => header.toLowerCase() === 'sec-websocket-protocol');
  const asked = (name && headers[name])?.split(',').map((protocol) => protocol.trim()) ?? [];
  return SUBPROTOCOLS.find((protocol) => asked.includes(protocol));
}
