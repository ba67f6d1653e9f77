import { describe, expect, it } from 'vitest';
import { asConnectionId, asSessionId } from '../ids.ts';
import type { ReplayJob } from '../ports.ts';
import { connectionKey, sessionKey, sessionOf } from '../store/keys.ts';
import { readListening } from '../store/listening.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { continueReplay } from './continue-replay.ts';
import { handleFrame } from './dispatch.ts';

const PRINCIPAL = { tenant: 't', subject: 's' };
const SESSION = sessionOf(PRINCIPAL, asSessionId('one'));
const ID = asConnectionId('new');

/** A session of many events, and a new connection to it, each post to which takes so long. */
async function given(postMs: number) {
  const client = await clientInMemory();
  for (let n = 0; n < 8; n++) {
    await client.send({ type: 'message', id: `m${n}`, content: 'hello' });
    await client.run();
  }
  const { core } = client;
  const seqs = client.frames.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : []));
  await registerConnection(core, ID, { principal: PRINCIPAL, sessionId: asSessionId('one') });
  const replays: [ReplayJob, number][] = [];
  core.queues.sendReplay = async (...sent) => void replays.push(sent);
  const posted: Record<string, unknown>[] = [];
  let afterPost: (frame: Record<string, unknown>) => Promise<'sent' | 'gone'> = async () => 'sent';
  core.gateway.post = async (to, text) => {
    if (to !== ID) return 'sent';
    const frame = JSON.parse(text);
    posted.push(frame);
    client.setNow(core.clock.now() + postMs);
    return afterPost(frame);
  };
  const timed = async (work: () => Promise<void>) => {
    const since = core.clock.now();
    await work();
    return core.clock.now() - since;
  };
  return {
    core,
    seqs,
    replays,
    posted,
    postedSeqs: () => posted.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : [])),
    mark: async () => (await core.store.get(sessionKey(SESSION)))?.audience[ID],
    /** @returns how long its function ran */
    connect: (after_seq = 0) =>
      timed(() => {
        const body = JSON.stringify({ type: 'connect', resume: { after_seq } });
        return handleFrame(core, { connectionId: ID, body, receivedAt: core.clock.now() });
      }),
    goOn: (job: ReplayJob) => timed(() => continueReplay(core, job)),
    afterPost(work: typeof afterPost) {
      afterPost = work;
    },
  };
}

describe('P9: a replay that is longer than its function runs', () => {
  it('is gone on with at once by the next one, each event is posted once and in order, and then the answer', async () => {
    const { connect, goOn, replays, posted, postedSeqs, seqs } = await given(400);
    const ran = [await connect()];
    for (let next = replays.shift(); next; next = replays.shift()) {
      const [job, delay] = next;
      expect([job.connection, delay]).toEqual([ID, 0]);
      expect(readListening(job.mark)).toMatchObject({ seq: postedSeqs().at(-1), isLive: false });
      ran.push(await goOn(job));
    }
    expect(ran.length).toBeGreaterThan(3);
    for (const ms of ran) expect(ms).toBeLessThanOrEqual(4400);
    for (const ms of ran.slice(0, -1)) expect(ms).toBeGreaterThanOrEqual(4000);
    expect(postedSeqs()).toEqual(seqs);
    expect(posted.map(({ type }) => type).filter((type) => type === 'connected')).toHaveLength(1);
    expect(posted.at(-1)).toMatchObject({ type: 'connected' });
  });

  it('that ends as its time does is not left', async () => {
    const { connect, replays, posted, seqs } = await given(4000 / 6);
    // Before the last one that fits there is `session_start`.
    await connect((seqs.at(-1) ?? 0) - 5);
    expect(replays).toEqual([]);
    expect(posted.at(-1)).toMatchObject({ type: 'connected' });
  });

  it('P10: is gone on with by one function, though its message comes twice', async () => {
    const { connect, goOn, replays, postedSeqs, seqs } = await given(400);
    await connect();
    while (replays.length > 0) {
      const [[job] = []] = replays.splice(0);
      if (job) await Promise.all([goOn(job), goOn(job)]);
    }
    expect(postedSeqs()).toEqual(seqs);
  });

  it('says how far it is twice a second: a late mark would have another function take it for dead', async () => {
    const { connect, mark, afterPost, core } = await given(400);
    let movedAt = core.clock.now();
    let last: number | undefined;
    const stood: number[] = [];
    afterPost(async () => {
      const now = await mark();
      if (now !== last) {
        stood.push(core.clock.now() - movedAt);
        movedAt = core.clock.now();
        last = now;
      }
      return 'sent';
    });
    await connect();
    // A mark, and the posts that it comes after.
    expect(Math.max(...stood)).toBeLessThanOrEqual(500 + 2 * 400);
    expect(stood.length).toBeGreaterThan(3);
  });
});

describe('P9: who looks at a replay', () => {
  it('that has moved since leaves it alone, and has somebody look again after four seconds', async () => {
    const { connect, goOn, replays, posted, mark } = await given(400);
    await connect();
    const [[job] = []] = replays.splice(0);
    if (!job) throw new Error('not left');
    const before = posted.length;
    await goOn({ ...job, mark: job.mark - 2 });
    expect(posted.length).toBe(before);
    expect(replays).toEqual([[{ connection: ID, mark: await mark() }, 4]]);
  });

  it('does nothing for a connection that is live, or gone', async () => {
    const { connect, goOn, replays, posted, mark, core } = await given(1);
    await connect();
    const live = (await mark()) ?? 0;
    expect(readListening(live).isLive).toBe(true);
    const before = posted.length;
    await goOn({ connection: ID, mark: live });
    await core.store.delete(connectionKey(ID));
    await goOn({ connection: ID, mark: live });
    await goOn({ connection: asConnectionId('nobody'), mark: 1 });
    expect([posted.length, replays]).toEqual([before, []]);
  });
});

it('P9: a connection that is gone while it is replayed to leaves the session, and is posted nothing more', async () => {
  const { connect, postedSeqs, posted, mark, replays, afterPost } = await given(1);
  afterPost(async ({ seq }) => (seq === 5 ? 'gone' : 'sent'));
  await connect();
  expect(postedSeqs()).toEqual([1, 2, 3, 4, 5]);
  expect(posted.at(-1)).toMatchObject({ seq: 5 });
  expect([await mark(), replays]).toEqual([undefined, []]);
});
