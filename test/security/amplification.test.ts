import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { connect as dial, type WsClient } from '../support/ws-client.ts';
import { type Attacks, converse, meterAttacks } from './metered.ts';

/**
 * Attacks on the bill: frames that make the stack read, post or write much more than they cost their sender. Each is metered
 * by the calls that AWS bills (bench/cost), and compared with a client that sends as many frames and takes answers.
 */

/** Turns in the session that is attacked: a day of events. */
const TURNS = 40;
/** turn_start, applied, chunk, done */
const EVENTS = 4 * TURNS;
const FRAMES_PER_MINUTE = 1200;

const NAMES = ['owner', 'crowd', 'flooder', 'dialler', 'polite'] as const;
type Name = (typeof NAMES)[number];
const who = (name: Name) => ({
  principal: { tenant: 'acme', subject: name },
  query: { token: `token-of-${name}` },
});

const stack = givenStack({
  settings: {
    MIDTURN_AUTH: 'tokens',
    MIDTURN_TOKENS: NAMES.map((name) => `token-of-${name}=acme/${name}`).join(','),
    MIDTURN_FRAMES_PER_MINUTE: String(FRAMES_PER_MINUTE),
    // No deadline of one attack is charged to another. A well-behaved turn has one as well, so this favours no attack.
    MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: '900',
  },
});

let attacks: Attacks;
/** The session of `owner`. */
let session: string;

/** Whether the answer came. It does not once the connection is closed. */
const came = (answer: Promise<unknown>): Promise<boolean> =>
  answer.then(
    () => true,
    () => false,
  );

beforeAll(async () => {
  session = stack.newSession();
  await converse(stack, await stack.connect(session, who('owner')), TURNS);
  attacks = await meterAttacks(stack, await stack.connect(stack.newSession(), who('polite')));
}, LONG_TEST_MS);

afterAll(() => console.log(attacks.table()));

it(
  '`connect` from the first event, again and again on one connection: events are posted twice at most, then it is closed',
  async () => {
    const outcome = await attacks.metered('`connect` from the first event, again and again', async () => {
      const client = await stack.connect(session, who('owner'));
      let tried = 0;
      do {
        tried++;
        client.send({ type: 'connect', resume: { after_seq: 0 } });
      } while (tried < 15 && (await came(client.next('connected'))));
      expect(await client.closed).toMatchObject({ code: 1000 });
      expect(client.frames.at(-1)).toMatchObject({ type: 'error', code: 'RATE_LIMITED', retry_after_ms: 0 });
      return { clients: [client], tried };
    });
    expect(outcome.tried).toBe(3);
    expect(outcome.framesOut).toBeLessThan(2 * EVENTS + 20);
  },
  LONG_TEST_MS,
);

it(
  'P9: forty connections of one session: a message is posted to twenty, and the oldest are told why they are closed',
  async () => {
    const crowded = stack.newSession();
    const outcome = await attacks.metered('forty connections of one session', async () => {
      const clients: WsClient[] = [];
      for (let n = 0; n < 40; n++) {
        const client = await stack.connect(crowded, who('crowd'));
        client.send({ type: 'connect' });
        await client.next('connected');
        clients.push(client);
      }
      await converse(stack, clients.at(-1) as WsClient, 1);
      const told = clients.filter(({ frames }) =>
        frames.some((frame) => frame.type === 'error' && frame.code === 'TOO_MANY_CONNECTIONS'),
      );
      expect(told).toEqual(clients.slice(0, 20));
      for (const client of told) expect(await client.closed).toMatchObject({ code: 1000 });
      // P9: who was closed resumes elsewhere, and has missed nothing.
      const back = await stack.connect(crowded, who('crowd'));
      back.send({ type: 'connect', resume: { after_seq: 0 } });
      expect(await end(back)).toMatchObject({ type: 'done', seq: 4, full_response: 'ok' });
      return { clients: [...clients, back], tried: 42 };
    });
    expect(outcome.framesOut).toBeLessThan(3 * 40 + 5 * 20 + 20);
  },
  LONG_TEST_MS,
);

/** Sends each frame when the one before is answered. */
async function oneByOne(frames: readonly ClientFrame[]) {
  const client = await stack.connect(session, who('owner'));
  client.send({ type: 'ping' });
  await client.next('pong');
  for (const frame of frames) {
    client.send(frame);
    await client.next(frame.type as 'history');
  }
  return { clients: [client], tried: frames.length + 1 };
}

const times = <T>(n: number, frame: T): T[] => Array.from({ length: n }, () => frame);

it.each<[string, () => ClientFrame]>([
  ['`history` of one entry', () => ({ type: 'history', limit: 1 })],
  ['`history` of a whole page', () => ({ type: 'history', limit: 200 })],
  ['`export` of a session', () => ({ type: 'export', session_id: session })],
])(
  '%s, again and again, costs less than the bound',
  async (attack, frameOf) => {
    await attacks.metered(attack, () => oneByOne(times(30, frameOf())));
  },
  LONG_TEST_MS,
);

it(
  'frames far over the limit: who goes on to three times as many is disconnected',
  async () => {
    const outcome = await attacks.metered('frames far over the limit', async () => {
      const client = await stack.connect(stack.newSession(), who('flooder'));
      let tried = 0;
      do {
        for (let n = 0; n < 40; n++) client.send({ type: 'sessions' });
        tried += 40;
        // Windows are minutes of the wall clock: one may end in between.
      } while (
        tried < 2 * 3 * FRAMES_PER_MINUTE &&
        (await came(client.waitFor(() => client.frames.length > tried - 40)))
      );
      expect(await client.closed).toMatchObject({ code: 1000 });
      return { clients: [client], tried };
    });
    expect(outcome.refused).toBeGreaterThan(0);
  },
  LONG_TEST_MS,
);

it(
  'resuming from the first event on a new connection, again and again, costs less than the bound',
  async () => {
    await attacks.metered('new connections, each from the first event', async () => {
      const clients: WsClient[] = [];
      for (let n = 0; n < 5; n++) {
        const client = await stack.connect(session, who('owner'));
        client.send({ type: 'connect', resume: { after_seq: 0 } });
        await client.next('connected');
        await client.close();
        clients.push(client);
      }
      // Each is a handshake and a frame.
      return { clients, tried: 10 };
    });
  },
  LONG_TEST_MS,
);

it('handshakes over the limit are refused, and cost less than a message', async () => {
  const outcome = await attacks.metered('handshakes over the limit', async () => {
    let refused = 0;
    for (let n = 0; n < 130; n++) {
      const url = `${stack.cloud.url}?session_id=h${n}&token=token-of-dialler`;
      const client = await dial(url).catch((error: unknown) => error);
      if (client instanceof HandshakeRefused) refused++;
      else await (client as WsClient).close();
    }
    return { clients: [], tried: 130, refused };
  });
  expect(outcome.refused).toBeGreaterThan(0);
});

it('forged tokens are refused, and cost less than a message', async () => {
  const outcome = await attacks.metered('forged tokens', async () => {
    let refused = 0;
    for (let n = 0; n < 40; n++) {
      const url = `${stack.cloud.url}?session_id=${session}&token=forged-${n}`;
      const client = await dial(url).catch((error: unknown) => error);
      if (client instanceof HandshakeRefused) refused++;
    }
    return { clients: [], tried: 40, refused };
  });
  expect(outcome.refused).toBe(outcome.tried);
});

const HOSTILE: readonly (readonly [attack: string, frame: string])[] = [
  ['frames that are no JSON', '{'],
  ['frames of an unknown type', JSON.stringify({ type: 'shutdown' })],
  ['frames with wrong fields', JSON.stringify({ type: 'message', id: 'x'.repeat(65), content: 'a' })],
  ['messages without content', JSON.stringify({ type: 'message', id: 'h', content: ' ' })],
  ['messages that are too large', JSON.stringify({ type: 'message', id: 'h', content: 'x'.repeat(30_000) })],
  ['the same message again', JSON.stringify({ type: 'message', id: 'm1', content: 'hello' })],
  ['`cancel` of what is not there', JSON.stringify({ type: 'cancel', id: 'nothing' })],
  ['`abort` where nothing runs', JSON.stringify({ type: 'abort' })],
  [
    '`approval_response` that nobody asked for',
    JSON.stringify({ type: 'approval_response', request_id: 'none', decision: 'approve' }),
  ],
  [
    '`rename` of another’s session',
    JSON.stringify({ type: 'rename', session_id: 'not-mine', name: 'a name' }),
  ],
  ['`delete` of another’s session', JSON.stringify({ type: 'delete', session_id: 'not-mine' })],
];

it.each(HOSTILE)(
  '%s cost less than the bound',
  async (attack, frame) => {
    await attacks.metered(attack, async () => {
      const client = await stack.connect(session, who('owner'));
      client.send({ type: 'ping' });
      await client.next('pong');
      for (let n = 1; n <= 20; n++) {
        const before = client.frames.length;
        client.sendRaw(frame);
        await client.waitFor(() => client.frames.length > before);
      }
      return { clients: [client], tried: 21 };
    });
  },
  LONG_TEST_MS,
);
