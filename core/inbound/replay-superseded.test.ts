import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { sessionKey, sessionOf } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { continueReplay } from './continue-replay.ts';
import { handleFrame } from './dispatch.ts';

it('P9: a replay that another one has taken over ends at its next mark, and is not sent to its end beside it', async () => {
  const client = await clientInMemory();
  for (let n = 0; n < 3; n++) {
    await client.send({ type: 'message', id: `m${n}`, content: 'hello' });
    await client.run();
  }
  const events = client.frames.filter(({ seq }) => seq !== undefined).length;
  expect(events).toBeGreaterThan(8);
  const resume = { lane: String(client.frames[0]?.lane), after_seq: 0 };
  const { gateway, clock } = client.core;
  const post = gateway.post.bind(gateway);
  let now: number = clock.now();
  let posted = 0;
  gateway.post = async (connection, frame) => {
    if (JSON.parse(frame).seq !== undefined) {
      posted++;
      if (posted === 3) await client.send({ type: 'connect', resume });
      // The posts of the first replay take so long that each event comes with a mark. Its time is not over.
      if (posted < 3 || posted > events) now += 510;
      client.setNow(now);
    }
    return post(connection, frame);
  };
  const before = client.frames.length;
  await client.send({ type: 'connect', resume });
  const sent = client.frames.slice(before).filter(({ seq }) => seq !== undefined);
  expect(new Set(sent.map(({ seq }) => seq)).size).toBe(events);
  // The first one had begun with three.
  expect(sent.length).toBeLessThan(events + 5);
});

it('P9: two `connect`s of a new connection are both answered, whichever replay goes on, and neither leaves a hole', async () => {
  const client = await clientInMemory();
  for (let n = 0; n < 4; n++) {
    await client.send({ type: 'message', id: `m${n}`, content: 'hello' });
    await client.run();
  }
  const { gateway, clock } = client.core;
  const seqs = client.frames.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : []));
  const lane = String(client.frames[0]?.lane);
  const id = asConnectionId('new');
  const principal = { tenant: 't', subject: 's' };
  await registerConnection(client.core, id, { principal, sessionId: asSessionId('one') });
  const connect = (after_seq: number) =>
    handleFrame(client.core, {
      connectionId: id,
      body: JSON.stringify({ type: 'connect', resume: { lane, after_seq } }),
      receivedAt: epochMs(clock.now()),
    });
  const post = gateway.post.bind(gateway);
  let now: number = clock.now();
  let posted = 0;
  gateway.post = async (connection, frame) => {
    if (JSON.parse(frame).seq !== undefined) {
      posted++;
      // The second one asks for less, while the first is under way.
      if (posted === 3) await connect(seqs.length - 2);
      if (posted < 3) now += 510;
      client.setNow(now);
    }
    return post(connection, frame);
  };
  const before = client.frames.length;
  await connect(0);
  const sent = client.frames.slice(before);
  expect(new Set(sent.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : [])))).toEqual(new Set(seqs));
  expect(sent.at(-1)).toMatchObject({ type: 'connected' });
});

it('P9: a function that was taken for dead ends at its next mark, and leaves the replay to the one that goes on', async () => {
  const client = await clientInMemory();
  for (let n = 0; n < 3; n++) {
    await client.send({ type: 'message', id: `m${n}`, content: 'hello' });
    await client.run();
  }
  const seqs = client.frames.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : []));
  const { gateway, store, clock } = client.core;
  const connection = asConnectionId('c');
  const key = sessionKey(sessionOf({ tenant: 't', subject: 's' }, asSessionId('one')));
  const post = gateway.post.bind(gateway);
  const posted: number[] = [];
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let goesOn: Promise<void> | undefined;
  gateway.post = async (to, frame) => {
    const { seq } = JSON.parse(frame);
    if (typeof seq === 'number' && posted.push(seq) === 2) {
      const mark = (await store.get(key))?.audience[connection] ?? 0;
      goesOn = continueReplay(client.core, { connection, mark });
      await reached.promise;
      client.setNow(clock.now() + 510);
    } else if (posted.length === 3) {
      reached.resolve();
      await released.promise;
    }
    return post(to, frame);
  };
  await client.send({ type: 'connect', resume: { lane: String(client.frames[0]?.lane), after_seq: 0 } });
  released.resolve();
  await goesOn;
  expect(posted).toEqual([...seqs.slice(0, 2), ...seqs]);
});
