import { describe, expect, it } from 'vitest';
import { accepted, chunk, end, eventsOf, framesOf, isEvent } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

const stack = givenStack();

/** `seq` of each event in the order of its arrival. */
const arrivals = (client: WsClient) => client.frames.filter(isEvent).map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A turn that has said "one" and "two" and is held: seq 1 turn_start, 2 applied, 3 and 4 chunks. */
async function leasedTurn() {
  const [a, b] = [createGate(), createGate()];
  stack.script([{ chunks: ['one', a, ' two', b, ' three'] }, { chunks: [' four'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'count' });
  await chunk(client, 'one');
  a.open();
  await chunk(client, ' two');
  const { lane } = await client.waitFor('session_start');
  return { client, session, lane, gate: b };
}

describe('resume in mid-answer', () => {
  it('P9: gives each later event once, in order, then live ones, and the lane steers on', async () => {
    const { client, session, lane, gate } = await leasedTurn();
    await client.terminate();
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { lane, after_seq: 3 } });
    await back.next('connected');
    expect(await back.waitFor('session_start')).toMatchObject({ lane, last_seq: 4 });
    expect(arrivals(back)).toEqual([4]);
    back.send({ type: 'message', id: 'm2', content: 'go on' });
    expect(await accepted(back, 'm2')).toMatchObject({ placement: 'steering' });
    gate.open();
    expect(await end(back)).toMatchObject({ type: 'done', full_response: 'one two three four' });
    expect(arrivals(back)).toEqual(range(4, 8));
    expect(eventsOf(back).map(({ type }) => type)).toEqual(['chunk', 'chunk', 'applied', 'chunk', 'done']);
  });

  it('P9: from the beginning of everything', async () => {
    const { client, session, gate } = await leasedTurn();
    const other = await stack.connect(session);
    other.send({ type: 'connect', resume: { after_seq: 0 } });
    await other.next('connected');
    expect(arrivals(other)).toEqual([1, 2, 3, 4]);
    gate.open();
    await Promise.all([end(client), end(other)]);
    expect(eventsOf(other)).toEqual(eventsOf(client));
  });

  it('P9: before the first token', async () => {
    const gate = createGate();
    const model = stack.script([{ gate, chunks: ['at last'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await model.waitForRequest(1);
    await client.terminate();
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { after_seq: 0 } });
    await back.next('connected');
    gate.open();
    expect(await end(back)).toMatchObject({ full_response: 'at last' });
    expect(arrivals(back)).toEqual([1, 2, 3, 4]);
  });

  it('P9: while it streams: whoever drops and comes back again and again misses nothing', async () => {
    const words = Array.from({ length: 60 }, (_, i) => `w${i} `);
    stack.script([{ chunks: words, chunkDelayMs: 25 }]);
    const session = stack.newSession();
    const seen = new Map<number, string>();
    let client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'go' });
    for (;;) {
      const before = seen.size;
      await client.waitFor(() =>
        client.frames.filter(isEvent).some(({ seq }) => seq > before + 2 || ended(client)),
      );
      for (const event of eventsOf(client)) {
        // Once seen, an event never changes.
        const text = JSON.stringify(event);
        expect(seen.get(event.seq) ?? text).toBe(text);
        seen.set(event.seq, text);
      }
      if (ended(client)) break;
      const { lane } = await client.waitFor('session_start');
      await client.terminate();
      client = await stack.connect(session);
      client.send({ type: 'connect', resume: { lane, after_seq: seen.size } });
      await client.waitFor('connected');
    }
    const events = [...seen.entries()].sort(([a], [b]) => a - b);
    expect(events.map(([seq]) => seq)).toEqual(range(1, seen.size));
    expect(JSON.parse(events.at(-1)?.[1] ?? '')).toMatchObject({ full_response: words.join('') });
  });
});

const ended = (client: WsClient) => eventsOf(client).some(({ type }) => type === 'done');

describe('resume after done', () => {
  it('P9: gives the end with its text, also to whoever has the chunks already', async () => {
    const { client, session, lane, gate } = await leasedTurn();
    await client.terminate();
    gate.open();
    await stack.stored.transcript(session);
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { lane, after_seq: 4 } });
    await back.next('connected');
    expect(arrivals(back)).toEqual([5, 6]);
    expect(eventsOf(back)).toMatchObject([
      { type: 'chunk', content: ' three', offset: 7 },
      { type: 'done', full_response: 'one two three' },
    ]);
    expect(await back.waitFor('session_start')).toMatchObject({
      last_seq: 6,
      resumed: true,
      message_count: 3,
    });
    expect(await back.waitFor('session_start')).not.toHaveProperty('active_turn');

    const upToDate = await stack.connect(session);
    upToDate.send({ type: 'connect', resume: { after_seq: 6 } });
    await upToDate.next('connected');
    expect(arrivals(upToDate)).toEqual([]);
    expect(framesOf(upToDate, 'history_gap')).toEqual([]);
  });

  it('P9: over several turns, of several connections', async () => {
    stack.script((_, index) => ({ chunks: [`answer ${index}`] }));
    const session = stack.newSession();
    for (const n of [1, 2, 3]) {
      const client = await stack.connect(session);
      client.send({ type: 'message', id: `m${n}`, content: `question ${n}` });
      await end(client);
    }
    await stack.stored.transcript(session);
    const late = await stack.connect(session);
    late.send({ type: 'connect', resume: { after_seq: 0 } });
    await late.next('connected');
    expect(arrivals(late)).toEqual(range(1, 12));
    expect(eventsOf(late).filter(({ type }) => type === 'done')).toMatchObject([
      { full_response: 'answer 0' },
      { full_response: 'answer 1' },
      { full_response: 'answer 2' },
    ]);
  });
});

describe('a reload without any memory', () => {
  it('P9: finds the open turn by session_start.active_turn.first_seq', async () => {
    const { client, session, gate } = await leasedTurn();
    await client.terminate();
    const reloaded = await stack.connect(session);
    reloaded.send({ type: 'connect' });
    const { active_turn, last_seq } = await reloaded.next('session_start');
    expect(last_seq).toBe(4);
    expect(active_turn).toMatchObject({ first_seq: 1, started_at: expect.any(Number) });
    reloaded.send({ type: 'history' });
    // The open part is not history yet.
    expect((await reloaded.next('history')).entries).toMatchObject([{ role: 'user', content: 'count' }]);
    reloaded.send({ type: 'connect', resume: { after_seq: (active_turn?.first_seq ?? 0) - 1 } });
    await chunk(reloaded, ' two');
    expect(eventsOf(reloaded)[0]).toMatchObject({ type: 'turn_start', turn_id: active_turn?.turn_id });
    gate.open();
    expect(await end(reloaded)).toMatchObject({ full_response: 'one two three' });
  });

  it('P9: of a later turn: only that turn is replayed', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['first'] }, { chunks: ['second', gate] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'one' });
    await end(client);
    client.send({ type: 'message', content: 'two' });
    await chunk(client, 'second');
    const reloaded = await stack.connect(session);
    reloaded.send({ type: 'connect' });
    const { active_turn } = await reloaded.next('session_start');
    expect(active_turn?.first_seq).toBe(5);
    reloaded.send({ type: 'connect', resume: { after_seq: 4 } });
    await chunk(reloaded, 'second');
    expect(arrivals(reloaded)).toEqual([5, 6, 7]);
    gate.open();
    expect(await end(reloaded)).toMatchObject({ full_response: 'second' });
  });
});

describe('a lane that one cannot have', () => {
  it('P12: is ignored: the connection speaks on a lane of its own', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const theirs = await stack.connect(stack.newSession());
    theirs.send({ type: 'connect' });
    const { lane } = await theirs.next('session_start');
    const session = stack.newSession();
    for (const wanted of [lane, 'unknown']) {
      const client = await stack.connect(session);
      client.send({ type: 'connect', resume: { lane: wanted, after_seq: 0 } });
      expect((await client.next('session_start')).lane).not.toBe(wanted);
    }
  });
});
