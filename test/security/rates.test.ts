import { describe, expect, it } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { accepted, chunk, end, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { type ClientOptions, givenStack } from '../support/stack.ts';
import { connect, type FrameOf, type Received, type WsClient } from '../support/ws-client.ts';

/**
 * Windows are minutes of the wall clock, so that one may end in the middle of a test: what is sent is always more than two
 * windows let through, and what is asserted holds with one window or two.
 */
const FRAMES = 10;
const CONNECTIONS = 6;

/** A principal for each test, whose count nobody else has touched. */
const NAMES = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay'] as const;
const who = (name: (typeof NAMES)[number]): ClientOptions => ({
  principal: { tenant: 'acme', subject: name },
  query: { token: `token-of-${name}` },
});

type Limited = FrameOf<'error'> & { terminal: false };

const isLimited = (frame: Received): frame is Limited =>
  frame.type === 'error' && !frame.terminal && frame.code === 'RATE_LIMITED';

/** Sends pings until one is refused. */
async function exhaust(client: WsClient): Promise<Limited> {
  for (let n = 0; n <= 2 * FRAMES; n++) client.send({ type: 'ping', nonce: n });
  return client.waitFor(isLimited);
}

describe('with a limit', () => {
  const stack = givenStack({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: NAMES.map((name) => `token-of-${name}=acme/${name}`).join(','),
      MIDTURN_FRAMES_PER_MINUTE: String(FRAMES),
      MIDTURN_CONNECTIONS_PER_MINUTE: String(CONNECTIONS),
    },
  });

  it('P2: messages over it are answered RATE_LIMITED and stored nowhere; the others are answered by the agent', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const session = stack.newSession();
    const client = await stack.connect(session, who('ann'));
    const ids = Array.from({ length: 3 * FRAMES }, (_, n) => `m${n}`);
    for (const [n, id] of ids.entries())
      client.send({ type: 'message', id, content: `text ${id}`, order: n + 1 });
    await Promise.all(
      ids.map((id) =>
        client.waitFor(
          (frame) => (frame.type === 'accepted' || isLimited(frame)) && 'id' in frame && frame.id === id,
        ),
      ),
    );
    const taken = framesOf(client, 'accepted').map(({ id }) => id);
    const limited = framesOf(client, 'error').filter(isLimited);
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThanOrEqual(2 * FRAMES);
    expect(taken.length + limited.length).toBe(ids.length);
    for (const frame of limited) {
      expect(frame).toMatchObject({ terminal: false, retryable: true, limit: FRAMES });
      expect(frame.retry_after_ms).toBeGreaterThan(0);
      expect(frame.retry_after_ms).toBeLessThanOrEqual(60_000);
    }
    const lines = await stack.stored.lines(session, who('ann').principal);
    expect(lines.filter((line) => line.startsWith('user:')).sort()).toEqual(
      taken.map((id) => `user: text ${id}`).sort(),
    );
    // The connection is as good as before: it is still heard and still answered.
    client.send({ type: 'abort' });
    await refused(client, 'NO_ACTIVE_TURN');
  });

  it('a flood does not keep its author from stopping the turn', async () => {
    const gate = createGate();
    stack.script(() => ({ chunks: ['for ever', gate] }));
    const client = await stack.connect(stack.newSession(), who('bob'));
    client.send({ type: 'message', id: 'm1', content: 'hello' });
    await accepted(client, 'm1');
    await chunk(client, 'for ever');
    await exhaust(client);
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted', full_response: 'for ever' });
    gate.open();
  });

  it('aborts have a limit of their own', async () => {
    const client = await stack.connect(stack.newSession(), who('cleo'));
    for (let n = 0; n <= 2 * FRAMES; n++) client.send({ type: 'abort' });
    await client.waitFor(isLimited);
    client.send({ type: 'connect' });
    await client.next('connected');
  });

  it('session_start comes first, also where everything is over the limit, and other principals are not', async () => {
    await exhaust(await stack.connect(stack.newSession(), who('dan')));
    const late = await stack.connect(stack.newSession(), who('dan'));
    await exhaust(late);
    expect(late.frames[0]).toMatchObject({ type: 'session_start' });
    const other = await stack.connect(stack.newSession(), who('eve'));
    other.send({ type: 'ping', nonce: 'x' });
    expect(await other.next('pong')).toEqual({ type: 'pong', nonce: 'x' });
  });

  it('connection attempts over it are answered with 429, and leave nothing behind', async () => {
    const attempts = [];
    for (let n = 0; n <= 2 * CONNECTIONS; n++) {
      const url = `${stack.cloud.url}?session_id=attempt-${n}&token=token-of-fay`;
      attempts.push(await connect(url).catch((error: unknown) => error));
    }
    const refusals = attempts.filter((attempt) => attempt instanceof HandshakeRefused);
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of refusals) expect(refusal).toMatchObject({ statusCode: 429 });
    expect(attempts.length - refusals.length).toBeGreaterThanOrEqual(CONNECTIONS);
    const stored = await stack.stored.everything();
    for (const [n, attempt] of attempts.entries()) {
      expect(stored.includes(`"attempt-${n}"`)).toBe(!(attempt instanceof HandshakeRefused));
      if (!(attempt instanceof HandshakeRefused)) await (attempt as WsClient).close();
    }
  });
});

describe('where nobody has to prove anything', () => {
  const stack = givenStack({
    settings: { MIDTURN_FRAMES_PER_MINUTE: '1', MIDTURN_CONNECTIONS_PER_MINUTE: '1' },
  });

  it('everybody is one principal, whose frames and connections are not counted', async () => {
    const clients = [];
    for (let n = 0; n < 4; n++) clients.push(await stack.connect(stack.newSession()));
    for (const client of clients) {
      for (let nonce = 0; nonce < 3; nonce++) client.send({ type: 'ping', nonce });
      for (let nonce = 0; nonce < 3; nonce++)
        await client.waitFor((frame) => frame.type === 'pong' && frame.nonce === nonce);
    }
    expect(clients.flatMap(({ frames }) => frames.filter(isLimited))).toEqual([]);
    expect(await stack.stored.everything()).not.toContain('RATE#');
  });
});

describe('where anybody may connect to a deployment', () => {
  const stack = givenStack({
    settings: {
      MIDTURN_OPEN_TO_ANYONE: 'true',
      MIDTURN_FRAMES_PER_MINUTE: String(FRAMES),
      MIDTURN_CONNECTIONS_PER_MINUTE: String(CONNECTIONS),
    },
  });

  it('one source address has one limit of frames and one of connections, whatever its sessions', async () => {
    const one = await stack.connect(stack.newSession());
    const other = await stack.connect(stack.newSession());
    await exhaust(one);
    await exhaust(other);
    const attempts = [];
    for (let n = 0; n <= 2 * CONNECTIONS; n++)
      attempts.push(await connect(stack.cloud.url).catch((error: unknown) => error));
    const refusals = attempts.filter((attempt) => attempt instanceof HandshakeRefused);
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of refusals) expect(refusal).toMatchObject({ statusCode: 429 });
    for (const attempt of attempts)
      if (!(attempt instanceof HandshakeRefused)) await (attempt as WsClient).close();
    // A real tenant has a name, so no principal shares this count.
    expect(await stack.stored.everything()).toContain('RATE##127.0.0.1#frames#');
  });
});
