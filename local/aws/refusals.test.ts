import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Refusal, refuse } from './refusals.ts';

/** The answer of a service. */
function refused(service: string | undefined, refusal: Refusal) {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  let headers: Record<string, string> = {};
  const { writeHead } = response;
  response.writeHead = ((status: number, given: Record<string, string>) => {
    headers = given;
    return writeHead.call(response, status, given);
  }) as typeof response.writeHead;
  let text = '';
  response.end = ((body: string) => {
    text = body;
    return response;
  }) as typeof response.end;
  const bytes = refuse(response, service, refusal);
  expect(bytes).toBe(Buffer.byteLength(text));
  expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
  return { status: response.statusCode, headers, body: JSON.parse(text) as Record<string, string> };
}

const DENIED = { kind: 'denied', user: 'arn:größe', action: 'a:B', resource: 'arn:r' } as const;
const ALL: [Refusal, string, string][] = [
  [{ kind: 'no-signature' }, 'MissingAuthenticationTokenException', 'MissingAuthenticationToken'],
  [{ kind: 'unknown-key' }, 'UnrecognizedClientException', 'InvalidClientTokenId'],
  [{ kind: 'wrong-signature' }, 'InvalidSignatureException', 'SignatureDoesNotMatch'],
  [DENIED, 'AccessDeniedException', 'AccessDenied'],
  [{ kind: 'malformed' }, 'SerializationException', 'MalformedInput'],
  [{ kind: 'invalid', message: 'why' }, 'ValidationException', 'ValidationException'],
  [{ kind: 'throttled' }, 'ThrottlingException', 'Throttling'],
  [{ kind: 'no-such-service', service: 's' }, 'NotImplemented', 'NotImplemented'],
];

// "Common errors" of each service's API reference.
describe.each(ALL)('a refusal of the kind %j', (refusal, type, code) => {
  const isMissing = refusal.kind === 'no-such-service';

  it.each(['execute-api', 'bedrock', 'lambda', undefined])('is that of a REST service: %s', (service) => {
    const { status, headers, body } = refused(service, refusal);
    expect([status, headers['x-amzn-errortype'], headers['content-type']]).toEqual([
      isMissing ? 501 : 403,
      type,
      'application/json',
    ]);
    expect(Object.keys(body)).toEqual(['message']);
  });

  it('is that of DynamoDB', () => {
    const { status, headers, body } = refused('dynamodb', refusal);
    expect([status, headers['content-type']]).toEqual([isMissing ? 501 : 400, 'application/x-amz-json-1.0']);
    expect(body).toEqual({ __type: `com.amazon.coral.service#${type}`, Message: expect.any(String) });
    expect(headers).not.toHaveProperty('x-amzn-query-error');
  });

  it.each(['secretsmanager', 'events'])('is that of %s', (service) => {
    const { status, headers, body } = refused(service, refusal);
    expect([status, headers['content-type']]).toEqual([isMissing ? 501 : 400, 'application/x-amz-json-1.1']);
    expect(body).toEqual({ __type: type, Message: expect.any(String) });
  });

  it('is that of SQS, with the code of its older protocol', () => {
    const { status, headers, body } = refused('sqs', refusal);
    const expected = isMissing ? 501 : refusal.kind === 'malformed' ? 400 : 403;
    expect([status, headers['x-amzn-query-error']]).toEqual([expected, `${code};Sender`]);
    expect(body).toEqual({ __type: `com.amazon.coral.service#${type}`, message: expect.any(String) });
  });
});

it('names what was denied to whom, why it is invalid, and what is missing', () => {
  const said = (refusal: Refusal) => refused('lambda', refusal).body.message;
  expect(said(DENIED)).toBe(
    'User: arn:größe is not authorized to perform: a:B on resource: arn:r because no identity-based policy allows the a:B action',
  );
  expect(said({ kind: 'invalid', message: 'why' })).toBe('why');
  expect(said({ kind: 'no-such-service', service: 's3' })).toBe('The local cloud has no s3.');
});
