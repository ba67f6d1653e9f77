import { describe, expect, it } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { framesOf } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { type ConnectOptions, connect, type Received, type WsClient } from '../support/ws-client.ts';

/** What CloudFront does to a handshake that it forwards, by which the authorizer knows it. */
const CURRENT = 'current-value-of-32-characters-or-more';
const PREVIOUS = 'previous-value-of-32-characters-or-more';
const SECRETS = { origin: JSON.stringify({ current: CURRENT, previous: PREVIOUS }) };

/** A handshake that came through the proxy, which names its client. */
const forwarded = (proof: string, client = '198.51.100.7'): ConnectOptions => ({
  headers: { 'X-Midturn-Origin': proof, 'X-Forwarded-For': client },
});

const refusalOf = (attempt: Promise<unknown>): Promise<unknown> => attempt.catch((error: unknown) => error);

describe('with something in front of the API', () => {
  const stack = givenStack({
    settings: {
      MIDTURN_ORIGIN_SECRET: 'origin',
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: 'good=acme/ann',
    },
    secrets: SECRETS,
  });
  const ann = { query: { token: 'good' }, principal: { tenant: 'acme', subject: 'ann' } };
  const url = (token = 'good') => `${stack.cloud.url}?token=${token}`;

  it.each<[string, ConnectOptions]>([
    ['without the header', {}],
    ['with an empty header', forwarded('')],
    ['with another value', forwarded(CURRENT.toUpperCase())],
    ['with the beginning of the value', forwarded(CURRENT.slice(0, -1))],
    ['with both values in one', forwarded(`${CURRENT}, ${PREVIOUS}`)],
    ['with the secret as it is stored', forwarded(SECRETS.origin)],
    ['with the value in another header', { headers: { 'X-Origin': CURRENT } }],
  ])('a handshake %s is refused with 403, although its token is good', async (_, options) => {
    const refused = await refusalOf(connect(url(), options));
    expect(refused).toBeInstanceOf(HandshakeRefused);
    expect(refused).toMatchObject({ statusCode: 403 });
  });

  it.each([
    ['current', CURRENT],
    ['previous', PREVIOUS],
  ])('a handshake with the %s value goes on to the token', async (_, value) => {
    const client = await stack.connect(stack.newSession(), { ...ann, ...forwarded(value) });
    client.send({ type: 'connect' });
    await client.next('connected');
    expect(await refusalOf(connect(url('bad'), forwarded(value)))).toMatchObject({ statusCode: 401 });
  });

  it('nothing that is stored, and no frame, holds the value', async () => {
    const client = await stack.connect(stack.newSession(), { ...ann, ...forwarded(CURRENT) });
    client.send({ type: 'connect' });
    await client.next('connected');
    expect(JSON.stringify(client.frames)).not.toContain(CURRENT);
    expect(await stack.stored.everything()).not.toContain(CURRENT);
  });
});

describe('with a secret that does not hold what it must', () => {
  const stack = givenStack({
    settings: { MIDTURN_ORIGIN_SECRET: 'origin' },
    secrets: { origin: 'short' },
  });

  it('nobody is let in, and a client is told that it is not its fault', async () => {
    for (const options of [{}, forwarded('short')])
      expect(await refusalOf(connect(stack.cloud.url, options))).toMatchObject({ statusCode: 500 });
  });
});

describe('where anybody may connect through it', () => {
  const FRAMES = 10;
  const stack = givenStack({
    settings: {
      MIDTURN_ORIGIN_SECRET: 'origin',
      MIDTURN_OPEN_TO_ANYONE: 'true',
      MIDTURN_FRAMES_PER_MINUTE: String(FRAMES),
    },
    secrets: SECRETS,
  });
  const isLimited = (frame: Received) => frame.type === 'error' && frame.code === 'RATE_LIMITED';

  async function flood(client: WsClient): Promise<void> {
    for (let n = 0; n <= 2 * FRAMES; n++) client.send({ type: 'ping', nonce: n });
    await client.waitFor(isLimited);
  }

  it('each client has a limit of its own, by the address that the proxy names, whatever it says itself', async () => {
    const flooder = await stack.connect(stack.newSession(), forwarded(CURRENT, '198.51.100.7'));
    await flood(flooder);
    // It says that it is somebody else: the proxy adds its address behind that.
    const disguised = await stack.connect(stack.newSession(), forwarded(CURRENT, '192.0.2.1, 198.51.100.7'));
    await flood(disguised);
    const other = await stack.connect(stack.newSession(), forwarded(CURRENT, '192.0.2.1'));
    other.send({ type: 'ping', nonce: 'x' });
    expect(await other.next('pong')).toEqual({ type: 'pong', nonce: 'x' });
    expect(framesOf(other, 'error')).toEqual([]);
    const stored = await stack.stored.everything();
    expect(stored).toContain('RATE##198.51.100.7#frames#');
    expect(stored).toContain('RATE##192.0.2.1#frames#');
    expect(stored).not.toContain('RATE##127.0.0.1#');
  });
});
