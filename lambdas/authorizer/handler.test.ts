import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { givenAws } from '../../test/support/aws-stand-in.ts';

const VALUE = 'value-of-32-characters-at-the-least';
const aws = givenAws({
  MIDTURN_AUTH: 'tokens',
  MIDTURN_TOKENS_SECRET: 'tokens',
  MIDTURN_ORIGIN_SECRET: 'origin',
});

let handle: (
  event: APIGatewayRequestAuthorizerEvent,
  context: Context,
) => Promise<APIGatewayAuthorizerResult>;
/** Each test has an environment of its own, which has read no secret yet. */
beforeEach(async () => {
  vi.resetModules();
  ({ handler: handle } = await import('./handler.ts'));
  aws.secrets.set('tokens', 'good=acme & co/ann,other=acme/bob');
  aws.secrets.set('origin', JSON.stringify({ current: VALUE }));
});
afterEach(() => {
  aws.reset();
  aws.secrets.clear();
});

const METHOD = 'arn:aws:execute-api:us-east-1:1:api/stage/$connect';

function handshake(
  token: string | undefined,
  headers: Record<string, string> = { 'X-Midturn-Origin': VALUE },
  awsRequestId = 'of-this-handshake',
) {
  const event = {
    methodArn: METHOD,
    headers,
    queryStringParameters: token === undefined ? null : { token },
    requestContext: { identity: { sourceIp: '192.0.2.1' } },
  };
  return handle(event as never, { awsRequestId } as Context);
}

describe('P12: a handshake', () => {
  it('with a token connects as its principal, under a name that no other one looks like', async () => {
    const answer = await handshake('good');
    expect(answer.principalId).toBe('acme%20%26%20co/ann');
    expect(answer.context).toEqual({ tenant: 'acme & co', subject: 'ann' });
    expect(answer.policyDocument.Statement).toEqual([
      { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: METHOD },
    ]);
    expect(aws.logged).toEqual([]);
  });

  it.each(['bad', '', undefined])(
    'without a token that is known (%j) is unauthorised, and no error',
    async (token) => {
      // API Gateway answers exactly this message with 401.
      await expect(handshake(token)).rejects.toThrow(/^Unauthorized$/);
      expect(aws.logged).toEqual([]);
    },
  );

  it('that went around what stands in front is denied, whatever its token', async () => {
    const answer = await handshake('good', {});
    expect(answer.principalId).toBe('nobody');
    expect(answer).not.toHaveProperty('context');
    expect(answer.policyDocument.Statement).toMatchObject([{ Effect: 'Deny', Resource: METHOD }]);
  });

  it.each([
    ['the tokens cannot be read', () => aws.refuse('GetSecretValue', 'tokens')],
    ['the tokens are gone', () => aws.secrets.delete('tokens')],
    ['the tokens are not written as tokens', () => aws.secrets.set('tokens', 'hunter2')],
    ['the proof of the front cannot be read', () => aws.refuse('GetSecretValue', 'origin')],
    ['the proof of the front is none', () => aws.secrets.set('origin', 'hunter2')],
  ])(
    'is neither authorised nor unauthorised where %s: it fails, and the log says why',
    async (_, breakIt) => {
      breakIt();
      await expect(handshake('good')).rejects.toThrow('The authorizer cannot judge this handshake now.');
      expect(aws.logged).toMatchObject([
        { level: 'ERROR', message: 'a handshake cannot be judged', function_request_id: 'of-this-handshake' },
      ]);
      expect(JSON.stringify(aws.logged)).not.toContain('hunter2');
    },
  );

  it('is judged again after a failure, once the secret can be read', async () => {
    aws.refuse('GetSecretValue');
    await expect(handshake('good')).rejects.toThrow();
    await expect(handshake('good', undefined, 'the-next')).rejects.toThrow();
    expect(aws.logged.map((line) => line.function_request_id)).toEqual(['of-this-handshake', 'the-next']);
    aws.reset();
    expect((await handshake('good')).principalId).toContain('ann');
  });

  it.each(['current', 'previous'])('came through the front with its %s value', async (which) => {
    const values = { current: 'c'.repeat(32), previous: 'p'.repeat(32) };
    aws.secrets.set('origin', JSON.stringify(values));
    const value = which === 'current' ? values.current : values.previous;
    expect((await handshake('good', { 'x-midturn-origin': value })).principalId).toContain('ann');
    expect((await handshake('good', { 'x-midturn-origin': VALUE })).principalId).toBe('nobody');
  });

  it('is judged by secrets that are five minutes old at most, or by the last ones, with a warning, where none can be read', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await handshake('good');
      const [, later] = [VALUE, 'w'.repeat(32)];
      aws.secrets.set('tokens', 'new=acme/ann');
      aws.secrets.set('origin', JSON.stringify({ current: later }));
      expect((await handshake('good')).principalId).toContain('ann');
      vi.setSystemTime(Date.now() + 300_000);
      expect((await handshake('good')).principalId).toBe('nobody');
      await expect(handshake('good', { 'x-midturn-origin': later })).rejects.toThrow(/^Unauthorized$/);
      expect((await handshake('new', { 'x-midturn-origin': later })).principalId).toContain('ann');
      aws.refuse('GetSecretValue');
      vi.setSystemTime(Date.now() + 300_000);
      expect((await handshake('new', { 'x-midturn-origin': later })).principalId).toContain('ann');
      expect(aws.logged).toMatchObject([
        { level: 'WARN', message: expect.stringContaining('the last ones stay valid') },
        { level: 'WARN', message: expect.stringContaining('the last ones stay valid') },
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});
