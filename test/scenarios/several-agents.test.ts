import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../core/store/items.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { AUDIENCE, goodClaims } from '../security/attacks.ts';
import { type Issuer, newKey, signedBy, startIssuer } from '../security/issuer.ts';
import { accepted, end, framesOf } from '../support/frames.ts';
import { createGate, type RecordedRequest } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';
import type { FrameOf, WsClient } from '../support/ws-client.ts';

const folder = join(import.meta.dirname, '../../dist/several-agents');

/** Two agents for customers, and one for staff, which clients cannot ask for by name. */
const AGENTS = `
import { tool } from 'ai';
import { agentTool, defineAgent, defineAgents, toolContext } from 'midturn/agent';
import * as z from 'zod';

const refund = (says) => tool({
  description: 'Gives money back.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  execute: () => says,
});

const sales = defineAgent({
  instructions: 'You are sales.',
  callOptionsSchema: z.object({ region: z.enum(['eu', 'us']) }),
});
const staff = defineAgent({
  instructions: 'You are staff.',
  tools: { refund: { tool: refund('paid'), idempotent: true } },
});
const support = defineAgent({
  instructions: 'You are support.',
  tools: {
    refund: { tool: refund('asked'), idempotent: true },
    ask_staff: agentTool({ agent: staff, description: 'Asks the staff.', idempotent: true }),
  },
});

export const agent = defineAgents({ support, sales, staff }, {
  choose: ({ principal, claims, asked }) => {
    if (principal.subject === 'mallory') return undefined;
    if (principal.subject === 'broken') throw new TypeError('no');
    return asked ?? (claims.role === 'staff' ? 'staff' : 'support');
  },
});
`;

const key = newKey();
let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer([key]);
});
afterAll(async () => {
  await issuer.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const stack = givenStack(() => ({
  settings: {
    MIDTURN_AUTH: 'jwt',
    MIDTURN_JWT_ISSUER: issuer.url,
    MIDTURN_JWT_AUDIENCE: AUDIENCE,
    MIDTURN_JWT_CLAIMS: 'role',
    MIDTURN_VISIBILITY_SECONDS: '2',
    MIDTURN_AGENTS: 'support,sales',
  },
  bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENTS } }, folder),
}));

const ANN: Principal = { tenant: 'acme', subject: 'ann' };
const open = (principal = ANN, session = stack.newSession(), role = 'customer') =>
  stack.connect(session, {
    principal,
    query: {
      token: signedBy(key, goodClaims(issuer, { tenant: principal.tenant, sub: principal.subject, role })),
    },
  });

const systemOf = (request: RecordedRequest | undefined) =>
  request?.body.messages.find(({ role }) => role === 'system')?.content;

/** The error about this message. */
const refused = (client: WsClient, id: string): Promise<FrameOf<'error'>> =>
  client.waitFor(
    (frame): frame is FrameOf<'error'> => frame.type === 'error' && 'id' in frame && frame.id === id,
  );

/** Connects, with a wish or without one. @returns its `session_start` */
async function connectTo(client: WsClient, agent?: string) {
  client.send({ type: 'connect', ...(agent !== undefined && { agent }) });
  await client.next('connected');
  return framesOf(client, 'session_start').at(-1);
}

async function say(client: WsClient, content: string, options?: Record<string, unknown>) {
  client.send({ type: 'message', content, ...(options && { options }) });
  await end(client);
  return framesOf(client, 'turn_start').at(-1)?.agent;
}

describe('a session', () => {
  it('has the agent that its client asked for, and tells it at each place', async () => {
    const model = stack.script([{ chunks: ['Hi.'] }, { chunks: ['Again.'] }]);
    const session = stack.newSession();
    const client = await open(ANN, session);
    expect(await connectTo(client, 'sales')).toMatchObject({ agents: ['support', 'sales'] });
    expect(framesOf(client, 'session_start')[0]).not.toHaveProperty('agent');
    expect(await say(client, 'What is new?', { region: 'eu' })).toBe('sales');
    const later = await open(ANN, session);
    expect(await connectTo(later)).toMatchObject({ agent: 'sales' });
    expect(await say(later, 'And else?', { region: 'us' })).toBe('sales');
    expect(model.requests.map(systemOf)).toEqual([
      expect.stringContaining('You are sales.'),
      expect.stringContaining('You are sales.'),
    ]);
    later.send({ type: 'sessions' });
    expect((await later.next('sessions')).sessions).toContainEqual(
      expect.objectContaining({ session_id: session, agent: 'sales' }),
    );
    later.send({ type: 'export', session_id: session });
    expect((await later.next('export')).data).toContain('"agent":"sales"');
  });

  it('has the one that the code chooses by the claims of who asks, if its client asks for none', async () => {
    const model = stack.script([{ chunks: ['Hi.'] }, { chunks: ['Hi.'] }]);
    const customer = await open();
    expect(await say(customer, 'Hello')).toBe('support');
    const staff = await open({ tenant: 'acme', subject: 'sue' }, stack.newSession(), 'staff');
    expect(await say(staff, 'Hello')).toBe('staff');
    expect(model.requests.map(systemOf)).toEqual([
      expect.stringContaining('You are support.'),
      expect.stringContaining('You are staff.'),
    ]);
  });

  it('P11: keeps its agent, also if the claims of who asks are others in a later turn', async () => {
    stack.script([{ chunks: ['Hi.'] }, { chunks: ['Hi.'] }]);
    const session = stack.newSession();
    const client = await open(ANN, session);
    expect(await say(client, 'Hello')).toBe('support');
    const promoted = await open(ANN, session, 'staff');
    expect(await say(promoted, 'Hello again')).toBe('support');
  });

  it('P8: has the same agent after a take-over, and runs that one’s tools', async () => {
    const gate = createGate();
    const model = stack.script((_, index) => {
      if (index === 0) return { chunks: ['Let me ', gate] };
      return index === 1 ? { toolCalls: [{ id: 'r', name: 'refund', args: {} }] } : { chunks: ['done.'] };
    });
    const session = stack.newSession();
    const client = await open({ tenant: 'acme', subject: 'sue' }, session, 'staff');
    await connectTo(client);
    client.send({ type: 'message', content: 'Refund.' });
    await client.next('chunk');
    await killWorker(stack.cloud);
    await end(client);
    gate.open();
    expect(new Set(model.requests.map(systemOf)).size).toBe(1);
    expect(systemOf(model.requests[0])).toContain('You are staff.');
    expect(framesOf(client, 'tool_result')[0]).toMatchObject({ output: 'paid' });
  });

  it('P12: of another principal under the same id has an agent of its own', async () => {
    stack.script([{ chunks: ['Hi.'] }, { chunks: ['Hi.'] }]);
    const session = stack.newSession();
    const ann = await open(ANN, session);
    await connectTo(ann, 'sales');
    expect(await say(ann, 'Hello', { region: 'eu' })).toBe('sales');
    const other = { tenant: 'globex', subject: 'ann' };
    const theirs = await open(other, session);
    expect(await connectTo(theirs)).not.toHaveProperty('agent');
    expect(await say(theirs, 'Hello')).toBe('support');
    theirs.send({ type: 'sessions' });
    expect(JSON.stringify(await theirs.next('sessions'))).not.toContain('sales');
  });
});

describe('another agent', () => {
  it('than the session has is refused at once with a code and the field, and so is each message of that connection', async () => {
    const model = stack.script([{ chunks: ['Hi.'] }]);
    const session = stack.newSession();
    const first = await open(ANN, session);
    expect(await say(first, 'Hello')).toBe('support');
    const client = await open(ANN, session);
    client.send({ type: 'connect', agent: 'sales' });
    expect(await client.next('error')).toMatchObject({ code: 'AGENT_FIXED', path: 'agent', terminal: false });
    await client.next('connected');
    client.send({ type: 'message', id: 'm1', content: 'Hello sales' });
    expect(await refused(client, 'm1')).toMatchObject({ code: 'AGENT_FIXED', path: 'agent' });
    expect(model.requests).toHaveLength(1);
    expect(await stack.stored.everything()).not.toContain('Hello sales');
  });

  it('is refused in a message that steers a turn: no agent reads what was meant for another one', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['One ', gate, 'two.'] }]);
    const session = stack.newSession();
    const client = await open(ANN, session);
    client.send({ type: 'message', content: 'Count' });
    await client.next('chunk');
    client.send({ type: 'connect', agent: 'sales' });
    expect(await client.next('error')).toMatchObject({ code: 'AGENT_FIXED' });
    client.send({ type: 'message', id: 'm2', content: 'Sell' });
    await accepted(client, 'm2');
    gate.open();
    expect(await refused(client, 'm2')).toMatchObject({ code: 'AGENT_FIXED' });
    await end(client);
  });
});

describe('an agent', () => {
  it.each(['nobody', 'staff'])(
    'that clients cannot ask for (%s) is refused, and looks as if it did not exist',
    async (name) => {
      const model = stack.script([]);
      const client = await open();
      client.send({ type: 'connect', agent: name });
      expect(await client.next('error')).toMatchObject({ code: 'AGENT_UNAVAILABLE', path: 'agent' });
      await client.next('connected');
      client.send({ type: 'message', id: 'm1', content: 'Hello?' });
      expect(await refused(client, 'm1')).toMatchObject({ code: 'AGENT_UNAVAILABLE', path: 'agent' });
      expect(model.requests).toEqual([]);
      client.send({ type: 'connect', agent: 'sales' });
      await client.next('connected');
    },
  );

  it('that the code does not give to who asks is refused, and the session stays without one', async () => {
    const model = stack.script([]);
    const session = stack.newSession();
    const mallory = { tenant: 'acme', subject: 'mallory' };
    const client = await open(mallory, session);
    await connectTo(client, 'sales');
    client.send({ type: 'message', id: 'm1', content: 'Hello?', options: { region: 'eu' } });
    expect(await refused(client, 'm1')).toMatchObject({ code: 'AGENT_UNAVAILABLE', path: 'agent' });
    const later = await open(mallory, session);
    expect(await connectTo(later)).not.toHaveProperty('agent');
    expect(model.requests).toEqual([]);
  });

  it('is not guessed if the code fails: the message is refused with AGENT_ERROR', async () => {
    const model = stack.script([]);
    const client = await open({ tenant: 'acme', subject: 'broken' });
    client.send({ type: 'message', id: 'm1', content: 'Hello?' });
    expect(await refused(client, 'm1')).toMatchObject({ code: 'AGENT_ERROR' });
    expect(model.requests).toEqual([]);
  });

  it('has options of its own: those of another one are refused', async () => {
    stack.script([]);
    const client = await open();
    await connectTo(client, 'sales');
    client.send({ type: 'message', id: 'm1', content: 'Hello?', options: { region: 'moon' } });
    expect(await refused(client, 'm1')).toMatchObject({ code: 'OPTIONS_INVALID', path: 'region' });
  });
});

describe('an agent that a tool asks', () => {
  const toAsk = { toolCalls: [{ id: 'a', name: 'ask_staff', args: { task: 'Pay.' } }] };
  const toPay = { toolCalls: [{ id: 'r', name: 'refund', args: {} }] };

  it('P4 P9 P13: shows what it does under the call, its answer is all that the other model sees, and its usage counts', async () => {
    const model = stack.script([
      toAsk,
      { chunks: ['I pay. '], ...toPay },
      { chunks: ['It is ', 'paid.'] },
      { chunks: ['Done.'] },
    ]);
    const client = await open();
    await connectTo(client);
    expect(await say(client, 'Refund me.')).toBe('support');
    expect(model.requests.map(systemOf)).toEqual(
      ['support', 'staff', 'staff', 'support'].map((name) => expect.stringContaining(`You are ${name}.`)),
    );
    // It has its own tool of that name, and its task alone.
    expect(JSON.stringify(model.requests[1]?.body.messages)).not.toContain('Refund me.');
    expect(JSON.stringify(model.requests[2]?.body.messages)).toContain('paid');
    const answered = JSON.stringify(model.requests[3]?.body.messages);
    expect(answered).toContain('It is paid.');
    expect(answered).not.toContain('I pay.');
    const [result] = framesOf(client, 'tool_result');
    expect(result).toMatchObject({ id: 'a', name: 'ask_staff', json: true });
    expect(JSON.parse(result?.output ?? '')).toMatchObject({
      role: 'assistant',
      parts: [
        { type: 'text', text: 'I pay. ' },
        { type: 'tool-refund', state: 'output-available', output: 'paid' },
        { type: 'text', text: 'It is paid.' },
      ],
    });
    for (const { id, output } of framesOf(client, 'tool_progress'))
      expect([id, JSON.parse(output).role]).toEqual(['a', 'assistant']);
    // Two calls of each, of 15 tokens.
    expect(framesOf(client, 'done')).toMatchObject([{ full_response: 'Done.', steps: 2, tokens_used: 60 }]);
  });

  it('P8: is asked again by another worker where the tool is idempotent', async () => {
    const gate = createGate();
    const model = stack.script((_, index) => {
      if (index === 0) return toAsk;
      if (index === 1) return { chunks: ['I pay ', gate] };
      return { chunks: [index === 2 ? 'Paid.' : 'Done.'] };
    });
    const client = await open();
    await connectTo(client);
    client.send({ type: 'message', content: 'Refund me.' });
    await client.next('tool_progress');
    await killWorker(stack.cloud);
    await end(client);
    gate.open();
    expect(model.requests.map(systemOf)).toEqual(
      ['support', 'staff', 'staff', 'support'].map((name) => expect.stringContaining(`You are ${name}.`)),
    );
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: expect.stringContaining('Paid.') }]);
    expect(framesOf(client, 'done')).toMatchObject([{ full_response: 'Done.' }]);
  });
});
