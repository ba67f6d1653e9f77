import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** Why a request is rejected before its service sees it. */
export type Refusal =
  | { kind: 'no-signature' }
  | { kind: 'unknown-key' }
  | { kind: 'wrong-signature' }
  /** `user`: ARN of the caller. */
  | { kind: 'denied'; user: string; action: string; resource: string }
  | { kind: 'malformed' }
  | { kind: 'invalid'; message: string }
  /** DynamoDB: more writes than one partition takes. */
  | { kind: 'throttled' }
  | { kind: 'no-such-service'; service: string };

interface Error {
  /** The error type of the JSON protocols. */
  type: string;
  /** The error code of the older query protocol, which SQS still sends. */
  code: string;
  message: string;
  status: number;
}

function describe(refusal: Refusal): Error {
  switch (refusal.kind) {
    case 'no-signature':
      return {
        type: 'MissingAuthenticationTokenException',
        code: 'MissingAuthenticationToken',
        message: 'Request is missing Authentication Token',
        status: 400,
      };
    case 'unknown-key':
      return {
        type: 'UnrecognizedClientException',
        code: 'InvalidClientTokenId',
        message: 'The security token included in the request is invalid.',
        status: 400,
      };
    case 'wrong-signature':
      return {
        type: 'InvalidSignatureException',
        code: 'SignatureDoesNotMatch',
        message:
          'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
        status: 400,
      };
    case 'denied': {
      const { user, action, resource } = refusal;
      return {
        type: 'AccessDeniedException',
        code: 'AccessDenied',
        message: `User: ${user} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
        status: 400,
      };
    }
    case 'malformed':
      return {
        type: 'SerializationException',
        code: 'MalformedInput',
        message: 'The request is not what its protocol demands.',
        status: 400,
      };
    case 'invalid':
      return {
        type: 'ValidationException',
        code: 'ValidationException',
        message: refusal.message,
        status: 400,
      };
    case 'throttled':
      // What a table with on-demand capacity answers, as its users report it.
      return {
        type: 'ThrottlingException',
        code: 'Throttling',
        message:
          'Throughput exceeds the current capacity of your table or index. Check if you have a hot key.',
        status: 400,
      };
    case 'no-such-service':
      return {
        type: 'NotImplemented',
        code: 'NotImplemented',
        message: `The local cloud has no ${refusal.service}.`,
        status: 501,
      };
  }
}

/**
 * Answers as the service would: the JSON protocols with `__type` and 400, SQS with 403 and the query protocol's code,
 * the REST services with 403 and a header. Source: "Common errors" of each service's API reference.
 */
export function refuse(response: ServerResponse, service: string | undefined, refusal: Refusal): number {
  const { type, code, message, status } = describe(refusal);
  const requestId = randomUUID();
  if (service === undefined || service === 'execute-api' || service === 'bedrock' || service === 'lambda') {
    const body = JSON.stringify({ message });
    response.writeHead(status === 400 ? 403 : status, {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': type,
    });
    response.end(body);
    return Buffer.byteLength(body);
  }
  const ofSqs = service === 'sqs';
  const isJson11 = service === 'secretsmanager' || service === 'events';
  const prefix = isJson11 ? '' : 'com.amazon.coral.service#';
  // Services spell the field differently. SDKs read both.
  const body = JSON.stringify({ __type: `${prefix}${type}`, [ofSqs ? 'message' : 'Message']: message });
  response.writeHead(ofSqs && refusal.kind !== 'malformed' && status === 400 ? 403 : status, {
    'content-type': `application/x-amz-json-1.${isJson11 ? 1 : 0}`,
    'x-amzn-requestid': requestId,
    ...(ofSqs && { 'x-amzn-query-error': `${code};Sender` }),
  });
  response.end(body);
  return Buffer.byteLength(body);
}
