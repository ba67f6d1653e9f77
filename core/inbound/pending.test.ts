import { describe, expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import type { Model } from '../model.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { handleFrame } from './dispatch.ts';

const { core: usual } = await clientInMemory();
const withLimits = (limits: Partial<typeof usual.limits>) => ({
  core: { limits: { ...usual.limits, ...limits } },
});
const message = (id: string, content = 'hello', more: object = {}) => ({
  type: 'message',
  id,
  content,
  ...more,
});

describe('P2: an inbox that is full', () => {
  it.each([1, 2, 5])(
    'of %d messages refuses the next one, and says how many there are',
    async (inboxMessages) => {
      const { send, run } = await clientInMemory(withLimits({ inboxMessages }));
      for (let n = 0; n < inboxMessages; n++)
        expect(await send(message(`m${n}`))).toMatchObject([{ type: 'accepted', id: `m${n}` }]);
      expect(await send(message('over'))).toMatchObject([
        { code: 'STEERING_QUEUE_FULL', id: 'over', limit: inboxMessages, depth: inboxMessages },
      ]);
      const applied = (await run()).flatMap((frame) => (frame.type === 'applied' ? frame.messages : []));
      expect(applied).toHaveLength(inboxMessages);
      expect(await send(message('over'))).toMatchObject([{ type: 'accepted', id: 'over' }]);
    },
  );

  it('by bytes takes what fits to the byte, whatever its characters, and says how full it is', async () => {
    const first = 'x'.repeat(98);
    for (const [n, inboxBytes] of around(98 + 3 * 100).entries()) {
      const { send } = await clientInMemory(withLimits({ inboxBytes }));
      await send(message('first', first));
      const [answer] = await send(message('second', '€'.repeat(100)));
      if (n > 0) expect(answer).toMatchObject({ type: 'accepted' });
      else expect(answer).toMatchObject({ code: 'STEERING_QUEUE_FULL', limit: inboxBytes, depth: 98 });
      // What is small enough still fits.
      expect(await send(message('small', 'y'))).toMatchObject([
        n !== 1 ? { type: 'accepted' } : { code: 'STEERING_QUEUE_FULL' },
      ]);
    }
  });
});

describe('P10: a repeat', () => {
  it('of a message that waits, that was taken in and that was withdrawn is answered as before, and is no second message', async () => {
    const { send, run } = await clientInMemory();
    const [accepted] = await send(message('m'));
    expect(await send(message('m'))).toEqual([{ ...accepted, duplicate: true }]);
    const events = await run();
    expect(events.filter(({ type }) => type === 'applied')).toHaveLength(1);
    expect(await send(message('m'))).toMatchObject([
      { type: 'accepted', id: 'm', turn_id: accepted?.turn_id, placement: 'turn', duplicate: true },
    ]);
    await send(message('gone'));
    expect(await send({ type: 'cancel', id: 'gone' })).toMatchObject([{ type: 'cancelled', ids: ['gone'] }]);
    expect(await send(message('gone'))).toMatchObject([{ type: 'cancelled', ids: ['gone'] }]);
    expect((await run()).filter(({ type }) => type === 'applied')).toEqual([]);
  });
});

describe('where a message lands', () => {
  it('is told: it opens a turn, steers it, or waits behind it, each in its order', async () => {
    const { send } = await clientInMemory();
    const landed = async (...args: Parameters<typeof message>) => {
      const [{ placement, position, turn_id } = {}] = await send(message(...args));
      return [placement, position, turn_id];
    };
    const [, , turn] = await landed('a');
    expect(await landed('b')).toEqual(['steering', 1, turn]);
    expect(await landed('c')).toEqual(['steering', 2, turn]);
    const [placement, position, behind] = await landed('d', 'later', { delivery: 'queue' });
    expect([placement, position]).toEqual(['queued', 0]);
    expect(behind).not.toBe(turn);
    expect((await landed('e', 'later', { delivery: 'queue' })).slice(0, 2)).toEqual(['queued', 1]);
  });
});

describe('a message from another device, while a turn runs', () => {
  it.each([
    ['session', 'steer', 'steering'],
    ['session', 'queue', 'turn'],
    ['connection', 'steer', 'turn'],
    ['connection', 'queue', 'turn'],
  ] as const)(
    'where devices steer their %s and it is to %s: lands as %s',
    async (steerScope, delivery, placement) => {
      let midway: () => Promise<unknown> = async () => {};
      const model: Model = {
        provider: 'test',
        name: 'interrupted',
        async *stream() {
          yield { type: 'text', text: 'half ' };
          await midway();
          yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
        },
      };
      const client = await clientInMemory({
        model,
        core: { sessionSettings: { ...usual.sessionSettings, steerScope } },
      });
      const connectionId = asConnectionId('other');
      await registerConnection(client.core, connectionId, {
        principal: { tenant: 't', subject: 's' },
        sessionId: asSessionId('one'),
      });
      midway = async () => {
        midway = async () => {};
        await handleFrame(client.core, {
          connectionId,
          body: JSON.stringify(message('from-other', 'hello', { delivery })),
          receivedAt: client.core.clock.now(),
        });
      };
      const [opener] = await client.send(message('m'));
      await client.run();
      const accepted = client.frames.find(({ type, id }) => type === 'accepted' && id === 'from-other');
      expect(accepted).toMatchObject({ placement });
      expect(accepted?.turn_id === opener?.turn_id).toBe(placement === 'steering');
    },
  );
});

describe('P1: a withdrawal', () => {
  it('of what is not pending says where it is', async () => {
    const { send, run } = await clientInMemory();
    expect(await send({ type: 'cancel', id: 'never' })).toMatchObject([
      { code: 'NOT_PENDING', id: 'never', message: expect.stringContaining('no message with this id') },
    ]);
    const [accepted] = await send(message('m'));
    await run();
    const [error] = await send({ type: 'cancel', id: 'm' });
    expect(error).toMatchObject({
      code: 'NOT_PENDING',
      id: 'm',
      turn_id: accepted?.turn_id,
      placement: 'turn',
    });
  });
});

describe('P14: an abort', () => {
  it('without a turn is an error that says so, and names a turn that is another', async () => {
    const { send } = await clientInMemory();
    expect(await send({ type: 'abort' })).toMatchObject([
      { code: 'NO_ACTIVE_TURN', message: 'No turn is running in this session.' },
    ]);
    await send(message('m'));
    expect(await send({ type: 'abort', turn_id: 'another' })).toMatchObject([
      { code: 'NO_ACTIVE_TURN', message: 'That turn is not running.' },
    ]);
  });

  it('of a turn that has not begun withdraws its messages, and what waits behind it only if asked to', async () => {
    for (const pending of ['keep', 'discard']) {
      const { send, run } = await clientInMemory();
      await send(message('a'));
      await send(message('b'));
      await send(message('later', 'later', { delivery: 'queue' }));
      const told = await send({ type: 'abort', pending });
      const gone = told.flatMap((frame) => (frame.type === 'cancelled' ? (frame.ids as string[]) : []));
      expect(gone.toSorted()).toEqual(pending === 'keep' ? ['a', 'b'] : ['a', 'b', 'later']);
      const applied = (await run()).flatMap((frame) => (frame.type === 'applied' ? frame.messages : []));
      expect(applied).toMatchObject(pending === 'keep' ? [{ id: 'later' }] : []);
    }
  });

  it('of a turn that runs is seen by its worker, and a message that was named goes with it', async () => {
    let midway: () => Promise<unknown> = async () => {};
    const model: Model = {
      provider: 'test',
      name: 'interrupted',
      async *stream() {
        yield { type: 'text', text: 'half ' };
        await midway();
        yield { type: 'text', text: 'more' };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const client = await clientInMemory({ model });
    midway = async () => {
      await client.send(message('goes'));
      await client.send(message('stays'));
      await client.send({ type: 'abort', pending: 'discard', pending_ids: ['goes', 'unknown'] });
      midway = async () => {};
    };
    const [accepted] = await client.send(message('m'));
    const events = await client.run();
    expect(events.find(({ type }) => type === 'aborted')).toMatchObject({ turn_id: accepted?.turn_id });
    expect(events.filter(({ type }) => type === 'cancelled')).toMatchObject([{ ids: ['goes'] }]);
    const applied = events.flatMap((frame) => (frame.type === 'applied' ? (frame.messages as object[]) : []));
    expect(applied).toMatchObject([{ id: 'm' }, { id: 'stays' }]);
  });
});

describe('P12: what is not there', () => {
  it.each([
    { type: 'rename', session_id: 'other', name: 'Mine' },
    { type: 'export', session_id: 'other' },
    { type: 'delete', session_id: 'other' },
  ])('a session: %j', async (frame) => {
    const { send } = await clientInMemory();
    expect(await send(frame)).toMatchObject([{ code: 'SESSION_NOT_FOUND', session_id: 'other' }]);
  });

  it('an approval request', async () => {
    const { send } = await clientInMemory();
    expect(await send({ type: 'approval_response', request_id: 'r', decision: 'approve' })).toMatchObject([
      { code: 'INVALID_APPROVAL_RESPONSE', id: 'r' },
    ]);
  });
});

it('a session that is deleted answers so to every frame, and no message is taken', async () => {
  const { send, run } = await clientInMemory();
  await send(message('m'));
  await run();
  expect(await send({ type: 'delete', session_id: 'one' })).toContainEqual({
    type: 'deleted',
    session_id: 'one',
  });
  for (const frame of [message('n'), { type: 'history' }, { type: 'cancel', id: 'n' }]) {
    const answers = await send(frame);
    expect(answers.at(-1)).toMatchObject({ code: 'SESSION_DELETED' });
  }
  expect(await run()).toEqual([]);
});

describe('P1: an abort that takes all along, whose function dies after any of its writes', () => {
  it('leaves no message that a turn answers although the turn before it was withdrawn', async () => {
    for (let writes = 0; ; writes++) {
      const { core, send, run, frames } = await clientInMemory();
      await send(message('a'));
      for (const id of ['b', 'c']) await send(message(id, 'later', { delivery: 'queue' }));
      const update = core.store.update.bind(core.store);
      let left = writes;
      let isDead = false;
      core.store.update = async (key, change) => {
        if (isDead) throw new Error('the function is dead');
        isDead = left-- === 0;
        if (isDead) throw new Error('the function dies');
        return update(key, change);
      };
      await send({ type: 'abort', pending: 'discard' }).catch(() => {});
      core.store.update = update;
      // Whoever opens the lane next reports what was withdrawn.
      await send({ type: 'connect' });
      const gone = frames.flatMap((frame) => (frame.type === 'cancelled' ? (frame.ids as string[]) : []));
      await run();
      const applied = frames.flatMap((frame) =>
        frame.type === 'applied' ? (frame.messages as { id: string }[]).map(({ id }) => id) : [],
      );
      expect(applied.filter((id) => gone.includes(id))).toEqual([]);
      if (gone.includes('a')) expect(applied).toEqual([]);
      if (!isDead) break;
    }
  });
});
