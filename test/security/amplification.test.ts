import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { totalOf } from '../../bench/cost/ledger.ts';
import { type Meter, meterCloud } from '../../bench/cost/meter.ts';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { LONG_TEST_MS, POLL_MS, WAIT_MS } from '../support/timeouts.ts';
import { connect as dial, type WsClient } from '../support/ws-client.ts';
import { type Outcome, table } from './outcome.ts';

/**
 * Attacks on the bill: frames that make the stack read, post or write much more than they cost their sender. Each is metered
 * by the calls that AWS bills (bench/cost), and compared with a client that sends as many frames and takes answers.
 */

/** What an attack may cost, as a multiple of what a well-behaved client costs that sends as many frames. */
const BOUND = 20;
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
  },
});

let meter: Meter;
/** The session of `owner`. */
let session: string;
const outcomes: Outcome[] = [];
let polite: Outcome;

const isRefusal = (frame: WsClient['frames'][number]) => frame.type === 'error' && !frame.terminal;

/** Sends messages, each when the one before is answered. */
async function converse(client: WsClient, turns: number): Promise<void> {
  stack.script(() => ({ chunks: ['ok'] }));
  for (let n = 1; n <= turns; n++) {
    client.send({ type: 'message', id: `m${n}`, content: 'hello' });
    await end(client, n);
  }
}

/** Whether the answer came. It does not once the connection is closed. */
const came = (answer: Promise<unknown>): Promise<boolean> =>
  answer.then(
    () => true,
    () => false,
  );

/** Waits until nothing is under way: the same calls at two looks. */
async function settled(): Promise<void> {
  let before = -1;
  await vi.waitFor(
    () => {
      const now = meter.ledger.charges.reduce((sum, { count }) => sum + count, 0);
      const rests = now === before;
      before = now;
      expect(rests).toBe(true);
    },
    { timeout: WAIT_MS, interval: 10 * POLL_MS },
  );
}

/** Meters what an attack costs, all that follows from it included. */
async function metered(
  attack: string,
  play: () => Promise<{ clients: readonly WsClient[]; tried: number; refused?: number }>,
): Promise<Outcome> {
  await settled();
  meter.ledger.take();
  const { clients, tried, refused = 0 } = await play();
  await settled();
  const { charges } = meter.ledger.take();
  const calls = charges.filter(({ unit }) => unit === 'readUnits' || unit === 'writeUnits');
  const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const outcome = {
    attack,
    tried,
    refused: refused + clients.flatMap(({ frames }) => frames.filter(isRefusal)).length,
    framesOut: sumOf(clients.map(({ frames }) => frames.length)),
    calls: sumOf(calls.map(({ count }) => count)),
    readUnits: sumOf(calls.map(({ unit, quantity }) => (unit === 'readUnits' ? quantity : 0))),
    usd: totalOf(charges),
  };
  outcomes.push(outcome);
  return outcome;
}

const perFrame = ({ usd, tried }: Outcome) => usd / tried;

beforeAll(async () => {
  meter = meterCloud(stack.cloud);
  session = stack.newSession();
  await converse(await stack.connect(session, who('owner')), TURNS);
  const client = await stack.connect(stack.newSession(), who('polite'));
  polite = await metered('none: messages, each answered', async () => {
    await converse(client, 10);
    return { clients: [client], tried: 10 };
  });
}, LONG_TEST_MS);

afterAll(() => console.log(table(outcomes, perFrame(polite))));

it(
  '`connect` from the first event, again and again on one connection: events are posted twice at most, then it is closed',
  async () => {
    const outcome = await metered('`connect` from the first event, again and again', async () => {
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
    expect(perFrame(outcome) / perFrame(polite)).toBeLessThan(BOUND);
  },
  LONG_TEST_MS,
);

it(
  'P9: forty connections of one session: a message is posted to twenty, and the oldest are told why they are closed',
  async () => {
    const crowded = stack.newSession();
    const outcome = await metered('forty connections of one session', async () => {
      const clients: WsClient[] = [];
      for (let n = 0; n < 40; n++) {
        const client = await stack.connect(crowded, who('crowd'));
        client.send({ type: 'connect' });
        await client.next('connected');
        clients.push(client);
      }
      await converse(clients.at(-1) as WsClient, 1);
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
    expect(perFrame(outcome) / perFrame(polite)).toBeLessThan(BOUND);
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
    const outcome = await metered(attack, () => oneByOne(times(30, frameOf())));
    expect(perFrame(outcome) / perFrame(polite)).toBeLessThan(BOUND);
  },
  LONG_TEST_MS,
);

it(
  'frames far over the limit: who goes on to three times as many is disconnected',
  async () => {
    const outcome = await metered('frames far over the limit', async () => {
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
    expect(perFrame(outcome) / perFrame(polite)).toBeLessThan(BOUND);
  },
  LONG_TEST_MS,
);

it(
  'resuming from the first event on a new connection, again and again, costs less than the bound',
  async () => {
    const outcome = await metered('new connections, each from the first event', async () => {
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
    expect(perFrame(outcome) / perFrame(polite)).toBeLessThan(BOUND);
  },
  LONG_TEST_MS,
);

it('handshakes over the limit are refused, and cost less than a message', async () => {
  const outcome = await metered('handshakes over the limit', async () => {
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
  expect(perFrame(outcome) / perFrame(polite)).toBeLessThan(BOUND);
});
