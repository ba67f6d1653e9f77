import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { ANYONE, type Caller, callerOf } from '../../aws/api-gateway/caller.ts';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { traced } from '../../aws/xray/tracer.ts';
import type { HttpRoute } from '../../config/http-routes.ts';
import { goesWithoutAuthorizer } from '../../config/settings/emulator.ts';
import { answerRequest, type RequestType, readState } from '../../core/inbound/request.ts';
import { errorReply } from '../../core/replies.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import { startCore } from '../core-of.ts';
import { STATUS } from './status.ts';

const instruments = instrumentsOf(process.env, 'http');
const core = await startCore(process.env, instruments);
/** Who asks if there is no authorizer to say it: nobody, except on an emulator that was told to do without. */
const unnamed: Caller | undefined = goesWithoutAuthorizer(process.env)
  ? { principal: { tenant: ANYONE.tenant, subject: ANYONE.subject } }
  : undefined;

/** Of a Lambda authorizer: its context is in `lambda`. */
type RequestContext = APIGatewayProxyEventV2['requestContext'] & {
  authorizer?: { lambda?: Record<string, unknown> | null };
};

/** Answers every request of the HTTP API. docs/http.md has its routes. */
export const handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<APIGatewayProxyStructuredResultV2> => instruments.invocation(context, () => tracedAnswer(event));

const tracedAnswer = (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> =>
  traced({ env: process.env, ...core }, undefined, async (tracer) => {
    const [method = '', route = ''] = event.routeKey.split(' ');
    const span = tracer.begin(event.routeKey, 'server', {
      'faas.trigger': 'http',
      'http.request.method': method,
      'http.route': route,
    });
    try {
      const answered = await answer(event);
      const { statusCode = 200 } = answered;
      span.end(
        { 'http.response.status_code': statusCode },
        statusCode >= 500 ? String(statusCode) : undefined,
      );
      return answered;
    } finally {
      span.end();
    }
  });

async function answer(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const requestContext: RequestContext = event.requestContext;
  const caller = callerOf({ authorizer: requestContext.authorizer?.lambda }) ?? unnamed;
  if (!caller) return json(401, { message: 'Unauthorized' });
  try {
    return await route(event, caller);
  } catch (error) {
    const { requestId } = requestContext;
    core.log.error('request failed', { requestId, ...errorFields(error) });
    core.metrics.countBy('Refused', 'INTERNAL');
    // The answer gives no cause. The request id leads to it in the log.
    return refusal(errorReply('INTERNAL', `The request could not be handled (request ${requestId}).`));
  }
}

async function route(
  {
    routeKey,
    pathParameters,
    queryStringParameters: query = {},
    body = '',
    isBase64Encoded,
  }: APIGatewayProxyEventV2,
  caller: Caller,
): Promise<APIGatewayProxyStructuredResultV2> {
  const sessionId = pathParameters?.id ?? '';
  const ask = (type: RequestType, text: string) =>
    answerRequest(core, caller, { type, body: text, sessionId });
  const given = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  switch (routeKey as HttpRoute) {
    case 'GET /api/sessions': {
      const text = JSON.stringify({ after: query.after, limit: numberIn(query.limit), query: query.query });
      const reply = await answerRequest(core, caller, { type: 'sessions', body: text });
      return reply?.type === 'sessions'
        ? json(200, { sessions: reply.sessions, next: reply.next })
        : refusal(reply);
    }
    case 'GET /api/sessions/{id}/messages': {
      const { before, limit, merged = 'true' } = query;
      const asked = { before: numberIn(before), limit: numberIn(limit), merged: flagIn(merged) };
      const reply = await ask('history', JSON.stringify(asked));
      if (reply?.type !== 'history') return refusal(reply);
      // `session_persistence` is for clients of the ZeroClaw gateway.
      const { entries: messages, next } = reply;
      return json(200, { session_id: sessionId, messages, next, session_persistence: true });
    }
    case 'POST /api/sessions/{id}/messages': {
      const reply = await ask('message', given);
      if (reply?.type === 'accepted') {
        const { type: _, ...accepted } = reply;
        return json(202, { session_id: sessionId, ...accepted });
      }
      if (reply?.type !== 'cancelled') return refusal(reply);
      return json(200, { session_id: sessionId, cancelled: true, ids: reply.ids, reason: reply.reason });
    }
    case 'POST /api/sessions/{id}/abort': {
      const reply = await ask('abort', given || '{}');
      return reply ? refusal(reply) : json(202, { session_id: sessionId, status: 'aborted' });
    }
    case 'GET /api/sessions/{id}/state': {
      const state = await readState(core, caller, sessionId);
      return 'type' in state ? refusal(state) : json(200, state);
    }
    case 'DELETE /api/sessions/{id}': {
      const reply = await ask('delete', '{}');
      return reply?.type === 'deleted' ? json(200, { session_id: sessionId, deleted: true }) : refusal(reply);
    }
  }
  throw new Error(`There is no route ${routeKey}.`);
}

/** What is no number is none in JSON either, and refused as such. */
const numberIn = (text: string | undefined): number | null | undefined => {
  if (text === undefined) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
};

const flagIn = (text: string): boolean | null => (text === 'true' ? true : text === 'false' ? false : null);

function refusal(reply: { type: string } | undefined): APIGatewayProxyStructuredResultV2 {
  if (reply?.type !== 'error') throw new Error(`The request was answered by ${reply?.type ?? 'nothing'}.`);
  const { code, message, retry_after_ms: retryAfterMs } = reply as ErrorReply;
  const seconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  return json(
    STATUS[code],
    { error: { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) } },
    seconds === undefined ? {} : { 'retry-after': String(seconds) },
  );
}

const json = (
  statusCode: number,
  body: object,
  headers: Record<string, string> = {},
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
});
