import type {
  APIGatewayAuthorizerResult,
  APIGatewayRequestAuthorizerEvent,
  Context,
  StatementEffect,
} from 'aws-lambda';
import type { AuthorizerContext } from '../../aws/api-gateway/caller.ts';
import { systemClock } from '../../aws/system.ts';
import { clientAddress, countedAddress } from './address.ts';
import { originCheck } from './origin.ts';
import { type Handshake, headerOf, tokenOf } from './token.ts';
import { verifier } from './verify.ts';

/** Of the invocation that runs. An environment handles one at a time. */
let running: Context;

const keptLast = (error: unknown) =>
  report('warn', 'tokens or keys cannot be read again: the last ones stay valid', error);
const verify = verifier(process.env, { keptLast });
const cameThroughFront = originCheck(process.env, { clock: systemClock, keptLast });

/**
 * Lets a principal connect: API Gateway adds tenant and subject to the context of every frame. An invalid token gets
 * 401, a handshake that went around what stands in front of the API 403. What cannot be judged gets 500, so that a valid
 * token does not look invalid.
 */
export async function handler(
  event: APIGatewayRequestAuthorizerEvent,
  context: Context,
): Promise<APIGatewayAuthorizerResult> {
  running = context;
  const proven = await judge(event).catch(async (error: unknown) => {
    await report('error', 'a handshake cannot be judged', error);
    throw new Error('The authorizer cannot judge this handshake now.');
  });
  if (proven === 'around-the-front') return policy('nobody', 'Deny', event);
  // API Gateway answers exactly this message with 401.
  if (!proven) throw new Error('Unauthorized');
  // For access logs only. Encoded, so that no name looks like another one or starts a new log line.
  const principalId = [proven.tenant, proven.subject].map(encodeURIComponent).join('/');
  return { ...policy(principalId, 'Allow', event), context: { ...proven } satisfies AuthorizerContext };
}

async function judge(
  event: APIGatewayRequestAuthorizerEvent,
): Promise<AuthorizerContext | 'around-the-front' | undefined> {
  const handshake = event as Handshake;
  if (cameThroughFront && !(await cameThroughFront(handshake))) return 'around-the-front';
  const { sourceIp } = event.requestContext.identity;
  const forwardedFor = headerOf(handshake.headers, 'x-forwarded-for');
  const address = countedAddress(clientAddress(sourceIp, forwardedFor, cameThroughFront !== undefined));
  return verify({ token: tokenOf(handshake), address });
}

/** API Gateway answers a denial with 403. */
const policy = (
  principalId: string,
  Effect: StatementEffect,
  { methodArn }: APIGatewayRequestAuthorizerEvent,
): APIGatewayAuthorizerResult => ({
  principalId,
  policyDocument: {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect, Resource: methodArn }],
  },
});

async function report(level: 'warn' | 'error', message: string, error: unknown): Promise<void> {
  // Loaded only for a report: a user waits for this function's cold start.
  const [{ structuredLog }, { readLogLevel }, { errorFields }] = await Promise.all([
    import('../../aws/cloudwatch/log.ts'),
    import('../../config/settings/logs.ts'),
    import('../../aws/cloudwatch/error-fields.ts'),
  ]);
  const log = structuredLog(readLogLevel(process.env));
  log.begin(running);
  log[level](message, errorFields(error));
}
