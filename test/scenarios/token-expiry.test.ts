import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { createMidturn, type MidturnError } from '../../client/index.ts';
import type { Connection, Principal } from '../../core/store/items.ts';
import { AUDIENCE, goodClaims } from '../security/attacks.ts';
import { type Issuer, newKey, signedBy, startIssuer } from '../security/issuer.ts';
import { accepted, chunk, end, eventsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const key = newKey();
let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer([key]);
});
afterAll(() => issuer.close());

const stack = givenStack(() => ({
  settings: {
    MIDTURN_AUTH: 'jwt',
    MIDTURN_JWT_ISSUER: issuer.url,
    MIDTURN_JWT_AUDIENCE: AUDIENCE,
  },
}));

const ANN: Principal = { tenant: 'acme', subject: 'ann' };
const now = () => Math.floor(Date.now() / 1000);
const freshToken = () => signedBy(key, goodClaims(issuer, { exp: now() + 3600 }));
const ann = () => ({ principal: ANN, query: { token: freshToken() } });

/** Lets the tokens of a session's connections have expired so many seconds ago. @returns when they were to expire before */
async function expire(session: string, secondsAgo: number): Promise<(number | undefined)[]> {
  const { endpoint, credentials, tableName } = stack.cloud.dynamodb;
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const documents = DynamoDBDocumentClient.from(client);
  const ends: (number | undefined)[] = [];
  const pages = paginateScan({ client: documents }, { TableName: tableName, ConsistentRead: true });
  for await (const { Items = [] } of pages) {
    for (const item of Items as (Connection & { pk: string; sk: string })[]) {
      if (!item.pk.startsWith('CONNECTION#') || item.sessionId !== session) continue;
      ends.push(item.tokenExpires);
      await documents.send(
        new UpdateCommand({
          TableName: tableName,
          Key: { pk: item.pk, sk: item.sk },
          UpdateExpression: 'SET tokenExpires = :end',
          ExpressionAttributeValues: { ':end': now() - secondsAgo },
        }),
      );
    }
  }
  client.destroy();
  return ends;
}

describe('a connection whose token has expired', () => {
  it('had said how long the token lasts, as the token says it', async () => {
    const session = stack.newSession();
    const exp = now() + 900;
    const client = await stack.connect(session, {
      principal: ANN,
      query: { token: signedBy(key, goodClaims(issuer, { exp })) },
    });
    client.send({ type: 'connect' });
    const { token_expires_in_ms = 0 } = await client.next('session_start');
    expect(token_expires_in_ms).toBeGreaterThan(0);
    expect(token_expires_in_ms).toBeLessThanOrEqual(900_000);
    expect(await expire(session, 0)).toEqual([exp]);
  });

  it('P2 P14: is refused every kind of frame, nothing of them is stored, and its running turn goes on to its end', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['one', gate, ' two'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session, ann());
    client.send({ type: 'message', id: 'm1', content: 'count' });
    await chunk(client, 'one');
    const { turn_id } = await accepted(client, 'm1');
    await expire(session, 61);

    const frames = [
      { type: 'connect', resume: { after_seq: 0 } },
      { type: 'message', id: 'm2', content: 'words of somebody else' },
      { type: 'abort', turn_id },
      { type: 'cancel', id: 'm1' },
      { type: 'history' },
      { type: 'sessions' },
      { type: 'rename', session_id: session, name: 'mine' },
      { type: 'export', session_id: session },
      { type: 'delete', session_id: session },
      { type: 'approval_response', request_id: 'r1', decision: 'approve' },
      { type: 'ping' },
    ] as const;
    for (const frame of frames) client.send(frame);
    client.sendRaw('{');
    const refusals = () =>
      framesOf(client, 'error').filter(({ code, terminal }) => code === 'TOKEN_EXPIRED' && !terminal);
    await client.waitFor(() => refusals().length === frames.length + 1);
    expect(refusals()).toContainEqual(
      expect.objectContaining({ id: 'm2', retryable: true, message: expect.stringContaining('token') }),
    );
    expect(framesOf(client, 'error')).toHaveLength(frames.length + 1);

    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'one two' });
    expect(model.requests).toHaveLength(1);
    expect(await stack.stored.lines(session, ANN)).toEqual(['user: count', 'assistant: one two']);
    expect(await stack.stored.everything()).not.toContain('words of somebody else');
  });

  it('P9: is continued by one with a fresh token: no event is missing or comes twice, and the message is taken', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['one', gate, ' two'] }, { chunks: [' three'] }]);
    const session = stack.newSession();
    const old = await stack.connect(session, ann());
    old.send({ type: 'message', id: 'm1', content: 'count' });
    await chunk(old, 'one');
    const { lane } = await old.waitFor('session_start');
    await expire(session, 61);
    old.send({ type: 'message', id: 'm2', content: 'go on' });
    await refused(old, 'TOKEN_EXPIRED');

    const back = await stack.connect(session, ann());
    back.send({ type: 'connect', resume: { lane, after_seq: 2 } });
    await back.next('connected');
    back.send({ type: 'message', id: 'm2', content: 'go on' });
    expect(await accepted(back, 'm2')).toMatchObject({ placement: 'steering' });
    gate.open();
    expect(await end(back)).toMatchObject({ type: 'done', full_response: 'one two three' });
    expect(back.frames.filter((frame) => 'seq' in frame).map(({ seq }) => seq)).toEqual(
      eventsOf(old)
        .map(({ seq }) => seq)
        .filter((seq) => seq > 2),
    );
  });

  it('is served for a minute more, since clocks differ', async () => {
    const session = stack.newSession();
    const client = await stack.connect(session, ann());
    await expire(session, 30);
    client.send({ type: 'ping' });
    expect(await client.next('session_start')).toMatchObject({ token_expires_in_ms: 0 });
    await client.next('pong');
  });

  it('P12: is told nothing of its session if no frame came before', async () => {
    const session = stack.newSession();
    const client = await stack.connect(session, ann());
    await expire(session, 61);
    client.send({ type: 'connect', resume: { after_seq: 0 } });
    await refused(client, 'TOKEN_EXPIRED');
    expect(client.frames.map(({ type }) => type)).toEqual(['error']);
  });

  it('is closed with the refusal of a frame that comes more than a minute later still', async () => {
    const session = stack.newSession();
    const client = await stack.connect(session, ann());
    client.send({ type: 'connect' });
    await client.next('connected');
    await expire(session, 121);
    client.send({ type: 'ping' });
    await refused(client, 'TOKEN_EXPIRED');
    expect(await client.closed).toMatchObject({ code: 1000 });
  });
});

describe('the client library', () => {
  it('P1 P3 P9: comes back with a fresh token in mid-answer: nothing is lost, nothing comes twice', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['one', gate, ' two'] }, { chunks: [' three'] }]);
    const session = stack.newSession();
    let tokens = 0;
    const errors: MidturnError[] = [];
    const chat = createMidturn({
      url: stack.cloud.url,
      sessionId: session,
      token: () => {
        tokens += 1;
        return freshToken();
      },
      WebSocket,
      onError: (error) => errors.push(error),
    });
    onTestFinished(() => chat.close());
    const first = chat.send('count');
    const seen: number[] = [];
    const texts: string[] = [];
    for await (const event of first.events()) {
      seen.push(event.seq);
      if (event.type !== 'chunk') continue;
      texts.push(event.content);
      if (event.content !== 'one') continue;
      // The connection has not been renewed in time: a laptop slept.
      await expire(session, 61);
      const second = chat.send('go on');
      await expect.poll(() => second.state.status).toBe('accepted');
      gate.open();
    }
    expect(texts.join('')).toBe('one two three');
    expect(seen).toEqual(seen.map((_, i) => (seen[0] ?? 0) + i));
    expect(tokens).toBe(2);
    expect(errors.map(({ code }) => code)).toEqual(['TOKEN_EXPIRED']);
    expect(model.prompt(2).at(-1)).toBe('user: go on');
    expect(await stack.stored.lines(session, ANN)).toEqual([
      'user: count',
      'assistant: one two',
      'user: go on',
      'assistant:  three',
    ]);
  });
});
