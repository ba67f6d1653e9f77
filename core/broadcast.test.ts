import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../config/units.ts';
import { Broadcast } from './broadcast.ts';
import type { Core } from './core.ts';
import { asConnectionId, asLaneId, type ConnectionId } from './ids.ts';
import type { ReplayJob } from './ports.ts';
import { laneKey, sessionKey } from './store/keys.ts';
import { listening } from './store/listening.ts';
import { sessionInMemory } from './testing/session-in-memory.ts';

const [A, B] = ['a', 'b'].map(asConnectionId) as [ConnectionId, ConnectionId];
const live = (seq = 0, join = 1) => listening({ join, seq, isLive: true });
const behind = (seq = 0, join = 1) => listening({ join, seq, isLive: false });
const frames = (...seqs: number[]) => seqs.map((seq) => ({ seq, text: `"${seq}"` }));

/** A time that passes by what happens next: a post or the end of a wait. */
function given({
  takes = () => 0,
  post = () => 'sent',
  fails,
  audience = { [A]: live(), [B]: live() },
}: {
  /** How many ms a post to this connection takes. */
  takes?: (to: ConnectionId) => number;
  post?: (to: ConnectionId, frame: string) => 'sent' | 'gone' | 'unanswered';
  /** Of the table or of the queues. */
  fails?: 'update' | 'queue';
  audience?: Record<ConnectionId, number>;
} = {}) {
  let now = 0;
  const timers: { at: number; end: () => void }[] = [];
  const wait = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((end) => {
      timers.push({ at: now + ms, end });
      signal?.addEventListener('abort', () => {
        const at = timers.findIndex((timer) => timer.end === end);
        if (at >= 0) timers.splice(at, 1);
        end();
      });
    });
  const posted: [ConnectionId, string, number][] = [];
  const closed: ConnectionId[] = [];
  const replays: ReplayJob[] = [];
  const warnings: string[] = [];
  const { core, session, table } = sessionInMemory({
    lanes: { l: { audience } },
    session: { audience },
    core: {
      clock: { now: () => epochMs(now), sleep: wait },
      gateway: {
        async post(to, frame) {
          const ms = takes(to);
          if (ms > 0) await wait(ms);
          const outcome = post(to, frame);
          if (outcome === 'sent') posted.push([to, frame, now]);
          return outcome;
        },
        async disconnect(to) {
          closed.push(to);
          return 'closed';
        },
      },
    },
    before: ({ operation }) => {
      if (fails === 'update' && operation === 'update') throw new Error('throttled');
    },
  });
  const log: Core['log'] = { ...core.log, warn: (message) => void warnings.push(message) };
  const queues = {
    ...core.queues,
    async sendReplay(job: ReplayJob) {
      if (fails === 'queue') throw new Error('throttled');
      replays.push(job);
    },
  };
  const broadcast = new Broadcast({ ...core, log, queues }, session, asLaneId('l'));
  broadcast.join(audience);
  return {
    broadcast,
    closed,
    replays,
    warnings,
    timers,
    /** To this connection: the frames. */
    to: (id: ConnectionId) =>
      posted.filter(([to]) => to === id).map(([, frame]) => Number(JSON.parse(frame))),
    audiences: () =>
      [table.get(sessionKey(session)), table.get(laneKey(session, asLaneId('l')))].map((item) =>
        Object.keys(item?.audience ?? {}),
      ),
    /** How long a call takes. */
    async during(work: Promise<void>): Promise<number> {
      const since = now;
      let isOver = false;
      void work.finally(() => {
        isOver = true;
      });
      for (let idle = 0; !isOver && idle < 50; ) {
        await new Promise(setImmediate);
        if (isOver) break;
        timers.sort((a, b) => a.at - b.at);
        const next = timers.shift();
        idle = next ? 0 : idle + 1;
        if (next) now = Math.max(now, next.at);
        next?.end();
      }
      await work;
      return now - since;
    },
  };
}

describe('P9: events of a turn', () => {
  it('reach each live connection in order, from the one after its replay on, and none that is catching up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 12 }),
        fc.boolean(),
        async (sizes, seq, isLive) => {
          const one = given({ audience: { [A]: live(), [B]: listening({ join: 1, seq, isLive }) } });
          let last = 0;
          for (const size of sizes) {
            await one.during(one.broadcast.send(frames(...Array.from({ length: size }, () => ++last))));
          }
          const all = Array.from({ length: last }, (_, n) => n + 1);
          expect(one.to(A)).toEqual(all);
          expect(one.to(B)).toEqual(isLive ? all.filter((n) => n > seq) : []);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('reach a connection from when it is live, whichever audience says so last', async () => {
    const { broadcast, during, to } = given({ audience: { [A]: behind() } });
    await during(broadcast.send(frames(1)));
    broadcast.join({ [A]: live(2, 2) });
    broadcast.join({ [A]: behind(1) });
    await during(broadcast.send(frames(2, 3)));
    expect(to(A)).toEqual([3]);
  });
});

describe('a connection that is slow', () => {
  it('is waited for once, and for shorter and shorter: two seconds in all; it has its events all the same', async () => {
    const takes = { [A]: 2500, [B]: 0 };
    const { broadcast, during, to } = given({ takes: (id) => takes[id] ?? 0 });
    expect(await during(broadcast.send(frames(1)))).toBe(1000);
    // It is late: nobody waits for it until it has everything.
    expect(await during(broadcast.send(frames(2)))).toBe(0);
    expect(to(B)).toEqual([1, 2]);
    await during(broadcast.settled());
    expect(to(A)).toEqual([1, 2]);
    // Each further time by half.
    expect(await during(broadcast.send(frames(3)))).toBe(500);
    await during(broadcast.settled());
    expect(await during(broadcast.send(frames(4)))).toBe(250);
    await during(broadcast.settled());
    takes[A] = 249;
    expect(await during(broadcast.send(frames(5)))).toBe(125);
    await during(broadcast.settled());
    takes[A] = 62;
    expect(await during(broadcast.send(frames(6)))).toBe(62);
    expect(to(A)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is closed when a frame has waited more than three seconds, so that it resumes, and left alone', async () => {
    const { broadcast, during, to, closed, audiences } = given({ takes: (id) => (id === A ? 1501 : 0) });
    await during(broadcast.send(frames(1, 2, 3, 4)));
    await during(broadcast.settled());
    // The third frame is posted after 3,002 ms.
    expect(to(A)).toEqual([1, 2]);
    expect(closed).toEqual([A]);
    expect(audiences()).toEqual([[B], [B]]);
    await during(broadcast.send(frames(5)));
    expect([to(A), to(B)]).toEqual([
      [1, 2],
      [1, 2, 3, 4, 5],
    ]);
  });

  it('does not make the others late: these are waited for, and no timer stays behind', async () => {
    const takes = { [A]: 5000, [B]: 0 };
    const { broadcast, during, to, timers } = given({ takes: (id) => takes[id] ?? 0 });
    await during(broadcast.send(frames(1)));
    takes[B] = 100;
    expect(await during(broadcast.send(frames(2)))).toBe(100);
    expect(to(B)).toEqual([1, 2]);
    // The post to the late one.
    expect(timers).toHaveLength(1);
  });

  it('is closed by how long its frames have waited, also behind those of earlier flushes', async () => {
    const { broadcast, during, to, closed } = given({ takes: (id) => (id === A ? 2001 : 0) });
    for (const seq of [1, 2, 3]) await during(broadcast.send(frames(seq)));
    await during(broadcast.settled());
    expect([to(A), closed]).toEqual([[1, 2], [A]]);
  });

  it('is not closed at three seconds', async () => {
    const { broadcast, during, to, closed } = given({ takes: (id) => (id === A ? 1500 : 0) });
    await during(broadcast.send(frames(1, 2, 3)));
    await during(broadcast.settled());
    expect([to(A), closed]).toEqual([[1, 2, 3], []]);
  });
});

describe('a connection that is gone', () => {
  it.each(['gone', 'unanswered'] as const)(
    '(%s) leaves the audiences of its session and lane, is posted to no more, and does not come back',
    async (outcome) => {
      let posts = 0;
      const { broadcast, during, to, closed, audiences } = given({
        post: (id) => (id === A && ++posts ? outcome : 'sent'),
      });
      await during(broadcast.send(frames(1, 2)));
      broadcast.join({ [A]: live(0, 2) });
      await during(broadcast.send(frames(3)));
      expect([posts, to(B)]).toEqual([1, [1, 2, 3]]);
      expect(audiences()).toEqual([[B], [B]]);
      expect(closed).toEqual(outcome === 'gone' ? [] : [A]);
    },
  );

  it('P14: and cannot be taken from the audience concerns itself alone', async () => {
    const { broadcast, during, to, warnings } = given({
      fails: 'update',
      post: (id) => (id === A ? 'gone' : 'sent'),
    });
    await during(broadcast.send(frames(1)));
    await during(broadcast.send(frames(2)));
    expect(to(B)).toEqual([1, 2]);
    expect(warnings).toEqual(['listener not looked after']);
  });
});

describe('P9: a replay to a connection that is catching up', () => {
  it('is looked after once for each join, and again by another function if it stands still', async () => {
    const { broadcast, during, replays } = given({ audience: { [A]: behind(3), [B]: live() } });
    await during(broadcast.send(frames(4)));
    await during(broadcast.send(frames(5)));
    await during(broadcast.settled());
    expect(replays).toEqual([{ connection: A, mark: behind(3) }]);
    broadcast.join({ [A]: behind(4, 2) });
    await during(broadcast.settled());
    expect(replays.slice(1)).toEqual([{ connection: A, mark: behind(4, 2) }]);
  });

  it('that cannot be looked after keeps nobody from the events', async () => {
    const { broadcast, during, to, warnings } = given({
      fails: 'queue',
      audience: { [A]: behind(3), [B]: live() },
    });
    await during(broadcast.send(frames(4)));
    expect(to(B)).toEqual([4]);
    expect(warnings).toEqual(['listener not looked after']);
  });
});
