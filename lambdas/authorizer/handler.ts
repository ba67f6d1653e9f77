import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import type { AuthorizerContext } from '../../aws/api-gateway/caller.ts';
import { countedAddress } from './address.ts';
import type { Handshake } from './token.ts';
import { tokenOf } from './token.ts';
import { verifier } from './verify.ts';

/** Of the invocation that runs. An environment handles one at a time. */
let running: Context;

const verify = verifier(process.env, {
  keptLast: (error) => report('warn', 'tokens or keys cannot be read again: the last ones stay valid', error),
});

/**
 * Lets a principal connect: API Gateway adds tenant and subject to the context of every frame. An invalid token gets
 * 401. A token that cannot be judged gets 500, so that a valid token does not look invalid.
 */
export async function handler(
  event: APIGatewayRequestAuthorizerEvent,
  context: Context,
): Promise<APIGatewayAuthorizerResult> {
  running = context;
  const shown = {
    token: tokenOf(event as Handshake),
    address: countedAddress(event.requestContext.identity.sourceIp),
  };
  const proven = await verify(shown).catch(async (error: unknown) => {
    await report('error', 'a token cannot be judged', error);
    throw new Error('The authorizer cannot judge this token now.');
  });
  // API Gateway answers exactly this message with 401.
  if (!proven) throw new Error('Unauthorized');
  return {
    // For access logs only. Encoded, so that no name looks like another one or starts a new log line.
    principalId: [proven.tenant, proven.subject].map(encodeURIComponent).join('/'),
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }],
    },
    context: { ...proven } satisfies AuthorizerContext,
  };
}

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
