import { describe, expect, it } from 'vitest';
import { accepted, chunk, end, endsOf, eventsOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

describe('a session queue of one turn', () => {
  const stack = givenStack({ settings: { MIDTURN_SESSION_QUEUE_LIMIT: '1' } });

  it('P2 P5: a second connection is refused SESSION_QUEUE_FULL; the first finishes, then the second is served', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate, '.'] }, { chunks: ['second'] }]);
    const session = stack.newSession();
    const [first, second] = [await stack.connect(session), await stack.connect(session)];
    first.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(first, 'draft');
    second.send({ type: 'message', id: 'm2', content: 'refused text' });
    expect(await refused(second, 'SESSION_QUEUE_FULL')).toMatchObject({
      terminal: false,
      retryable: true,
      id: 'm2',
      limit: 1,
      depth: 1,
    });
    const whileHeld = await stack.stored.everything();
    gate.open();
    expect(await end(first)).toMatchObject({ type: 'done', full_response: 'draft.' });
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft.']);
    expect(whileHeld).not.toContain('refused text');

    second.send({ type: 'message', id: 'm3', content: 'third' });
    await second.waitFor((frame) => frame.type === 'done' && frame.full_response === 'second');
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: draft.', 'user: third']);
  });
});

describe('a queue wait of three seconds', () => {
  const stack = givenStack({ settings: { MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: '3' } });

  it('P2: behind a long turn a message is answered SESSION_QUEUE_TIMEOUT while that turn still runs; nothing is stored', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate, '.'] }, { chunks: ['third'] }]);
    const session = stack.newSession();
    const [first, second] = [await stack.connect(session), await stack.connect(session)];
    first.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(first, 'draft');
    second.send({ type: 'message', id: 'm2', content: 'waits in vain' });
    expect(await accepted(second, 'm2')).toMatchObject({ placement: 'turn', position: 1 });
    // The gate is closed: nothing but the deadline can bring this about.
    expect(await refused(second, 'SESSION_QUEUE_TIMEOUT')).toMatchObject({
      terminal: false,
      retryable: true,
      id: 'm2',
    });
    expect(await stack.stored.everything()).not.toContain('waits in vain');
    expect(endsOf(first)).toEqual([]);

    gate.open();
    await end(first);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft.']);
    second.send({ type: 'message', id: 'm3', content: 'third' });
    await second.waitFor((frame) => frame.type === 'done' && frame.full_response === 'third');
    expect(model.requests).toHaveLength(2);
    expect(JSON.stringify(model.requests.map(({ body }) => body))).not.toContain('waits in vain');
  });

  it('P1 P10: a client that was away hears of it when it comes back with its lane, and again for the same id', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate, '.'] }]);
    const session = stack.newSession();
    const [first, second] = [await stack.connect(session), await stack.connect(session)];
    first.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(first, 'draft');
    second.send({ type: 'message', id: 'm2', content: 'waits in vain' });
    await accepted(second, 'm2');
    const { lane } = await second.waitFor('session_start');
    await second.terminate();
    await expect.poll(() => stack.stored.everything()).not.toContain('waits in vain');

    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { lane } });
    expect(await refused(back, 'SESSION_QUEUE_TIMEOUT')).toMatchObject({ id: 'm2' });
    back.send({ type: 'message', id: 'm2', content: 'waits in vain' });
    await back.waitFor(
      () => back.frames.filter((f) => f.type === 'error' && f.code === 'SESSION_QUEUE_TIMEOUT').length === 2,
    );
    gate.open();
    await end(first);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft.']);
  });
});

describe('a session queue of eight turns, as it is by default', () => {
  const stack = givenStack();

  it('P5: waiting turns run in the order in which they were accepted, one at a time; the ninth is refused', async () => {
    const gate = createGate();
    let open = 0;
    let mostOpen = 0;
    const model = stack.script(async (_, index) => {
      mostOpen = Math.max(mostOpen, ++open);
      const call = model.requests[index];
      void call?.ended.then(() => open--);
      return { chunks: [`answer ${index + 1}`, ...(index === 0 ? [gate] : [])] };
    });
    const session = stack.newSession();
    const clients = await Promise.all(Array.from({ length: 9 }, () => stack.connect(session)));
    for (const [i, client] of clients.entries()) {
      const id = `m${i + 1}`;
      client.send({ type: 'message', id, content: `question ${i + 1}` });
      if (i === 8) {
        expect(await refused(client, 'SESSION_QUEUE_FULL')).toMatchObject({ id, limit: 8, depth: 8 });
      } else {
        expect(await accepted(client, id)).toMatchObject({ placement: 'turn', position: i });
        // Without this the second could be admitted before the first turn is seen to run.
        if (i === 0) await chunk(client, 'answer 1');
      }
    }
    gate.open();
    const [watcher] = clients;
    if (!watcher) throw new Error('no client');
    await end(watcher, 8);

    expect(model.requests).toHaveLength(8);
    expect(mostOpen).toBe(1);
    const expected = Array.from({ length: 8 }, (_, i) => [
      `user: question ${i + 1}`,
      `assistant: answer ${i + 1}`,
    ]);
    expect(await stack.stored.lines(session)).toEqual(expected.flat());
    expect(model.prompt(8)).toEqual(expected.flat().slice(0, -1));
    // Turns do not overlap in the stream either.
    const turns = eventsOf(watcher).map(({ turn_id }) => turn_id);
    expect(turns.filter((turn, i) => turn !== turns[i - 1])).toHaveLength(8);
  });

  it('P5: two sessions run in parallel', async () => {
    const gates = [createGate(), createGate()];
    const model = stack.script((_, index) => ({ chunks: ['held', ...gates.slice(index, index + 1), '.'] }));
    const clients = [await stack.connect(stack.newSession()), await stack.connect(stack.newSession())];
    for (const client of clients) client.send({ type: 'message', content: 'go' });
    await Promise.all(clients.map((client) => chunk(client, 'held')));
    expect(model.requests.map(({ outcome }) => outcome)).toEqual(['open', 'open']);
    // The later one first: neither waits for the other.
    for (const gate of gates.toReversed()) gate.open();
    for (const client of clients) expect(await end(client)).toMatchObject({ full_response: 'held.' });
  });
});
