import { describe, expect, it } from 'vitest';
import { seconds } from '../../config/units.ts';
import { MAX_FRAME_LEVELS, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import { textOfBytes } from '../../test/support/text.ts';
import { SYSTEM_NOTE } from '../events/prompt.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import type { Model, ModelRequest } from '../model.ts';
import type { Principal } from '../store/items.ts';
import { sessionKey, sessionOf } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { handleFrame } from './dispatch.ts';
import { sendSystemMessage } from './system-message.ts';

const { core: usual } = await clientInMemory();
const OWNER = { tenant: 't', subject: 's' };

/** A client that listens to the session `one`, and the application beside it. */
async function beside(options: Parameters<typeof clientInMemory>[0] = {}) {
  const client = await clientInMemory(options);
  await client.send({ type: 'connect' });
  const system = (id: string, more: object = {}, principal: Principal = OWNER) =>
    sendSystemMessage(client.core, principal, {
      session_id: 'one',
      message: { id, content: `from ${id}` },
      ...more,
    });
  return { ...client, system };
}

const appliedOf = (frames: readonly Record<string, unknown>[]) =>
  frames.flatMap((frame) => (frame.type === 'applied' ? (frame.messages as Record<string, unknown>[]) : []));

describe('a message of the application', () => {
  it('is answered as a client’s is, and those who listen see whose it is, live and in the transcript', async () => {
    const { system, run, send } = await beside();
    expect(await system('w1')).toMatchObject({ type: 'accepted', id: 'w1', placement: 'turn', position: 0 });
    expect(appliedOf(await run())).toEqual([{ id: 'w1', content: 'from w1', from: 'system' }]);
    await send({ type: 'message', id: 'm1', content: 'mine' });
    expect(appliedOf(await run())).toEqual([{ id: 'm1', content: 'mine' }]);
    const [page] = await send({ type: 'history' });
    const said = ((page?.entries ?? []) as Record<string, unknown>[]).filter(({ role }) => role === 'user');
    expect(said.map(({ id, from }) => [id, from])).toEqual([
      ['w1', 'system'],
      ['m1', undefined],
    ]);
  });

  it('is shown to the model under a note that says so, also beside images', async () => {
    const prompts: ModelRequest['messages'][] = [];
    const model: Model = {
      provider: 'test',
      name: 'keen',
      async *stream({ messages }) {
        prompts.push(messages);
        yield { type: 'text', text: 'ok' };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const { system, run } = await beside({ model });
    const image = { type: 'image', url: 'https://example.com/a.png' };
    await system('w1', { message: { id: 'w1', content: [{ type: 'text', text: 'Look.' }, image] } });
    await run();
    expect(prompts[0]).toEqual([
      {
        role: 'user',
        content: [{ type: 'text', text: SYSTEM_NOTE }, { type: 'text', text: 'Look.' }, image],
      },
    ]);
    await system('w2');
    await run();
    expect(prompts[1]?.at(-1)).toEqual({ role: 'user', content: `${SYSTEM_NOTE}\n\nfrom w2` });
  });

  it('steers the turn that another one has opened, in their order', async () => {
    const { system, run } = await beside();
    await system('w1');
    expect(await system('w2')).toMatchObject({ type: 'accepted', placement: 'steering', position: 1 });
    expect(appliedOf(await run()).map(({ id }) => id)).toEqual(['w1', 'w2']);
  });
});

describe('P10: a repeat', () => {
  it('is answered as before, while it waits and when it was answered, and is no second message', async () => {
    const { system, run } = await beside();
    const first = await system('w1');
    expect(await system('w1')).toEqual({ ...first, duplicate: true });
    expect(appliedOf(await run())).toHaveLength(1);
    expect(await system('w1')).toEqual({ ...first, duplicate: true });
    expect(appliedOf(await run())).toEqual([]);
  });

  it('of one that a user withdrew stays withdrawn', async () => {
    const { system, run, send } = await beside();
    await system('w1');
    await send({ type: 'cancel', id: 'w1' });
    expect(await system('w1')).toMatchObject({ type: 'cancelled', ids: ['w1'] });
    expect(appliedOf(await run())).toEqual([]);
  });

  it('of one that a limit withdrew is tried again under a further id, and that again only once', async () => {
    const { system, run, send } = await beside({ core: { limits: { ...usual.limits, sessionTurns: 1 } } });
    await send({ type: 'message', id: 'm1', content: 'first' });
    for (let tries = 0; tries < 2; tries++)
      expect(await system('w1')).toMatchObject({ code: 'SESSION_QUEUE_FULL', retryable: true });
    await run();
    const accepted = await system('w1');
    expect(accepted).toMatchObject({ type: 'accepted', id: 'w1~3' });
    expect(await system('w1')).toEqual({ ...accepted, duplicate: true });
    expect(appliedOf(await run()).map(({ id }) => id)).toEqual(['w1~3']);
    expect(await system('w1')).toMatchObject({ type: 'accepted', id: 'w1~3', duplicate: true });
  });
});

describe('a message of the application is refused', () => {
  it('for a session that is not there, unless it may be made; then it has its name and is in the list', async () => {
    const { system, run, core } = await beside();
    const other = { session_id: 'new', name: 'Briefing' };
    expect(await system('w1', other)).toMatchObject({
      code: 'SESSION_NOT_FOUND',
      id: 'w1',
      retryable: false,
    });
    expect(await system('w1', { ...other, create: true })).toMatchObject({ type: 'accepted' });
    await run();
    const frames: Record<string, unknown>[] = [];
    const reader = {
      ...core,
      gateway: {
        ...core.gateway,
        post: async (_: unknown, frame: string) => {
          frames.push(JSON.parse(frame));
          return 'sent' as const;
        },
      },
    };
    const id = asConnectionId('reader');
    await registerConnection(core, id, { principal: OWNER, sessionId: asSessionId('new') });
    await handleFrame(reader, {
      connectionId: id,
      body: '{"type":"sessions"}',
      receivedAt: core.clock.now(),
    });
    expect(frames).toMatchObject([
      { type: 'session_start', name: 'Briefing', resumed: true },
      { sessions: [{ session_id: 'new', name: 'Briefing' }] },
    ]);
  });

  it('for the session of somebody else, as if it were not there (P12)', async () => {
    const { system, run } = await beside();
    for (const stranger of [
      { tenant: 't', subject: 'x' },
      { tenant: 'x', subject: 's' },
    ])
      expect(await system('w1', {}, stranger)).toMatchObject({ code: 'SESSION_NOT_FOUND' });
    expect(await run()).toEqual([]);
  });

  it('for a session that was deleted, also with create', async () => {
    const { system, send } = await beside();
    await send({ type: 'delete', session_id: 'one' });
    for (const create of [false, true])
      expect(await system('w1', { create })).toMatchObject({ code: 'SESSION_DELETED', retryable: false });
  });

  it('by a full inbox, and nothing of it is stored (P2)', async () => {
    const { system, run } = await beside({ core: { limits: { ...usual.limits, inboxMessages: 1 } } });
    await system('w1');
    expect(await system('w2')).toMatchObject({ code: 'STEERING_QUEUE_FULL', id: 'w2', retryable: true });
    await run();
    expect(await system('w2')).toMatchObject({ type: 'accepted', id: 'w2' });
  });

  it('above the rate of its user, which it does not share with the user’s own frames', async () => {
    const { system, send, setNow } = await beside({
      core: { rates: { framesPerMinute: 1, connectionsPerMinute: 0, dayFileBytes: 0 } },
    });
    expect(await system('w1')).toMatchObject({ type: 'accepted' });
    expect(await system('w2')).toMatchObject({ code: 'RATE_LIMITED', id: 'w2', limit: 1, retryable: true });
    expect(await send({ type: 'ping' })).toMatchObject([{ type: 'pong' }]);
    setNow(1_800_000_060_000);
    expect(await system('w2')).toMatchObject({ type: 'accepted' });
  });

  const deep = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  it.each<[string, object, string]>([
    ['without an id', { message: { content: 'x' } }, '"message.id"'],
    ['with an id that is none', { message: { id: 'é', content: 'x' } }, '"id"'],
    ['with the id __proto__', { message: { id: '__proto__', content: 'x' } }, '"id"'],
    ['with an id of 61 characters', { message: { id: 'x'.repeat(61), content: 'x' } }, '"message.id"'],
    ['with the id of a further try', { message: { id: 'x~2', content: 'x' } }, '"message.id"'],
    ['without content', { message: { id: 'x' } }, '"message.content"'],
    ['with a session id that is none', { session_id: 'a b' }, '"session_id"'],
    ['with claims that are a list', { claims: [] }, '"claims"'],
    ['with claims that are too long', { claims: { a: 'x'.repeat(4096) } }, '"claims"'],
    ['with a time zone that is none', { time_zone: 'Mars/Base' }, '"time_zone"'],
    ['with a delivery that is none', { message: { id: 'x', content: 'x', delivery: 'soon' } }, '"delivery"'],
    ['in too many levels', { claims: { a: deep(200) } }, '"input"'],
    ['in far too many levels', { claims: { a: deep(100_000) } }, '"input"'],
  ])('%s, and the field is named', async (_, more, field) => {
    const { system, run } = await beside();
    const answer = await system('w1', more);
    expect(answer).toMatchObject({
      code: 'INVALID_FRAME',
      retryable: false,
      message: expect.stringContaining(field),
    });
    expect(await run()).toEqual([]);
  });

  it('beyond its limits, and not at them', async () => {
    const claims = (bytes: number, unit: string) => ({
      claims: { a: textOfBytes(bytes - '{"a":""}'.length, unit) },
    });
    const nested = (levels: number) => ({ message: { id: 'x', content: 'x', options: { a: deep(levels) } } });
    const named = (id: string) => ({ message: { id, content: 'x' } });
    for (const [at, beyond] of [
      [claims(MAX_OPTIONS_BYTES, '€'), claims(MAX_OPTIONS_BYTES + 1, '€')],
      [claims(MAX_OPTIONS_BYTES, 'x'), claims(MAX_OPTIONS_BYTES + 1, 'x')],
      // The input, its message and its options are levels of their own.
      [nested(MAX_FRAME_LEVELS - 2), nested(MAX_FRAME_LEVELS - 1)],
      [named('x'.repeat(60)), named('x'.repeat(61))],
      [named('x~1000'), named('x~999')],
      [named('x~y'), named('x~1')],
    ] as const) {
      const { system } = await beside();
      expect(await system('w1', at)).toMatchObject({ type: 'accepted' });
      expect(await system('w1', beyond)).toMatchObject({ code: 'INVALID_FRAME' });
    }
  });

  it('not for the length of the name that its session gets, of which the beginning is kept, in whole characters', async () => {
    for (const [name, kept] of [
      ['x'.repeat(200), 'x'.repeat(200)],
      ['x'.repeat(201), 'x'.repeat(200)],
      [`${'x'.repeat(199)}😀`, 'x'.repeat(199)],
      [`${'x'.repeat(198)}😀y`, `${'x'.repeat(198)}😀`],
    ]) {
      const { system, core } = await beside();
      await system('w1', { session_id: 'new', create: true, name });
      expect((await core.store.get(sessionKey(sessionOf(OWNER, asSessionId('new')))))?.name).toBe(kept);
    }
  });

  it.each([undefined, null, 'text', 7, []])('that is %j', async (given) => {
    const { core } = await beside();
    expect(await sendSystemMessage(core, OWNER, given)).toMatchObject({ code: 'INVALID_FRAME' });
  });

  it.each(['constructor', 'toString', '__defineGetter__', 'hasOwnProperty'])(
    'not for the id %s, which is an id as any other',
    async (id) => {
      const { system, run } = await beside();
      expect(await system(id)).toMatchObject({ type: 'accepted', id, placement: 'turn' });
      expect(await system(id)).toMatchObject({ type: 'accepted', id, duplicate: true });
      expect(appliedOf(await run())).toHaveLength(1);
    },
  );
});

describe('the lane of the application', () => {
  it('cannot be continued by a client', async () => {
    const { system, core } = await beside();
    await system('w1');
    const id = asConnectionId('thief');
    const frames: Record<string, unknown>[] = [];
    await registerConnection(core, id, { principal: OWNER, sessionId: asSessionId('one') });
    await handleFrame(
      {
        ...core,
        gateway: {
          ...core.gateway,
          post: async (_: unknown, frame: string) => {
            frames.push(JSON.parse(frame));
            return 'sent' as const;
          },
        },
      },
      {
        connectionId: id,
        body: JSON.stringify({ type: 'connect', resume: { lane: 'system' } }),
        receivedAt: core.clock.now(),
      },
    );
    expect(frames[0]).toMatchObject({ type: 'session_start' });
    expect(frames[0]?.lane).not.toBe('system');
  });

  it('keeps no outcome that nobody asks for: more withdrawn messages than it can hold do not fill it', async () => {
    const { system, run, send } = await beside({
      core: {
        limits: { ...usual.limits, sessionTurns: 1, queueTimeoutSeconds: seconds(1) },
        rates: { framesPerMinute: 0, connectionsPerMinute: 0, dayFileBytes: 0 },
      },
    });
    await send({ type: 'message', id: 'm1', content: 'first' });
    for (let n = 0; n < 140; n++) expect(await system(`w${n}`)).toMatchObject({ code: 'SESSION_QUEUE_FULL' });
    await run();
    expect(await system('last')).toMatchObject({ type: 'accepted' });
  });
});
