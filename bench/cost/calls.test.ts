import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { hostPlatform } from '../../client/platform.ts';
import { createGate, type Reply } from '../../test/support/model-server.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { POLL_MS, WAIT_MS } from '../../test/support/timeouts.ts';
import type { WsClient } from '../../test/support/ws-client.ts';
import type { Charge } from './ledger.ts';
import { type Meter, meterCloud } from './meter.ts';

/**
 * What a plain turn asks of AWS, call by call: whoever adds one sees here what it costs, and says so by changing a line. A
 * look at the lane while nothing comes depends on the machine, so of a few turns the fewest of each call count.
 */

const TURNS = 3;
/** As our client makes them. */
const { newId } = hostPlatform();
const TOKEN = 'somebody';
const ANN = { query: { token: TOKEN }, principal: { tenant: 'acme', subject: 'ann' } };

let stack: Stack;
let meter: Meter;
let client: WsClient;

beforeAll(async () => {
  stack = await startStack({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: `${TOKEN}=acme/ann`,
      MIDTURN_GREET_SILENT: 'true',
    },
  });
  meter = meterCloud(stack.cloud);
  client = await stack.connect('metered', { ...ANN, protocols: ['midturn.v1'] });
  client.send({ type: 'connect' });
  await client.next('connected');
  await untilCounted('lambdaRequests', 'inbound', 'Invoke');
  // The first turn also starts the turn function.
  await callsOfTurn(() => ({ reply: { chunks: ['ready'] } }));
});

afterAll(async () => {
  await stack?.settleClients();
  await stack?.close();
});

const BILLED = new Set(['webSocketMessages', 'readUnits', 'writeUnits', 'fifoRequests', 'standardRequests']);

const untilCounted = (...charge: Parameters<Meter['ledger']['count']>) =>
  vi.waitFor(() => expect(meter.ledger.count(...charge)).toBe(1), { timeout: WAIT_MS, interval: POLL_MS });

/** An answer of the model, and what the test does while it comes. */
interface Play {
  reply: Reply;
  meanwhile?(): Promise<void>;
}

async function callsOfTurn(play: () => Play): Promise<Record<string, number>> {
  const calls = (await chargesOfTurn(play)).filter(({ unit }) => BILLED.has(unit));
  const nameOf = ({ by, what, unit }: Charge) =>
    `${by}: ${what}${unit === 'standardRequests' ? ', standard queue' : ''}`;
  return Object.fromEntries(calls.map((charge) => [nameOf(charge), charge.count]));
}

async function chargesOfTurn(play: () => Play): Promise<readonly Charge[]> {
  const { reply, meanwhile } = play();
  stack.model.script([reply]);
  meter.ledger.take();
  client.send({ type: 'message', id: newId(), content: 'hello' });
  await meanwhile?.();
  await client.next('done');
  const { ledger } = meter;
  // What goes on after `done`, up to the end of both functions.
  await untilCounted('fifoRequests', 'turn', 'DeleteMessage');
  await untilCounted('lambdaRequests', 'inbound', 'Invoke');
  return ledger.take().charges;
}

/** Of each call the fewest; one that is not in every turn is not needed. */
async function fewest(play: () => Play): Promise<Record<string, number>> {
  const turns: Record<string, number>[] = [];
  for (let n = 0; n < TURNS; n++) turns.push(await callsOfTurn(play));
  const names = new Set(turns.flatMap((turn) => Object.keys(turn)));
  return Object.fromEntries(
    [...names]
      .map((name) => [name, Math.min(...turns.map((turn) => turn[name] ?? 0))] as const)
      .filter(([, count]) => count > 0),
  );
}

const PLAIN = {
  'client: message': 1,
  'inbound: GetItem CONNECTION': 1,
  'inbound: UpdateItem RATE': 1,
  'inbound: GetItem MESSAGE': 1,
  'inbound: UpdateItem LANE': 1,
  'inbound: UpdateItem SESSION': 1,
  // Its place among the principal's turns.
  'inbound: UpdateItem TURNS': 1,
  // The turn's job, and its deadline.
  'inbound: SendMessage': 1,
  'inbound: SendMessage, standard queue': 1,
  'turn: ReceiveMessage': 1,
  'turn: ChangeMessageVisibility': 1,
  'turn: GetItem LANE': 1,
  // Activated, and rolled.
  'turn: UpdateItem SESSION': 2,
  // The place is given back.
  'turn: UpdateItem TURNS': 1,
  // Claimed, message taken in, text, end.
  'turn: UpdateItem LANE': 4,
  'turn: Query ENTRY': 1,
  'turn: GetItem MESSAGE': 1,
  'turn: PutItem MESSAGE': 1,
  // The message, the text, and how it ended.
  'turn: PutItem ENTRY': 3,
  // Before the roll: a lane under a unit keeps all of a short turn.
  'turn: PutItem EVENTS': 1,
  'turn: DeleteMessage': 1,
  // accepted, turn_start, applied, chunk, done
  'server: message': 5,
};

it('a plain turn: one message, one answer that comes at once', async () => {
  expect(await fewest(() => ({ reply: { chunks: ['Hello.'] } }))).toEqual(PLAIN);
});

it('each further flush is one write and one frame, and nothing else', async () => {
  const held = (): Play => {
    const first = newId().slice(0, 8);
    const gate = createGate();
    return {
      reply: { chunks: [first, gate, ' again'] },
      // When the first text is at the client: the second cannot come in the same flush.
      async meanwhile() {
        await client.waitFor((frame) => frame.type === 'chunk' && frame.content === first);
        gate.open();
      },
    };
  };
  expect(await fewest(held)).toEqual({
    ...PLAIN,
    'turn: UpdateItem LANE': PLAIN['turn: UpdateItem LANE'] + 1,
    'server: message': PLAIN['server: message'] + 1,
  });
});

it('a connection that is looked at later, and is silent', async () => {
  meter.ledger.take();
  const silent = await stack.connect('metered', { ...ANN, protocols: ['zeroclaw.v1'] });
  await silent.next('session_start');
  await untilCounted('lambdaRequests', 'deadline', 'Invoke');
  await untilCounted('standardRequests', 'deadline', 'DeleteMessage');
  const charges = meter.ledger.take().charges.filter(({ by }) => by === 'deadline' || by === 'connection');
  const calls = charges.filter(({ unit }) => BILLED.has(unit));
  expect(Object.fromEntries(calls.map(({ by, what, count }) => [`${by}: ${what}`, count]))).toEqual({
    'connection: UpdateItem RATE': 1,
    'connection: UpdateItem SESSION': 1,
    'connection: PutItem LANE': 1,
    'connection: PutItem CONNECTION': 1,
    // Of one that has spoken, this and the next three are all.
    'connection: SendMessage': 1,
    'deadline: ReceiveMessage': 1,
    'deadline: GetItem CONNECTION': 1,
    'deadline: DeleteMessage': 1,
    // As its first frame would have: opened, and listening.
    'deadline: UpdateItem CONNECTION': 2,
    'deadline: GetItem SESSION': 1,
    'deadline: UpdateItem SESSION': 2,
  });
});

it('no write of a short turn is of more than one unit', async () => {
  const charges = await chargesOfTurn(() => ({ reply: { chunks: ['Hello.'] } }));
  const writes = charges.filter(({ unit }) => unit === 'writeUnits');
  expect(writes.length).toBeGreaterThan(0);
  expect(writes.filter(({ count, quantity }) => quantity > count)).toEqual([]);
});
