import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, end, eventsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { runCommand } from '../support/operator.ts';
import { givenStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';

/** Budgets of a day, through the WebSocket. A call of the scripted model uses 15 tokens. */

const folder = join(import.meta.dirname, '../../dist/agent-with-budget');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

const NAMES = ['ann', 'bob', 'cat', 'dan', 'eve'] as const;
type Name = (typeof NAMES)[number];
const TOKENS = NAMES.map((name) => `token-of-${name}=acme/${name}`).join(',');
const MIDNIGHT = () => (Math.floor(Date.now() / 86_400_000) + 1) * 86_400_000;

describe('a principal with a budget of two turns', () => {
  const stack = givenStack({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: TOKENS,
      MIDTURN_PRINCIPAL_DAY_TURNS: '2',
      MIDTURN_TENANT_DAY_TURNS: '1000',
      MIDTURN_VISIBILITY_SECONDS: '2',
    },
  });
  const connectAs = (subject: Name) =>
    stack.connect(stack.newSession(), {
      principal: { tenant: 'acme', subject },
      query: { token: `token-of-${subject}` },
    });

  it('P2: is refused the third, in any session, and told when it goes on; another’s budget is its own', async () => {
    const model = stack.script(() => ({ chunks: ['Yes.'] }));
    const [first, second, bob] = [await connectAs('ann'), await connectAs('ann'), await connectAs('bob')];
    for (const client of [first, second]) {
      client.send({ type: 'message', id: 'm1', content: 'go' });
      expect(await end(client)).toMatchObject({ type: 'done' });
    }
    second.send({ type: 'message', id: 'm2', content: 'more' });
    await accepted(second, 'm2');
    const before = Date.now();
    const error = await refused(second, 'BUDGET_EXCEEDED');
    expect(error).toMatchObject({ id: 'm2', terminal: false, retryable: true });
    expect([MIDNIGHT(), MIDNIGHT() - 86_400_000]).toContain(error.until);
    expect(error).toHaveProperty('retry_after_ms');
    expect(error.until ?? 0).toBeGreaterThan(before - 1000);
    // P10: the same answer again, and nothing in the transcript.
    second.send({ type: 'message', id: 'm2', content: 'more' });
    await second.waitFor(
      (frame) =>
        frame.type === 'error' && framesOf(second, 'error').length === 2 && frame.code === 'BUDGET_EXCEEDED',
    );
    second.send({ type: 'history' });
    const { entries } = await second.next('history');
    expect(entries.flatMap((entry) => (entry.role === 'user' ? entry.id : []))).toEqual(['m1']);
    bob.send({ type: 'message', id: 'm1', content: 'go' });
    expect(await end(bob)).toMatchObject({ type: 'done' });
    expect(model.requests).toHaveLength(3);
  });

  it('P8: a turn that another worker continues counts once', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['First,', gate] }, { chunks: [' second.'] }, { chunks: ['Yes.'] }]);
    const client = await connectAs('dan');
    // It is posted events again by the worker that takes over, and counts them by their number.
    client.send({ type: 'connect' });
    client.send({ type: 'message', id: 'm1', content: 'go' });
    await client.waitFor('chunk');
    await killWorker(stack.cloud);
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done' });
    client.send({ type: 'message', id: 'm2', content: 'again' });
    expect(await end(client, 2)).toMatchObject({ type: 'done' });
    client.send({ type: 'message', id: 'm3', content: 'more' });
    expect(await refused(client, 'BUDGET_EXCEEDED')).toMatchObject({ id: 'm3' });
  });
});

const AGENT = `
import { defineAgent } from 'midturn/agent';

export const agent = defineAgent({
  instructions: 'Answer.',
  prices: { currency: 'USD', perMillionTokens: { scripted: { input: 1000, output: 1000 } } },
  budget: ({ principal }) =>
    principal.subject === 'eve' ? Promise.reject(new Error('no')) : { cost: principal.subject === 'ann' ? 0.001 : 0.01 },
  tools: {},
});
`;

describe('an agent whose code says what each principal may spend', () => {
  const stack = givenStack(() => ({
    settings: { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS: TOKENS },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  }));
  const connectAs = (subject: Name) =>
    stack.connect(stack.newSession(), {
      principal: { tenant: 'acme', subject },
      query: { token: `token-of-${subject}` },
    });

  it('P3, P13: a turn that spends the last of it ends at the boundary; what is pending is told, and what was said stays', async () => {
    const gate = createGate();
    const model = stack.script([
      { chunks: ['I look.', gate], toolCalls: [{ id: 'o', name: 'none', args: {} }] },
      { chunks: ['never'] },
    ]);
    const client = await connectAs('ann');
    client.send({ type: 'message', id: 'm1', content: 'go' });
    await client.waitFor('chunk');
    client.send({ type: 'message', id: 'm2', content: 'and this' });
    await accepted(client, 'm2');
    gate.open();
    const last = await end(client);
    expect(last).toMatchObject({
      type: 'error',
      code: 'BUDGET_EXCEEDED',
      terminal: true,
      retryable: true,
      full_response: 'I look.',
    });
    expect(last).toHaveProperty('until');
    expect(await refused(client, 'BUDGET_EXCEEDED')).toMatchObject({ id: 'm2' });
    expect(eventsOf(client).map(({ type }) => type)).toContain('tool_result');
    expect(model.requests).toHaveLength(1);
  });

  it('sessions of one principal at once use at most one step each beyond it', async () => {
    const gate = createGate();
    const model = stack.script(() => ({ chunks: ['held', gate, '.'] }));
    const clients = await Promise.all(Array.from({ length: 4 }, () => connectAs('bob')));
    for (const client of clients) client.send({ type: 'message', id: 'm1', content: 'go' });
    for (const client of clients) await client.waitFor('chunk');
    for (const client of clients) client.send({ type: 'message', id: 'm2', content: 'more' });
    for (const client of clients) await accepted(client, 'm2');
    gate.open();
    for (const client of clients) await end(client);
    // A call costs 0.015: the first one of each session spends all of it.
    expect(model.requests).toHaveLength(clients.length);
    for (const client of clients)
      expect(await refused(client, 'BUDGET_EXCEEDED')).toMatchObject({ id: 'm2', terminal: false });
  });

  it('P2: code that throws refuses the message: nothing is spent without a limit', async () => {
    const model = stack.script([{ chunks: ['never'] }]);
    const client = await connectAs('eve');
    client.send({ type: 'message', id: 'm1', content: 'go' });
    expect(await refused(client, 'AGENT_ERROR')).toMatchObject({ id: 'm1' });
    expect(model.requests).toHaveLength(0);
  });

  it('tells operators what a principal and its tenant have used', async () => {
    stack.script([{ chunks: ['Yes.'] }]);
    const client = await connectAs('cat');
    client.send({ type: 'message', id: 'm1', content: 'go' });
    await end(client);
    const spend = async (...who: string[]) => {
      const { out } = await runCommand(stack.cloud, 'infra/sessions.ts', ['spend', ...who]);
      return out.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
    };
    expect(await spend('acme', 'nobody')).toEqual([]);
    const [day] = await spend('acme', 'cat');
    expect(day).toMatchObject({ turns: 1, tokens: 15, cost: 0.015 });
  });
});
