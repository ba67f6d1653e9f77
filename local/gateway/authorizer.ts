import { type AuthorizerFields, authorizerEvent, methodArn, type RequestContext } from './events.ts';
import type { HandshakeRequest } from './handshake-request.ts';
import { callFunction, describeError, describeFailure } from './integration.ts';
import { isJsonObject } from './json-object.ts';
import { INTEGRATION_TIMEOUT_MS, MAX_AUTHORIZER_RESULT_BYTES } from './limits.ts';
import { evaluatePolicy } from './policy.ts';
import type { AuthorizerTarget, GatewayApi, Invoke } from './types.ts';

export type Authorization =
  | { kind: 'allowed'; context: AuthorizerFields }
  /** 401: an identity source is missing, or the function threw `Unauthorized`. */
  | { kind: 'unauthorized' }
  /** 403. */
  | { kind: 'denied' }
  /** 500: the function failed, or returned something that API Gateway rejects. `detail` is for the log. */
  | { kind: 'broken'; detail: string };

/**
 * Invokes a REQUEST authorizer for one handshake. Source: "Control access to WebSocket APIs with AWS Lambda REQUEST
 * authorizers" and "Output from an API Gateway Lambda authorizer", API Gateway developer guide.
 */
export async function authorize(
  api: GatewayApi,
  authorizer: AuthorizerTarget,
  request: HandshakeRequest,
  context: RequestContext,
  log: (line: string) => void,
): Promise<Authorization> {
  const hasIdentity = authorizer.identitySources.every(
    (source) => identityOf(source, request, context) !== '',
  );
  if (!hasIdentity) return { kind: 'unauthorized' };
  const event = authorizerEvent(api, request, context);
  return askAuthorizer(authorizer.invoke, event, methodArn(api), INTEGRATION_TIMEOUT_MS, log);
}

/**
 * Invokes an authorizer whose answer is a policy.
 *
 * @param resource what the policy must allow
 */
export async function askAuthorizer(
  invoke: Invoke,
  event: unknown,
  resource: string,
  timeoutMs: number,
  log: (line: string) => void,
): Promise<Authorization> {
  const outcome = await callFunction({ invoke, timeoutMs }, event, (error) =>
    log(`authorizer failed after its time limit: ${describeError(error)}`),
  );
  if (
    outcome.kind === 'failed' &&
    outcome.error instanceof Error &&
    outcome.error.message === 'Unauthorized'
  ) {
    return { kind: 'unauthorized' };
  }
  if (outcome.kind !== 'returned') return { kind: 'broken', detail: describeFailure(outcome) };
  return readResult(outcome.value, resource, outcome.latencyMs);
}

function readResult(result: unknown, resource: string, latencyMs: number): Authorization {
  if (!isJsonObject(result)) return { kind: 'broken', detail: 'returned no object' };
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes > MAX_AUTHORIZER_RESULT_BYTES) {
    return { kind: 'broken', detail: `returned ${bytes} bytes, more than ${MAX_AUTHORIZER_RESULT_BYTES}` };
  }
  const { principalId, policyDocument, context = {} } = result;
  if (typeof principalId !== 'string') return { kind: 'broken', detail: 'returned no principalId' };
  const decision = evaluatePolicy(policyDocument, resource);
  if (decision === 'malformed') return { kind: 'broken', detail: 'returned a malformed policyDocument' };
  const values = readContext(context);
  if (values === undefined) {
    return {
      kind: 'broken',
      detail: 'returned a context whose values are not all strings, numbers or booleans',
    };
  }
  if (decision === 'deny') return { kind: 'denied' };
  return { kind: 'allowed', context: { ...values, principalId, integrationLatency: latencyMs } };
}

/** Converts the context as events contain it: numbers and booleans become strings, null stays. */
function readContext(context: unknown): Record<string, string | null> | undefined {
  if (!isJsonObject(context)) return undefined;
  const values: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(context)) {
    if (value === undefined) continue;
    if (value === null) values[name] = null;
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      values[name] = String(value);
    } else return undefined;
  }
  return values;
}

/** Returns an identity source's value in this request. Empty if it is missing. */
function identityOf(source: string, request: HandshakeRequest, context: RequestContext): string {
  const [, kind, name = ''] =
    /^(route\.request\.header|route\.request\.querystring|context|stageVariables)\.(.+)$/.exec(source) ?? [];
  switch (kind) {
    case 'route.request.header':
      return headerOf(request, name);
    case 'route.request.querystring':
      return Object.hasOwn(request.query, name) ? (request.query[name] ?? '') : '';
    case 'context':
      return contextValue(context, name.split('.'));
    default:
      // Stage variables, which do not exist here.
      return '';
  }
}

function headerOf(request: HandshakeRequest, name: string): string {
  const wanted = name.toLowerCase();
  const found = Object.entries(request.headers).find(([header]) => header.toLowerCase() === wanted);
  return found?.[1] ?? '';
}

function contextValue(context: RequestContext, path: readonly string[]): string {
  const value = path.reduce<unknown>(
    (inner, name) => (isJsonObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    context,
  );
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
