import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import type { Handshake } from './token.ts';
import { tokenOf } from './token.ts';
import { verifier } from './verify.ts';

const verify = verifier(process.env);

/** Lets a principal connect: tenant and subject go on in the context of every frame. Anyone else gets 401. */
export async function handler(event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> {
  const principal = await verify(tokenOf(event as Handshake));
  // The one word that API Gateway answers with 401.
  if (!principal) throw new Error('Unauthorized');
  const { tenant, subject } = principal;
  return {
    principalId: `${tenant}/${subject}`,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }],
    },
    context: { tenant, subject },
  };
}
