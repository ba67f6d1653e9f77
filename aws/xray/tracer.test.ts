import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { noSpan, type Tracer } from '../../core/tracing.ts';
import { type SentSpan, spansIn } from '../../test/support/spans.ts';
import { traceParentOf } from './trace-header.ts';
import { traced } from './tracer.ts';

const ROOT = 'Root=1-5759e988-bd862e3fe1be46a994272793';
const SAMPLED = `${ROOT};Parent=53995c3f42cd8ad8;Sampled=1`;

describe('X-Ray’s tracing header', () => {
  it.each([
    SAMPLED,
    `${ROOT};Self=1-x;Parent=53995C3F42CD8AD8;Lineage=1:a:0;Sampled=1`,
    `${ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=25:a87bd80c:1`,
  ])('%s names a trace and a span', (header) => {
    expect(traceParentOf(header)).toEqual({
      traceId: '5759e988bd862e3fe1be46a994272793',
      spanId: '53995c3f42cd8ad8',
    });
  });

  it.each([
    undefined,
    '',
    ROOT,
    `${ROOT};Parent=53995c3f42cd8ad8;Sampled=0`,
    `${ROOT};Sampled=1`,
    'Root=2-a;Parent=b;Sampled=1',
  ])('%s is not recorded', (header) => {
    expect(traceParentOf(header)).toBeUndefined();
  });
});

const warned: string[] = [];
const log = { info() {}, error() {}, warn: (text: string) => warned.push(text), with: () => log };
let now = 1_800_000_000_000;
const clock = { now: () => epochMs(now), sleep: async () => {} };

/** Begins and ends `count` spans one after the other. */
const inTurn = (count: number) => (tracer: Tracer) => {
  for (let n = 0; n < count; n++) {
    const span = tracer.begin('outer', 'server', { n });
    now += 7;
    span.end({ all: ['a', 'b'] }, n === 0 ? 'first' : undefined);
    span.end({ again: 1 });
  }
};

async function sentBy(
  header: string | undefined,
  count: number,
  { env = {}, work = inTurn(count) }: { env?: Record<string, string>; work?: (tracer: Tracer) => void } = {},
): Promise<SentSpan[]> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const spans: SentSpan[] = [];
  const isComplete = new Promise<void>((resolve) => {
    socket.on('message', (datagram) => {
      spans.push(...spansIn(datagram));
      if (spans.length === count) resolve();
    });
  });
  const daemon = { AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${socket.address().port}`, MIDTURN_STACK: 'demo' };
  await traced({ env: { ...daemon, ...env }, clock, log }, header, async (tracer) => work(tracer));
  await isComplete;
  socket.close();
  return spans;
}

it('sends each span once, under the header’s, in as many datagrams as it needs', async () => {
  const [first, second, ...more] = await sentBy(SAMPLED, 100);
  expect(first).toEqual({
    service: 'demo',
    traceId: '5759e988bd862e3fe1be46a994272793',
    spanId: expect.stringMatching(/^[\da-f]{16}$/),
    parentId: '53995c3f42cd8ad8',
    name: 'outer',
    kind: 'server',
    from: 1_800_000_000_000_000_000n,
    to: 1_800_000_000_007_000_000n,
    attributes: { n: 0, all: ['a', 'b'], 'error.type': 'first' },
    isError: true,
  });
  expect(second).toMatchObject({ isError: false, attributes: { n: 1, all: ['a', 'b'] } });
  expect(new Set([first, second, ...more].map((span) => span?.spanId)).size).toBe(100);
});

it('of more than it keeps, sends the outermost, which end last, and no part of one that is missing', async () => {
  const spans = await sentBy(SAMPLED, 1000, {
    work(tracer) {
      const turn = tracer.begin('turn', 'internal');
      for (let n = 0; n < 600; n++) {
        const call = turn.begin('call', 'client');
        call.begin('part', 'internal').end();
        call.end();
      }
      turn.end({ calls: 600 });
    },
  });
  const turn = spans.find(({ name }) => name === 'turn');
  expect(turn?.attributes).toEqual({ calls: 600 });
  const known = new Set(['53995c3f42cd8ad8', ...spans.map(({ spanId }) => spanId)]);
  expect(spans.filter(({ parentId }) => !known.has(parentId))).toEqual([]);
});

it('loses no spans to the length of what a model or a provider has named', async () => {
  const long = '€'.repeat(30_000);
  const spans = await sentBy(SAMPLED, 20, {
    work(tracer) {
      for (let n = 0; n < 20; n++) tracer.begin(long, 'internal', { id: long, all: [long] }).end();
    },
  });
  expect(spans[0]?.name).toBe('€'.repeat(500));
  expect(spans[0]?.attributes).toEqual({ id: '€'.repeat(500), all: ['€'.repeat(500)] });
  expect(warned).toEqual([]);
});

it('sends as many long spans as there are: a datagram has 64 KB at most, in base64', async () => {
  const long = '€'.repeat(500);
  for (const count of [1, 9, 10, 11, 12, 13, 14]) {
    const spans = await sentBy(SAMPLED, count, {
      work(tracer) {
        for (let n = 0; n < count; n++) tracer.begin(long, 'internal', { id: long, all: [long] }).end();
      },
    });
    expect(spans).toHaveLength(count);
  }
  expect(warned).toEqual([]);
});

it('says of each span which kind it is, and of a part under which it began', async () => {
  const [call, turn] = await sentBy(SAMPLED, 2, {
    work(tracer) {
      const outer = tracer.begin('turn', 'internal');
      outer.begin('call', 'client', { tokens: 0, bytes: 2 ** 40 }).end({}, '');
      outer.end();
    },
  });
  expect(turn).toMatchObject({
    name: 'turn',
    kind: 'internal',
    parentId: '53995c3f42cd8ad8',
    isError: false,
  });
  expect(call).toMatchObject({ name: 'call', kind: 'client', parentId: turn?.spanId, isError: true });
  expect(call?.attributes).toEqual({ tokens: 0, bytes: 2 ** 40, 'error.type': '' });
});

it('says what was known at the end in the place of what was known at the beginning', async () => {
  const [span] = await sentBy(SAMPLED, 1, {
    work: (tracer) => tracer.begin('one', 'server', { a: 1, b: 1 }).end({ b: 2, c: 2 }),
  });
  expect(span?.attributes).toEqual({ a: 1, b: 2, c: 2 });
});

it('takes the invocation’s header where no message has one', async () => {
  const [span] = await sentBy(undefined, 1, { env: { _X_AMZN_TRACE_ID: SAMPLED } });
  expect(span?.parentId).toBe('53995c3f42cd8ad8');
});

it('keeps nothing of what is not sampled, or of a function that is not traced', async () => {
  const env = { AWS_XRAY_DAEMON_ADDRESS: 'nobody:1' };
  const tracerOf = (variables: Record<string, string>, header: string | undefined) =>
    traced({ env: variables, clock, log }, header, async (tracer) => tracer);
  expect(await tracerOf(env, SAMPLED.replace('Sampled=1', 'Sampled=0'))).toBe(noSpan);
  expect(await tracerOf(env, undefined)).toBe(noSpan);
  expect(await tracerOf({}, SAMPLED)).toBe(noSpan);
});

it('a daemon that cannot be reached fails nothing', async () => {
  const work = traced(
    { env: { AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:0' }, clock, log },
    SAMPLED,
    async (tracer) => {
      tracer.begin('one', 'internal').end();
      return 'done';
    },
  );
  expect(await work).toBe('done');
  expect(warned).toEqual(['spans were not sent']);
});

it.each(['127.0.0.1:9', '127.0.0.1:0'])(
  'an invocation leaves no socket behind, with a daemon at %s',
  async (address) => {
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length;
    const before = sockets();
    for (let n = 0; n < 3; n++)
      await traced({ env: { AWS_XRAY_DAEMON_ADDRESS: address }, clock, log }, SAMPLED, async (tracer) =>
        tracer.begin('one', 'internal').end(),
      );
    await expect.poll(sockets).toBeLessThanOrEqual(before);
  },
);
