import { describe, expect, it } from 'vitest';
import { medianOf } from '../../bench/latency/delays.ts';
import { eventsIn, type Outcome, runTurnOf, type WorldOptions } from './world.ts';

/** Three seconds of an answer. */
const words = Array.from({ length: 30 }, (_, n) => `word${n}.`);
const TURN: WorldOptions = { words, wordMs: 100 };

/** Replaced means that another worker has begun. The default visibility time is 15 s. */
const REPLACED_WITHIN_MS = 18_000;
const QUEUE_VISIBILITY_MS = 300_000;
const HEARTBEAT_MS = medianOf('send');

function expectWhole({ frames }: Outcome): void {
  const events = eventsIn(frames);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n + 1));
  expect(events.at(-1)).toMatchObject({ type: 'done', full_response: words.join(' ') });
}

/** How long after a worker's death the next one began. */
function replacedAfter({ workers: [first, second] }: Outcome): number {
  if (first?.diedAt === undefined || !second) throw new Error('nobody died, or nobody came');
  return second.begunAt - first.diedAt;
}

const unharmed = await runTurnOf(TURN);
const [worker] = unharmed.workers;
const awaits = worker?.awaits ?? [];
const firstSecond = awaits.filter(({ atMs }) => atMs <= 1000);

describe('the awaits of a turn’s first second', () => {
  it('begin with the heartbeat, and nothing that others answer begins before it is answered', () => {
    expectWhole(unharmed);
    expect(unharmed.workers).toHaveLength(1);
    // The sleep limits how long the turn waits for the heartbeat.
    const [heartbeat, , ...later] = firstSecond;
    expect(heartbeat).toEqual({ what: 'ChangeMessageVisibility', atMs: 0 });
    const begun = (what: string) => later.find((one) => one.what === what)?.atMs ?? Number.NaN;
    expect(begun('get')).toBe(0);
    for (const what of ['secret', 'MCP listing', 'model', 'PostToConnection']) {
      expect(begun(what), what).toBeGreaterThanOrEqual(HEARTBEAT_MS);
    }
  });

  it('wait for a heartbeat that is not answered for one second, and no longer', async () => {
    const slow = await runTurnOf({ ...TURN, heartbeatMs: 4000 });
    expectWhole(slow);
    expect(slow.workers).toHaveLength(1);
    expect(slow.workers[0]?.awaits.find(({ what }) => what === 'MCP listing')?.atMs).toBe(1000);
  });

  const deaths = firstSecond.flatMap(({ what }, n) =>
    (['unsent', 'sent'] as const).map((request) => ({ what, atAwait: n + 1, request })),
  );
  const [beforeHeartbeat, ...covered] = deaths;

  it('P3 P9: a death at each of them is made good within 18 s', async () => {
    for (const { what, ...death } of covered) {
      const outcome = await runTurnOf({ ...TURN, death });
      const name = `${what}, await ${death.atAwait}, ${death.request}`;
      expectWhole(outcome);
      expect(outcome.workers, name).toHaveLength(2);
      expect(replacedAfter(outcome), name).toBeLessThanOrEqual(REPLACED_WITHIN_MS);
    }
  });

  it('P1: a death before the heartbeat has left is made good after the queue’s own visibility time', async () => {
    if (!beforeHeartbeat) throw new Error('no await at all');
    const outcome = await runTurnOf({ ...TURN, death: beforeHeartbeat });
    expectWhole(outcome);
    expect(replacedAfter(outcome)).toBeGreaterThan(QUEUE_VISIBILITY_MS - 1000);
    expect(replacedAfter(outcome)).toBeLessThan(QUEUE_VISIBILITY_MS + 1000);
  });
});

it('P3 P9: a death at any later await is made good within 18 s', async () => {
  const long: WorldOptions = { words: Array.from({ length: 20 }, (_, n) => `word${n}.`), wordMs: 1000 };
  const all = (await runTurnOf(long)).workers[0]?.awaits.length ?? 0;
  expect(all).toBeGreaterThan(100);
  for (let atAwait = firstSecond.length; atAwait <= all; atAwait += 7) {
    const outcome = await runTurnOf({ ...long, death: { atAwait, request: 'sent' } });
    if (outcome.workers.length === 1) continue;
    expect(replacedAfter(outcome), `await ${atAwait}`).toBeLessThanOrEqual(REPLACED_WITHIN_MS);
  }
});

describe('the time limit', () => {
  const SETTINGS = { MIDTURN_TURN_TIMEOUT_SECONDS: '10' };

  it.each([
    ['Lambda’s own', undefined],
    ['our own clock’s, where an emulator says a constant', () => 300_000],
  ])('P3: a long turn is handed over before it, by %s', async (_, getRemainingTimeInMillis) => {
    const outcome = await runTurnOf({
      words,
      wordMs: 1000,
      settings: SETTINGS,
      ...(getRemainingTimeInMillis && { getRemainingTimeInMillis }),
    });
    expectWhole(outcome);
    expect(outcome.workers.length).toBeGreaterThan(2);
    expect(outcome.workers.map(({ diedAt }) => diedAt)).toEqual(outcome.workers.map(() => undefined));
  });
});
