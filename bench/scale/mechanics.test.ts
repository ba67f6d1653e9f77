import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda } from './agenda.ts';
import type { Profile } from './profile.ts';
import { recordProfile } from './profile.ts';
import { DEFAULT, type Quotas, UNLIMITED } from './quotas.ts';
import type { Scenario } from './scenarios.ts';
import { simulate } from './simulate.ts';
import { Bucket, Environments, Table, TurnQueue } from './stand-ins.ts';

/** What the figures of docs/scale.md rest on: no stand-in lets more through than its quota, and a load adds up by hand. */

const asks = fc.array(fc.record({ afterMs: fc.nat(500), amount: fc.integer({ min: 1, max: 9 }) }), {
  maxLength: 200,
});

describe('no quota can be exceeded', () => {
  it('of a token bucket: its burst, and its rate from then on', () => {
    fc.assert(
      fc.property(asks, (all) => {
        const bucket = new Bucket({ rate: 20, burst: 10 });
        let [now, taken] = [0, 0];
        for (const { afterMs, amount } of all) {
          now += afterMs;
          if (bucket.take(amount, now)) taken += amount;
          expect(taken).toBeLessThanOrEqual(10 + (20 * now) / 1000 + 1e-6);
        }
      }),
    );
  });

  it('of a table: 1,000 write units a second for one key, whatever the table takes', () => {
    const table = new Table({ warm: 4000, most: 40_000 });
    let taken = 0;
    for (let now = 0; now < 10_000; now++) if (table.take(7, 1, 0, now)) taken++;
    expect(taken).toBeGreaterThan(9900);
    expect(taken).toBeLessThanOrEqual(11_000);
  });

  it('of a table: twice the peak minute of half an hour before, up to the quota', () => {
    const table = new Table({ warm: 4000, most: 10_000 });
    const capacities = new Set<number>();
    for (let now = 0; now < 100 * 60_000; now += 200) {
      for (let key = 0; key < 40; key++) table.take(key * 31 + now, 30, 1, now);
      capacities.add(Math.round(table.capacity / 100) * 100);
    }
    // It is asked for 6,000 a second. In its peak minute it gave nearly 4,000 a second, and its burst.
    const [first, second = 0, ...more] = [...capacities];
    expect(first).toBe(4000);
    expect(second).toBeGreaterThan(7000);
    expect(second).toBeLessThanOrEqual(8200);
    expect(more).toEqual([10_000]);
  });

  it('of Lambda: so many environments at once, and so many new ones in ten seconds', () => {
    const environments = new Environments({ environments: 50, startsPerTenSeconds: 20 });
    const begun = (now: number) =>
      Array.from({ length: 100 }, () => environments.invoke('turn', now)).filter((is) => is !== 'refused');
    expect(begun(0)).toHaveLength(20);
    expect(begun(5000)).toHaveLength(10);
    // Each function has its own rate, but all have one account.
    expect(environments.invoke('inbound', 5000)).toBe('cold');
    expect(begun(60_000)).toHaveLength(19);
    expect(environments.running).toBe(50);
    environments.end('turn', 60_000);
    expect(environments.invoke('turn', 60_001)).toBe('warm');
  });

  it('of the turn queue: pollers that grow by the minute, up to their maximum', () => {
    const queue = new TurnQueue({ first: 5, morePerMinute: 300, most: 12 });
    for (let group = 0; group < 100; group++) queue.send(group);
    const received = () => {
      let count = 0;
      while (queue.receive() !== undefined) count++;
      queue.scale();
      return count;
    };
    expect([received(), received(), received(), received()]).toEqual([5, 5, 2, 0]);
  });

  it('of a FIFO queue: one message of a group at a time, the oldest group first', () => {
    const queue = new TurnQueue({ first: 9, morePerMinute: 0, most: 9 });
    for (const group of [1, 2, 1, 3, 1]) queue.send(group);
    const received = () =>
      Array.from({ length: 9 }, () => queue.receive()).filter((group) => group !== undefined);
    expect(received()).toEqual([1, 2, 3]);
    queue.end(1);
    expect(received()).toEqual([1]);
    queue.end(2);
    queue.end(1);
    expect(received()).toEqual([1]);
    queue.putBack(1);
    expect(received()).toEqual([1]);
  });

  it('in a load that asks for more: of turns, of writes, of requests, in each second', () => {
    const quotas: Quotas = {
      ...DEFAULT,
      requests: { rate: 30, burst: 30 },
      turns: { first: 5, morePerMinute: 300, most: 8 },
      writes: { warm: 1000, most: 1000 },
    };
    const outcome = simulate(crowd(300), quotas, { ...PROFILE, turn: [stretch(60), stretch(60)] }, 1);
    expect(outcome.peak('turns')).toBe(8);
    expect(outcome.peak('requests')).toBeLessThanOrEqual(60);
    expect(outcome.peak('writes')).toBeLessThanOrEqual(2000);
    expect([...outcome.bound.keys()].sort()).toEqual(['pollers', 'requests']);
    // Each turn has an end that its person hears of.
    expect(outcome.answered + outcome.refused.wait).toBe(300);
  });
});

const stretch = (writes: number) => ({ ms: 1000, writes, reads: 1, posts: 2 });
const quick = { ms: 40, writes: 1, reads: 1, posts: 1 };

/** Of round numbers. */
const PROFILE: Profile = {
  handshake: { ms: 20, writes: 1, reads: 0, posts: 0 },
  frames: { connect: quick, message: quick, steering: quick },
  sendsAfterMs: 30,
  deliveryMs: () => 50,
  turn: [stretch(10), stretch(10), stretch(10)],
  steersAt: 1,
  modelMs: 500,
  outputTokens: 100,
  startMs: { authorizer: 100, connection: 200, inbound: 300, turn: 400 },
};

const crowd = (people: number): Scenario => ({
  name: 'test',
  about: 'all come in a second',
  people,
  lastsMs: 1000,
  arrival: (spread) => spread,
  turns: 1,
  thinksMs: 10_000,
});

describe('a small load adds up by hand', () => {
  it('one person waits for each start, and for what the profile says', () => {
    const outcome = simulate(crowd(1), UNLIMITED, PROFILE, 1);
    // A frame takes 10 ms to its function. The authorizer, the handshake, `connect`.
    expect(outcome.connected.all).toEqual([10 + 100 + 200 + 20 + 10 + 300 + 40]);
    expect(outcome.accepted.all).toEqual([10 + 40]);
    // The send, the queue, the start, the first stretch less the model.
    expect(outcome.firstText.all).toEqual([10 + 30 + 50 + 400 + 1000 - 500]);
    expect(outcome.stalled.all).toEqual([0]);
    const sum = (of: 'writes' | 'requests') => outcome.seconds.reduce((all, second) => all + second[of], 0);
    // Handshake, `connect`, message, steering; three stretches.
    expect(sum('writes')).toBe(4 + 30);
    // A handshake, three frames with an answer each, two posts a stretch.
    expect(sum('requests')).toBe(1 + 3 + 3 + 6);
  });

  it('where one turn runs at a time, each begins when the one before it is over', () => {
    const one = { ...UNLIMITED, turns: { first: 1, morePerMinute: 0, most: 1 } };
    const { firstText, answered } = simulate({ ...crowd(4), lastsMs: 0 }, one, PROFILE, 1);
    expect(answered).toBe(4);
    // All write within 7 s, less than three turns take. Only the first one waits for a start.
    expect(firstText.ended.slice(1).map((at, n) => at - (firstText.ended[n] ?? 0))).toEqual([
      3000, 3000, 3000,
    ]);
  });

  it('whose turn has not begun after 30 s is refused, once, and hears of it', () => {
    const none = { ...UNLIMITED, turns: { first: 1, morePerMinute: 0, most: 1 } };
    const long = { ...PROFILE, turn: Array.from({ length: 40 }, () => stretch(1)) };
    const { refused, answered } = simulate({ ...crowd(3), lastsMs: 0 }, none, long, 1);
    expect({ answered, refused: refused.wait }).toEqual({ answered: 1, refused: 2 });
  });

  it('the same seed gives the same load', () => {
    const run = (seed: number) => simulate(crowd(50), DEFAULT, PROFILE, seed).seconds;
    expect(run(1)).toEqual(run(1));
    expect(run(2)).not.toEqual(run(1));
  });
});

it('a profile has each call of a reference turn once', async () => {
  const imports = { authorizer: 0, connection: 0, inbound: 0, turn: 0, deadline: 0 };
  const { frames, turn } = await recordProfile(() => 1, imports);
  const posts = turn.reduce((sum, demand) => sum + demand.posts, 0);
  // As many as `npm run bench:cost` meters: two `accepted`, and 38 events.
  expect(frames.message.posts + frames.steering.posts + posts).toBe(40);
  expect(turn.reduce((sum, { ms }) => sum + ms, 0)).toBeGreaterThan(10_000);
  expect(turn.every(({ writes }) => writes > 0)).toBe(true);
});

it('an agenda gives what is next, in the order in which it was added', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const agenda = new Agenda();
      for (const [n, at] of times.entries()) agenda.add(at, n);
      const taken = times.map(() => agenda.take());
      const expected = times.map((at, n) => ({ at, n })).sort((a, b) => a.at - b.at || a.n - b.n);
      expect(taken).toEqual(expected.map(({ n }) => n));
    }),
  );
});
