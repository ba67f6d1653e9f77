import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import type { AuthorizerContext } from '../../aws/api-gateway/caller.ts';
import type { Handshake } from './token.ts';
import { tokenOf } from './token.ts';
import { verifier } from './verify.ts';

const verify = verifier(process.env);

/**
 * Lets a principal connect: tenant and subject go on in the context of every frame. Anyone else gets 401. Where nobody can
 * be judged, everybody gets 500: a good token must not look like a bad one.
 */
export async function handler(
  event: APIGatewayRequestAuthorizerEvent,
  context: Context,
): Promise<APIGatewayAuthorizerResult> {
  const proven = await verify(tokenOf(event as Handshake)).catch((error: unknown) => report(error, context));
  // The one word that API Gateway answers with 401.
  if (!proven) throw new Error('Unauthorized');
  return {
    // For access logs alone; encoded, so that no name can look like another, nor like a line of its own.
    principalId: [proven.tenant, proven.subject].map(encodeURIComponent).join('/'),
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }],
    },
    context: { ...proven } satisfies AuthorizerContext,
  };
}

async function report(error: unknown, context: Context): Promise<never> {
  // Loaded when something is to be told: a cold start, which a person waits for, has nothing to tell.
  const [{ instrumentsOf }, { errorFields }] = await Promise.all([
    import('../../aws/cloudwatch/instruments.ts'),
    import('../../aws/cloudwatch/error-fields.ts'),
  ]);
  const { log, invocation } = instrumentsOf(process.env);
  await invocation(context, async () => log.error('nobody can be authorized', errorFields(error)));
  throw new Error('The authorizer cannot judge anybody now.');
}
