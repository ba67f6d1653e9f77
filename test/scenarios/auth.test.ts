import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { pageAt } from '../docs/markdown.ts';
import { accepted, chunk, end, eventsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { connect } from '../support/ws-client.ts';

const ANN = { principal: { tenant: 'acme', subject: 'ann' }, query: { token: 'token-of-ann' } };
const BOB = { principal: { tenant: 'acme', subject: 'bob' }, query: { token: 'token-of-bob' } };
/** The same subject under another tenant, and names that try to spell another's key. */
const OTHER_ANN = { principal: { tenant: 'globex', subject: 'ann' }, query: { token: 'token-of-other-ann' } };
const SPELLER = { principal: { tenant: 'acme', subject: 'ann#s' }, query: { token: 'token-of-speller' } };

const stack = givenStack({
  settings: {
    MIDTURN_AUTH: 'tokens',
    MIDTURN_HTTP: 'true',
    MIDTURN_TOKENS: [ANN, BOB, OTHER_ANN, SPELLER]
      .map(({ principal, query }) => `${query.token}=${principal.tenant}/${principal.subject}`)
      .join(','),
  },
});

describe('a token', () => {
  const url = () => `${stack.cloud.url}?session_id=${stack.newSession()}`;

  it.each([
    ['the Authorization header', { headers: { Authorization: 'Bearer token-of-ann' } }, ''],
    ['a subprotocol', { protocols: ['midturn.v1', 'bearer.token-of-ann'] }, ''],
    [
      'an encoded subprotocol',
      { protocols: ['midturn.v1', `bearer64.${Buffer.from('token-of-ann').toString('base64url')}`] },
      '',
    ],
    ['the query', {}, '&token=token-of-ann'],
    [
      'the header before the others',
      { headers: { Authorization: 'Bearer token-of-ann' }, protocols: ['midturn.v1', 'bearer.wrong'] },
      '&token=wrong',
    ],
    [
      'the subprotocol before the query',
      { protocols: ['midturn.v1', 'bearer.token-of-ann'] },
      '&token=wrong',
    ],
  ])('is taken from %s', async (_, options, query) => {
    const client = await connect(`${url()}${query}`, options);
    client.send({ type: 'connect' });
    await client.next('connected');
    if ('protocols' in options) expect(client.protocol).toBe('midturn.v1');
    await client.close();
  });

  it.each([
    ['none', {}, ''],
    ['an empty one', {}, '&token='],
    ['a wrong one', {}, '&token=wrong'],
    ['one of another scheme', { headers: { Authorization: 'Basic token-of-ann' } }, ''],
    ['a wrong one before a right one', { headers: { Authorization: 'Bearer wrong' } }, '&token=token-of-ann'],
  ])('that is %s is refused with 401', async (_, options, query) => {
    const refusal = await connect(`${url()}${query}`, options).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HandshakeRefused);
    expect(refusal).toMatchObject({ statusCode: 401 });
  });

  it('is stored nowhere', async () => {
    stack.script([{ chunks: ['ok'] }]);
    const client = await stack.connect(stack.newSession(), ANN);
    client.send({ type: 'message', content: 'hello' });
    await end(client);
    expect(await stack.stored.everything()).not.toContain('token-of-');
  });
});

describe('two principals with the same session_id', () => {
  it('P12: have two sessions: neither sees, steers, reads, resumes or aborts the other’s', async () => {
    const gate = createGate();
    const model = stack.script((_, index) => ({
      chunks: index === 0 ? ['for ann', gate, '.'] : ['for others'],
    }));
    const session = 's';
    const ann = await stack.connect(session, ANN);
    ann.send({ type: 'message', id: 'm1', content: 'secret of ann' });
    await chunk(ann, 'for ann');
    const { lane } = await ann.waitFor('session_start');
    const { turn_id } = await accepted(ann, 'm1');

    for (const who of [BOB, OTHER_ANN, SPELLER]) {
      const other = await stack.connect(session, who);
      other.send({ type: 'connect', resume: { lane, after_seq: 0 } });
      const start = await other.next('session_start');
      expect(start).toMatchObject({ resumed: false, message_count: 0, last_seq: 0 });
      expect(start).not.toHaveProperty('active_turn');
      expect(start.lane).not.toBe(lane);
      await other.next('connected');
      other.send({ type: 'history' });
      expect((await other.next('history')).entries).toEqual([]);
      other.send({ type: 'abort', turn_id });
      await refused(other, 'NO_ACTIVE_TURN');
      other.send({ type: 'cancel', id: 'm1' });
      await refused(other, 'NOT_PENDING');
      // The same message id is another message here, and its turn does not wait for ann's.
      other.send({ type: 'message', id: 'm1', content: 'hello' });
      expect(await accepted(other, 'm1')).toMatchObject({ placement: 'turn', position: 0 });
      expect(await end(other)).toMatchObject({ type: 'done', full_response: 'for others' });
      expect(model.prompt(model.requests.length)).toEqual(['user: hello']);
      expect(JSON.stringify(other.frames)).not.toMatch(/(of|for) ann/);
      expect(eventsOf(other).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    }
    gate.open();
    expect(await end(ann)).toMatchObject({ type: 'done', full_response: 'for ann.' });
    expect(framesOf(ann, 'turn_start')).toHaveLength(1);
    expect(await stack.stored.lines(session, ANN.principal)).toEqual([
      'user: secret of ann',
      'assistant: for ann.',
    ]);
    expect(await stack.stored.lines(session, BOB.principal)).toEqual([
      'user: hello',
      'assistant: for others',
    ]);
  });

  it('P12: a connect frame cannot reach another’s session or lane either', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const session = stack.newSession();
    const ann = await stack.connect(session, ANN);
    ann.send({ type: 'message', content: 'hello' });
    await end(ann);
    const { lane } = await ann.waitFor('session_start');
    const bob = await stack.connect(stack.newSession(), BOB);
    bob.send({ type: 'connect', session_id: session, resume: { lane, after_seq: 0 } });
    expect(await bob.next('session_start')).toMatchObject({
      session_id: session,
      resumed: false,
      last_seq: 0,
    });
    await bob.next('connected');
    expect(eventsOf(bob)).toEqual([]);
  });
});

describe('the HTTP API', () => {
  const api = () => stack.cloud.httpUrl;
  interface Answer {
    turn_id?: string;
    last_seq?: number;
    messages?: unknown[];
    sessions?: unknown[];
  }

  /** @param who whose token it has */
  async function ask(who: { query: { token: string } } | undefined, route: string, body?: object) {
    const [method = '', path = ''] = route.split(' ');
    const response = await fetch(`${api()}/api/sessions${path}`, {
      method,
      headers: { ...(who && { authorization: `Bearer ${who.query.token}` }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer };
  }

  it('sends a message whose answer those see who are connected, and reads, stops and deletes what came of it', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }]);
    const session = stack.newSession();
    const client = await stack.connect(session, ANN);
    client.send({ type: 'connect' });
    await client.next('connected');
    const sent = await ask(ANN, `POST /${session}/messages`, { id: 'm1', content: 'hello' });
    expect(sent).toMatchObject({ status: 202, body: { session_id: session, id: 'm1', placement: 'turn' } });
    await chunk(client, 'draft');
    const { turn_id } = sent.body;
    const state = (await ask(ANN, `GET /${session}/state`)).body;
    expect(state).toMatchObject({ state: 'running', turn_id, message_count: 0 });
    expect(await ask(ANN, `POST /${session}/abort`)).toMatchObject({
      status: 202,
      body: { status: 'aborted' },
    });
    expect(await end(client)).toMatchObject({ type: 'aborted', turn_id, full_response: 'draft' });
    gate.open();
    const { body } = await ask(ANN, `GET /${session}/messages?limit=5`);
    expect(body.messages).toMatchObject([
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'draft' },
    ]);
    expect((await ask(ANN, 'GET ')).body.sessions).toContainEqual(
      expect.objectContaining({ session_id: session }),
    );
    expect(await ask(ANN, `DELETE /${session}`)).toMatchObject({ status: 200, body: { deleted: true } });
    await refused(client, 'SESSION_DELETED');
    expect(await ask(ANN, `GET /${session}/state`)).toMatchObject({
      status: 410,
      body: { error: { code: 'SESSION_DELETED' } },
    });
  });

  it('P12: has no session of another principal, and lets nobody in without a token', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const session = stack.newSession();
    const client = await stack.connect(session, ANN);
    client.send({ type: 'message', content: 'secret of ann' });
    await end(client);
    for (const route of [
      `GET /${session}/messages`,
      `GET /${session}/state`,
      `POST /${session}/abort`,
      `DELETE /${session}`,
    ]) {
      for (const who of [BOB, OTHER_ANN, SPELLER])
        expect(await ask(who, route)).toMatchObject({
          status: 404,
          body: { error: { code: 'SESSION_NOT_FOUND' } },
        });
      for (const who of [undefined, { query: { token: 'wrong' } }])
        expect(await ask(who, route)).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
    }
    expect((await ask(ANN, `GET /${session}/messages`)).status).toBe(200);
  });

  it.each([
    ['POST /s1/abort', {}, 404, 'SESSION_NOT_FOUND'],
    ['POST /s1/messages', { content: ' ' }, 400, 'EMPTY_CONTENT'],
    ['POST /s1/messages', { content: 'x'.repeat(33_000) }, 413, 'MESSAGE_TOO_LARGE'],
    ['GET /s1/messages?limit=many', undefined, 400, 'INVALID_FRAME'],
    ['GET /a%20b/state', undefined, 400, 'INVALID_FRAME'],
  ])('refuses %s with the codes of frames', async (route, body, status, code) => {
    expect(await ask(ANN, route, body)).toMatchObject({ status, body: { error: { code } } });
  });

  it('is used by hand as docs/http.md says', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }]);
    const { text } = pageAt('docs/http.md');
    const steps = [...text.matchAll(/```sh\n(curl [\s\S]+?)\n```\n\n {4}(.+)\n/g)];
    expect(steps).toHaveLength(6);
    for (const [, command = '', shown = ''] of steps) {
      const { stdout } = await promisify(execFile)('sh', ['-c', command], {
        env: { PATH: process.env.PATH, API: api(), TOKEN: ANN.query.token },
      });
      // The turn begins a moment after its message, and the state counts as it goes.
      if (shown.includes('"state"')) {
        expect(Object.keys(JSON.parse(shown))).toEqual(
          expect.arrayContaining(Object.keys(JSON.parse(stdout))),
        );
        await expect
          .poll(async () => (await ask(ANN, 'GET /nightly/state')).body.last_seq)
          .toBeGreaterThan(1);
        continue;
      }
      const pattern = shown.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      expect(stdout).toMatch(new RegExp(`^${pattern.join('.*')}$`));
    }
    gate.open();
  });
});
