import { describe, expect, it } from 'vitest';
import { Random } from '../../test/simulation/random.ts';
import { percentile } from '../stats.ts';
import type { Call } from '../virtual/time.ts';
import { VirtualTime } from '../virtual/time.ts';
import { converse, median } from './conversation.ts';
import { DELAYS, type DelayName, sample } from './delays.ts';

/** What a client waits for, call by call: whoever adds one to a path, or awaits one earlier, sees it here. */

const lines = (path: readonly Call[]) => path.map(({ by, operation }) => `${by}: ${operation}`);

const conversation = converse(1, ['steered', 'steered'], median);

describe('one after the other, and nothing else', () => {
  const TO_THE_LANE = [
    'client: frame message',
    'inbound: UpdateItem RATE',
    'inbound: GetItem MESSAGE',
    'inbound: UpdateItem LANE',
    // A turn that is refused for its principal must not begin.
    'inbound: UpdateItem TURNS',
  ];

  it('a message waits until it is accepted', async () => {
    expect(lines((await conversation).paths.accepted)).toEqual([
      ...TO_THE_LANE,
      // Beside the session's write, which is the shorter one, and the send of the job, which is as long.
      'inbound: SendMessage deadline',
      'inbound: post accepted',
    ]);
  });

  it('its first chunk waits', async () => {
    expect(lines((await conversation).paths.firstChunk)).toEqual([
      ...TO_THE_LANE,
      'fifo: to turn',
      // Beside the slot's activation.
      'turn: GetItem LANE',
      // Claimed; its message known; taken in.
      'turn: UpdateItem LANE',
      'turn: GetItem MESSAGE',
      'turn: UpdateItem LANE',
      'model: first token',
      'turn: UpdateItem LANE',
      'turn: post chunk',
    ]);
  });

  it('P6: steering waits between a boundary and the next model call', async () => {
    const { paths, turns } = await conversation;
    expect(lines(paths.steering)).toEqual([
      // The tool's result is stored and posted, and then in the transcript, before the next commit is made.
      'turn: UpdateItem LANE',
      'turn: post tool_result',
      'turn: PutItem ENTRY',
      'turn: UpdateItem LANE',
    ]);
    expect(turns.map(({ steering }) => steering?.missed)).toEqual([0, 0]);
  });
});

it('the same seed gives the same times', async () => {
  const [once, again, other] = await Promise.all([
    converse(7, ['steered']),
    converse(7, ['steered']),
    converse(8, ['steered']),
  ]);
  expect(again.turns).toEqual(once.turns);
  expect(other.turns).not.toEqual(once.turns);
});

it.each(Object.keys(DELAYS) as DelayName[])('samples of %s have the quantiles that are published', (name) => {
  const random = new Random(1);
  const samples = Array.from({ length: 20_000 }, () => sample(name, random)).sort((a, b) => a - b);
  for (const [percent, ms] of Object.entries(DELAYS[name].quantiles)) {
    expect(Math.abs(percentile(samples, Number(percent)) / ms - 1)).toBeLessThan(0.1);
  }
});

describe('virtual time', () => {
  const name = (operation: string) => ({ service: 'test', operation, by: 'test' });

  it('knows what each call waited for', async () => {
    const time = new VirtualTime();
    let last: Call | undefined;
    await time.run(async () => {
      await time.call(name('first'), 5, () => {});
      await Promise.all([time.call(name('short'), 3, () => {}), time.call(name('long'), 9, () => {})]);
      await time.wait(name('last'), 1);
      last = time.current;
    });
    const path: string[] = [];
    for (let call = last; call; call = call.after) path.push(call.operation);
    expect(path).toEqual(['last', 'long', 'first']);
    expect(last?.ended).toBe((last?.began ?? 0) + 1);
  });

  it('says so when what is waited for never happens', async () => {
    const time = new VirtualTime();
    await expect(time.run(() => new Promise(() => {}))).rejects.toThrow('Nothing is left to happen');
  });

  it('ends a wait early when its signal says so', async () => {
    const time = new VirtualTime();
    const began = time.now;
    await time.run(async () => {
      const stop = new AbortController();
      const waiting = time.wait(name('long'), 1000, stop.signal);
      await time.wait(name('short'), 10);
      stop.abort();
      await waiting;
    });
    expect(time.now - began).toBe(10);
  });
});
