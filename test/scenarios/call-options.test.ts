import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Principal } from '../../core/store/items.ts';
import { MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { AUDIENCE, goodClaims } from '../security/attacks.ts';
import { type Claims, type Issuer, newKey, signedBy, startIssuer } from '../security/issuer.ts';
import { accepted, appliedIds, end, framesOf, refused } from '../support/frames.ts';
import { expireToken, keptTokens, readersOf } from '../support/kept-tokens.ts';
import { startMcpServer, type TestMcpServer } from '../support/mcp-server.ts';
import { createGate, type RecordedRequest } from '../support/model-server.ts';
import { newSealKeys } from '../support/seal-keys.ts';
import { givenStack } from '../support/stack.ts';
import { WAIT_MS } from '../support/timeouts.ts';
import { endEnvironments, killWorker } from '../support/workers.ts';
import type { WsClient } from '../support/ws-client.ts';

const folder = join(import.meta.dirname, '../../dist/agent-of-callers');

/** An agent of an application: its tool reads the orders of whoever asks. */
const AGENT = `
import { createHash } from 'node:crypto';
import { tool } from 'ai';
import { defineAgent, toolContext } from 'midturn/agent';
import * as z from 'zod';

const orders = tool({
  description: 'Lists the orders of the user.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  execute: (_input, { context: { caller } }) => caller,
});

const act = tool({
  description: 'Acts in the name of the user.',
  inputSchema: z.object({ how: z.enum(['well', 'loudly', 'badly']) }),
  contextSchema: toolContext,
  async execute({ how }, { context }) {
    const token = await context.userToken();
    if (how === 'badly') throw new Error('401: Bearer ' + token + ' is not welcome');
    if (how === 'loudly') context.emit('sent', { token });
    return how === 'loudly' ? { sent: [token] } : createHash('sha256').update(token).digest('hex');
  },
});

const pry = tool({
  description: 'Asks for what it is not given.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  execute: (_input, { context }) => context.userToken(),
});

export const agent = defineAgent({
  callOptionsSchema: z.object({
    tone: z.enum(['short', 'long']).default('short'),
    filter: z.object({ city: z.string() }).optional(),
  }),
  instructions: ({ caller }) => \`You help \${caller.principal.subject} of \${caller.principal.tenant}.\`,
  prepareCall: ({ options, ...call }) => ({
    ...call,
    instructions: \`\${call.instructions} Be \${options.tone}. \${process.hrtime.bigint()}\`,
  }),
  mcp: { books: { url: 'https://books.invalid/mcp', forwardToken: true, timeoutSeconds: 5 } },
  tools: {
    orders: { tool: orders, idempotent: true },
    act: { tool: act, idempotent: true, forwardToken: true },
    pry,
  },
});
`;

const key = newKey();
const sealKeys = newSealKeys();
let issuer: Issuer;
let books: TestMcpServer;
beforeAll(async () => {
  issuer = await startIssuer([key]);
  books = await startMcpServer({ needsUser: true });
});
afterAll(async () => {
  await issuer.close();
  await books.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const stack = givenStack(() => ({
  settings: {
    MIDTURN_AUTH: 'jwt',
    MIDTURN_JWT_ISSUER: issuer.url,
    MIDTURN_JWT_AUDIENCE: AUDIENCE,
    MIDTURN_JWT_CLAIMS: 'email,app.roles',
    MIDTURN_VISIBILITY_SECONDS: '2',
    MIDTURN_MCP_URLS: `books=${books.url}`,
    MIDTURN_FORWARD_TOKEN_KEY: sealKeys.publicKey,
    MIDTURN_FORWARD_TOKEN_PRIVATE_KEY_SECRET: 'midturn/forward-token',
  },
  secrets: { 'midturn/forward-token': `${sealKeys.privateKey}\n` },
  bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
}));

const ANN: Principal = { tenant: 'acme', subject: 'ann' };
const CLAIMS = { email: 'ann@example.com', app: { roles: ['buyer'], secret: 'x-secret-x' } };
const tokenOf = ({ tenant, subject }: Principal, more: Claims = CLAIMS) =>
  signedBy(key, goodClaims(issuer, { tenant, sub: subject, ...more }));
const open = (principal = ANN, session = stack.newSession()) =>
  stack.connect(session, { principal, query: { token: tokenOf(principal) } });

const lastSystem = (request: RecordedRequest | undefined) =>
  request?.body.messages.find(({ role }) => role === 'system')?.content;
const calls = (...asked: [name: string, args: object][]) => [
  { toolCalls: asked.map(([name, args], i) => ({ id: `c${i}`, name, args })) },
  { chunks: ['So.'] },
];
const callingOrders = calls(['orders', {}]);

/** What the tool was told. */
async function callerOf(client: WsClient): Promise<unknown> {
  await end(client);
  return JSON.parse(String(framesOf(client, 'tool_result')[0]?.output));
}

describe('a turn', () => {
  it('is told who asks: what the token proved as far as the deployment chose it, and what the client said', async () => {
    const model = stack.script(callingOrders);
    const client = await open();
    client.send({ type: 'connect', options: { tone: 'long' }, locale: 'pt-PT', time_zone: 'Europe/Lisbon' });
    await client.next('connected');
    client.send({ type: 'message', id: 'm1', content: 'Where are my orders?' });
    const turn = await accepted(client, 'm1');
    expect(await callerOf(client)).toEqual({
      principal: ANN,
      session: { id: expect.any(String) },
      turnId: turn.turn_id,
      claims: { email: 'ann@example.com', 'app.roles': ['buyer'] },
      options: { tone: 'long' },
      locale: 'pt-PT',
      timeZone: 'Europe/Lisbon',
    });
    expect(lastSystem(model.requests[0])).toContain('You help ann of acme. Be long.');
    expect(JSON.stringify(model.requests.map(({ body }) => body))).not.toContain('x-secret-x');
    const stored = await stack.stored.everything();
    expect(stored).not.toContain('x-secret-x');
    // What is for the agent's code is sent to nobody.
    expect(JSON.stringify(client.frames)).not.toContain('You help ann');
  });

  it('P12: of the same subject of another tenant is told of that one alone', async () => {
    const model = stack.script([...callingOrders, ...callingOrders]);
    const session = stack.newSession();
    const other = { tenant: 'globex', subject: 'ann' };
    for (const [i, principal] of [ANN, other].entries()) {
      const client = await open(principal, session);
      client.send({ type: 'message', content: 'Mine?', options: { tone: i === 0 ? 'long' : 'short' } });
      expect(await callerOf(client)).toMatchObject({ principal });
    }
    expect(model.requests.map(lastSystem)).toEqual([
      expect.stringContaining('ann of acme. Be long.'),
      expect.stringContaining('ann of acme. Be long.'),
      expect.stringContaining('ann of globex. Be short.'),
      expect.stringContaining('ann of globex. Be short.'),
    ]);
  });

  it('P8: has the same instructions after a take-over, although the code would make others', async () => {
    const gate = createGate();
    const model = stack.script((_, index) =>
      index === 0 ? { chunks: ['Your ', gate, 'orders'] } : { chunks: [' are two.'] },
    );
    const client = await open();
    // A client that sees a take-over's repeats.
    client.send({ type: 'connect' });
    await client.next('connected');
    client.send({ type: 'message', content: 'Where are my orders?', options: { tone: 'long' } });
    await client.next('chunk');
    await killWorker(stack.cloud);
    await end(client);
    gate.open();
    expect(model.requests.length).toBeGreaterThan(1);
    expect(new Set(model.requests.map(lastSystem)).size).toBe(1);
  });
});

describe('options', () => {
  it('P2, P10: that do not fit are refused with a code and the field, also when the message is repeated; nothing of it is stored', async () => {
    const model = stack.script([{ chunks: ['ok'] }]);
    const client = await open();
    const frame = {
      type: 'message',
      id: 'm1',
      content: 'a-word-that-is-refused',
      options: { filter: { city: 7, 'a-name-that-is-refused': 1 } },
    } as const;
    client.send(frame);
    const code = { code: 'OPTIONS_INVALID', path: 'filter.city', retryable: false, terminal: false };
    expect(await refused(client, 'OPTIONS_INVALID')).toMatchObject({ ...code, id: 'm1' });
    const stored = await stack.stored.everything();
    for (const word of ['a-word-that-is-refused', 'a-name-that-is-refused'])
      expect(stored).not.toContain(word);
    client.send(frame);
    await client.waitFor(() => framesOf(client, 'error').length === 2);
    expect(framesOf(client, 'error')[1]).toMatchObject(code);
    expect(model.requests).toEqual([]);
    client.send({ type: 'message', id: 'm2', content: 'Again.' });
    await end(client);
    expect(JSON.stringify(model.requests.map(({ body }) => body))).not.toContain('a-word-that-is-refused');
  });

  it('of a message that steers are checked, and the turn keeps those of the message that began it', async () => {
    const gate = createGate();
    const model = stack.script((_, index) =>
      index === 0 ? { chunks: ['One', gate, '.'] } : { chunks: [' Two.'] },
    );
    const client = await open();
    client.send({ type: 'message', id: 'm1', content: 'Begin.', options: { tone: 'long' } });
    await client.next('chunk');
    client.send({ type: 'message', id: 'm2', content: 'No.', options: { tone: 'loud' } });
    client.send({ type: 'message', id: 'm3', content: 'Go on.', options: { tone: 'short' } });
    await accepted(client, 'm2');
    await accepted(client, 'm3');
    gate.open();
    await end(client);
    expect(await refused(client, 'OPTIONS_INVALID')).toMatchObject({ id: 'm2', path: 'tone' });
    expect(appliedIds(client)).toEqual(['m1', 'm3']);
    expect(model.requests).toHaveLength(2);
    for (const request of model.requests) expect(lastSystem(request)).toContain('Be long.');
  });

  it('of a message with long content are kept with it', async () => {
    const model = stack.script(callingOrders);
    const client = await open();
    const options = { filter: { city: 'x'.repeat(4000) } };
    client.send({ type: 'message', content: 'y'.repeat(20_000), options });
    expect(await callerOf(client)).toMatchObject({ options: { tone: 'short', ...options } });
    expect(model.requests).toHaveLength(2);
  });

  it.each(['connect', 'message'] as const)('in a %s are at most as long as the limit says', async (type) => {
    stack.script([{ chunks: ['ok'] }]);
    const client = await open();
    client.send({ type: 'connect' });
    expect(await client.next('session_start')).toMatchObject({
      limits: { options_bytes: MAX_OPTIONS_BYTES },
    });
    const frame = type === 'connect' ? { type } : { type, id: 'm1', content: 'Hello.' };
    const options = { filter: { city: 'x'.repeat(MAX_OPTIONS_BYTES - 22) } };
    expect(JSON.stringify(options)).toHaveLength(MAX_OPTIONS_BYTES);
    client.send({ ...frame, options: { filter: { city: `${options.filter.city}x` } } } as never);
    expect(await client.next('error')).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      path: 'options',
      limit: MAX_OPTIONS_BYTES,
      depth: MAX_OPTIONS_BYTES + 1,
    });
    client.send({ ...frame, options } as never);
    await client.waitFor(({ type: frame }) => frame === (type === 'connect' ? 'connected' : 'accepted'));
    if (type === 'message') await end(client);
  });

  it.each([
    ['locale', { locale: 'not a language' }],
    ['time_zone', { time_zone: 'Europe/Nowhere' }],
    ['options', { options: ['a list'] }],
  ])('a `connect` whose %s is not valid is refused, and the error names the field', async (field, more) => {
    const client = await open();
    client.send({ type: 'connect', ...more } as never);
    expect(await client.next('error')).toMatchObject({
      code: 'INVALID_FRAME',
      message: expect.stringContaining(`"${field}"`),
    });
  });
});

describe('the token of who asks', () => {
  /** One of her devices. Each has a token of its own, of an hour. */
  async function device(session: string, jti: string, lane?: string) {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const token = tokenOf(ANN, { jti, exp });
    const client = await stack.connect(session, { principal: ANN, query: { token } });
    client.send({ type: 'connect', ...(lane !== undefined && { resume: { lane, after_seq: 0 } }) });
    await client.next('connected');
    return { client, token };
  }
  const keptOf = (session: string) => keptTokens(stack.cloud, ANN, session);
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  /** In the order of the calls' ids. */
  const results = ({ frames }: Pick<WsClient, 'frames'>) =>
    frames
      .flatMap((frame) => (frame.type === 'tool_result' ? [frame] : []))
      .toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))
      .map(({ output }) => output);

  it('reaches the tool and the MCP server that name it, of the device that asked; no log, item or event has it', async () => {
    stack.takeLog();
    const session = stack.newSession();
    const other = await device(session, 'other');
    const { client, token } = await device(session, 'asking');
    const model = stack.script(
      calls(
        ['act', { how: 'well' }],
        ['act', { how: 'loudly' }],
        ['act', { how: 'badly' }],
        ['pry', {}],
        ['books_search', { query: 'cats' }],
      ),
    );
    client.send({ type: 'message', content: 'Do it all.' });
    await end(client);
    expect(results(client)).toEqual([
      digest(token),
      '{"sent":["[token]"]}',
      '401: Bearer [token] is not welcome',
      expect.stringContaining('"pry" is not given the user\'s token'),
      'One book about cats.',
    ]);
    expect(books.callers.at(-1)).toMatchObject({ token });
    expect(framesOf(client, 'data')).toMatchObject([{ name: 'sent', data: { token: '[token]' } }]);
    const everywhere = {
      items: await stack.stored.everything(),
      log: stack.takeLog().join('\n'),
      frames: JSON.stringify([client.frames, other.client.frames]),
      prompts: JSON.stringify(model.requests.map(({ body }) => body)),
    };
    expect(everywhere.items).toContain('TOKEN#');
    for (const [place, text] of Object.entries(everywhere))
      for (const part of token.split('.').slice(1)) expect(text, place).not.toContain(part);
  });

  it('is there after a take-over, gone with the connection, there when its client is back, and not after its end', async () => {
    const gates = Array.from({ length: 4 }, createGate);
    const session = stack.newSession();
    const { client, token } = await device(session, 'first');
    const { lane } = await client.waitFor('session_start');
    const { client: watcher } = await device(session, 'watching');
    stack.script((_, index) => {
      const gate = gates[index];
      const acts = { toolCalls: [{ id: `c${index}`, name: 'act', args: { how: 'well' } }] };
      return gate ? { chunks: ['.', gate], ...(index > 0 && acts) } : { chunks: ['So.'] };
    });
    client.send({ type: 'message', content: 'Act again and again.' });
    await watcher.next('chunk');
    await killWorker(stack.cloud);
    gates[1]?.open();
    await watcher.waitFor(() => results(watcher).length === 1);
    await client.close();
    await vi.waitUntil(async () => (await keptOf(session)).length === 1, { timeout: WAIT_MS });
    gates[2]?.open();
    await watcher.waitFor(() => results(watcher).length === 2);
    const back = await device(session, 'back', lane);
    gates[3]?.open();
    await end(watcher);
    expect(results(watcher)).toEqual([
      digest(token),
      expect.stringContaining("The user's token is gone"),
      digest(back.token),
    ]);

    for (const item of await keptOf(session)) await expireToken(stack.cloud, item);
    stack.script(calls(['act', { how: 'well' }], ['books_search', { query: 'cats' }]));
    back.client.send({ type: 'message', content: 'Once more.' });
    await back.client.waitFor(() => framesOf(back.client, 'done').length === 2);
    expect(
      framesOf(back.client, 'tool_result')
        .slice(-2)
        .map(({ output }) => output),
    ).toEqual([
      expect.stringContaining("The user's token has expired"),
      expect.stringContaining("The user's token has expired"),
    ]);
    await back.client.close();
    await watcher.close();
    await vi.waitUntil(async () => (await keptOf(session)).length === 0, { timeout: WAIT_MS });
  });
});

it('a turn function without the permission to read the private key opens no token, and the tool says so', async () => {
  const readers = readersOf(stack.cloud, 'midturn/forward-token');
  expect(readers).toMatchObject([{ role: expect.stringMatching(/Turn/) }]);
  const giveBack = stack.cloud.permissions.withhold(readers[0]?.id ?? '');
  await endEnvironments(stack.cloud, 'turn');
  const client = await open();
  stack.script(calls(['act', { how: 'well' }]));
  client.send({ type: 'message', content: 'Act.' });
  await end(client);
  giveBack();
  expect(framesOf(client, 'tool_result')).toMatchObject([
    { output: expect.stringContaining('cannot be read') },
  ]);
});

it('a handshake whose claims are too long fails, and the log says so', async () => {
  const token = tokenOf(ANN, { email: 'x'.repeat(2100) });
  const refusal = await stack
    .connect(stack.newSession(), { principal: ANN, query: { token } })
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(HandshakeRefused);
  expect(refusal).toMatchObject({ statusCode: 500 });
});
