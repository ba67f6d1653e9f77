import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepted, end, refused } from '../support/frames.ts';
import { createGate, type Gate } from '../support/model-server.ts';
import { givenStack, type SharedStack } from '../support/stack.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import type { WsClient } from '../support/ws-client.ts';
import { type Attacks, meterAttacks } from './metered.ts';

/** Of turns, in this stack (test/support/stack.ts). */
const ENVIRONMENTS = 6;
const FLOOD = 50;

/** Calls whose last message says `hold` wait for the gate. All others are answered at once. */
function script(stack: SharedStack, gate: Gate) {
  return stack.script(({ messages }) =>
    JSON.stringify(messages.at(-1)).includes('hold')
      ? { chunks: ['held', gate, '.'] }
      : { chunks: ['at once'] },
  );
}

describe('one principal with fifty sessions', () => {
  const LIMIT = 4;
  const NAMES = ['ann', 'bob', 'polite'] as const;
  const stack = givenStack({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: NAMES.map((name) => `token-of-${name}=acme/${name}`).join(','),
      MIDTURN_PRINCIPAL_TURNS: String(LIMIT),
      // Nothing is answered by a deadline here.
      MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: '900',
    },
  });
  const connectAs = (name: (typeof NAMES)[number]) =>
    stack.connect(stack.newSession(), {
      principal: { tenant: 'acme', subject: name },
      query: { token: `token-of-${name}` },
    });
  /** As many turns of hers as she may have, each answering until the gate opens. */
  const holdAll = async () => {
    const clients: WsClient[] = [];
    for (let n = 0; n < LIMIT; n++) {
      const client = await connectAs('ann');
      client.send({ type: 'message', id: 'm1', content: 'hold' });
      await client.waitFor('chunk');
      clients.push(client);
    }
    return clients;
  };
  let attacks: Attacks;

  beforeAll(async () => {
    attacks = await meterAttacks(stack, await connectAs('polite'));
  }, LONG_TEST_MS);
  afterAll(() => console.log(attacks.table()));

  it(
    'P2: has as many turns as the limit; further messages are refused with a time to try again, and another’s is answered meanwhile',
    async () => {
      const gate = createGate();
      const model = script(stack, gate);
      const bob = await connectAs('bob');
      const outcome = await attacks.metered('a message in each of fifty sessions', async () => {
        const clients: WsClient[] = [];
        for (let n = 0; n < FLOOD; n++) clients.push(await connectAs('ann'));
        for (const client of clients) client.send({ type: 'message', id: 'm1', content: 'hold' });
        const answers = await Promise.all(
          clients.map((client) => Promise.race([accepted(client, 'm1'), refused(client, 'TOO_MANY_TURNS')])),
        );
        const served = clients.filter((_, n) => answers[n]?.type === 'accepted');
        expect(served).toHaveLength(LIMIT);
        for (const answer of answers.filter(({ type }) => type === 'error'))
          expect(answer).toMatchObject({
            terminal: false,
            retryable: true,
            id: 'm1',
            limit: LIMIT,
            retry_after_ms: 5000,
          });
        // The gate is closed: all that ann may have still runs.
        bob.send({ type: 'message', id: 'b1', content: 'hello' });
        expect(await end(bob)).toMatchObject({ type: 'done', full_response: 'at once' });
        gate.open();
        for (const client of served) expect(await end(client)).toMatchObject({ full_response: 'held.' });
        return { clients, tried: FLOOD };
      });
      expect(outcome.refused).toBe(FLOOD - LIMIT);
      // P2: no model saw a refused message.
      expect(model.requests).toHaveLength(LIMIT + 1);
    },
    LONG_TEST_MS,
  );

  it('P10: a refused message is refused again under its id; under a new one it is answered when a turn has ended', async () => {
    const gate = createGate();
    script(stack, gate);
    const busy = await holdAll();
    const late = await connectAs('ann');
    late.send({ type: 'message', id: 'm1', content: 'hello' });
    await refused(late, 'TOO_MANY_TURNS');
    gate.open();
    await Promise.all(busy.map((client) => end(client)));
    late.send({ type: 'message', id: 'm1', content: 'hello' });
    await late.waitFor(
      () => late.frames.filter((f) => f.type === 'error' && f.code === 'TOO_MANY_TURNS').length === 2,
    );
    late.send({ type: 'message', id: 'm2', content: 'hello' });
    expect(await end(late)).toMatchObject({ type: 'done', full_response: 'at once' });
  });

  it('steers its running turns as before: a message that opens no turn takes no place', async () => {
    const gate = createGate();
    script(stack, gate);
    const busy = await holdAll();
    for (const client of busy) {
      client.send({ type: 'message', id: 'm2', content: 'hello' });
      expect(await accepted(client, 'm2')).toMatchObject({ placement: 'steering' });
    }
    gate.open();
    for (const client of busy) expect(await end(client)).toMatchObject({ type: 'done', steps: 2 });
  });
});

describe('no environment is left for a turn', () => {
  const stack = givenStack({ settings: { MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: '5' } });

  it(
    'P1 P2: a message that is first in its session is told when its turn does not begin in time; the running turns go on',
    async () => {
      const gate = createGate();
      script(stack, gate);
      const busy: WsClient[] = [];
      for (let n = 0; n < ENVIRONMENTS; n++) {
        const client = await stack.connect(stack.newSession());
        client.send({ type: 'message', id: 'm1', content: 'hold' });
        await client.waitFor('chunk');
        busy.push(client);
      }
      const session = stack.newSession();
      const waiting = await stack.connect(session);
      waiting.send({ type: 'message', id: 'm1', content: 'waits in vain' });
      expect(await accepted(waiting, 'm1')).toMatchObject({ placement: 'turn', position: 0 });
      // The gate is closed: nothing but the deadline can bring this about.
      expect(await refused(waiting, 'SESSION_QUEUE_TIMEOUT')).toMatchObject({ id: 'm1', retryable: true });
      expect(await stack.stored.everything()).not.toContain('waits in vain');
      gate.open();
      for (const client of busy) expect(await end(client)).toMatchObject({ full_response: 'held.' });
      waiting.send({ type: 'message', id: 'm2', content: 'hello' });
      expect(await end(waiting)).toMatchObject({ type: 'done', full_response: 'at once' });
    },
    LONG_TEST_MS,
  );
});
