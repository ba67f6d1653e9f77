import { describe, expect, it } from 'vitest';
import {
  accepted,
  appliedIds,
  cancelled,
  chunk,
  end,
  eventsOf,
  framesOf,
  notPending,
} from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack({ settings: { MIDTURN_STEER_SCOPE: 'session', MIDTURN_INBOX_LIMIT: '3' } });

/** A turn that one device set off, held in mid-answer after "draft"; another device watches. */
async function watchedTurn() {
  const gate = createGate();
  const model = stack.script((_, index) => ({
    chunks: index === 0 ? ['draft', gate] : [` answer ${index}`],
  }));
  const session = stack.newSession();
  const [phone, desk] = [await stack.connect(session), await stack.connect(session)];
  desk.send({ type: 'connect' });
  const start = await desk.next('session_start');
  await desk.next('connected');
  phone.send({ type: 'message', id: 'm1', content: 'from the phone' });
  const { turn_id } = await chunk(phone, 'draft');
  return { phone, desk, session, model, gate, turn_id, lane: start.lane };
}

describe('steering from any device (MIDTURN_STEER_SCOPE=session)', () => {
  it('P6 P9: joins the turn that runs; both devices see the same, in one order', async () => {
    const { phone, desk, session, model, gate, turn_id } = await watchedTurn();
    desk.send({ type: 'message', id: 'd1', content: 'from the desk' });
    expect(await accepted(desk, 'd1')).toMatchObject({ placement: 'steering', turn_id, position: 0 });
    phone.send({ type: 'message', id: 'm2', content: 'from the phone again' });
    expect(await accepted(phone, 'm2')).toMatchObject({ placement: 'steering', turn_id, position: 1 });
    gate.open();
    await Promise.all([end(phone), end(desk)]);
    expect(model.prompt(2)).toEqual([
      'user: from the phone',
      'assistant: draft',
      'user: from the desk',
      'user: from the phone again',
    ]);
    expect(eventsOf(desk)).toEqual(eventsOf(phone));
    expect(framesOf(phone, 'turn_start')).toHaveLength(1);
    expect(framesOf(phone, 'accepted').map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(await stack.stored.lines(session)).toHaveLength(5);
  });

  it('P3: with delivery: now, cuts the model call that another device set off', async () => {
    const { phone, desk, model } = await watchedTurn();
    desk.send({ type: 'message', id: 'd1', content: 'no, stop: something else', delivery: 'now' });
    expect(await end(phone)).toMatchObject({ type: 'done', full_response: 'draft answer 1' });
    expect(await model.requests[0]?.ended).toBe('aborted');
  });

  it('P5: with delivery: queue, and when nothing runs, has a turn of its own', async () => {
    const { phone, desk, gate, turn_id } = await watchedTurn();
    desk.send({ type: 'message', id: 'd1', content: 'later', delivery: 'queue' });
    const queued = await accepted(desk, 'd1');
    expect(queued).toMatchObject({ placement: 'turn', position: 1 });
    expect(queued.turn_id).not.toBe(turn_id);
    gate.open();
    await end(phone, 2);
    desk.send({ type: 'message', id: 'd2', content: 'and now' });
    // The ended turn may still be in the session's queue: its `done` is posted before its slot is retired.
    expect(await accepted(desk, 'd2')).toMatchObject({ placement: 'turn' });
    await end(phone, 3);
  });

  it('P10: the same again is one entry, while it waits, when it was taken in, and over a lane that came back', async () => {
    const { phone, desk, session, gate, turn_id, lane } = await watchedTurn();
    const steer = { type: 'message', id: 'd1', content: 'from the desk' } as const;
    desk.send(steer);
    await accepted(desk, 'd1');
    desk.send(steer);
    expect(await desk.next((frame) => frame.type === 'accepted' && frame.duplicate === true)).toMatchObject({
      turn_id,
      placement: 'steering',
    });
    await desk.terminate();
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { lane } });
    await back.next('connected');
    back.send(steer);
    expect(await accepted(back, 'd1')).toMatchObject({ turn_id, placement: 'steering', duplicate: true });
    gate.open();
    await Promise.all([end(phone), end(back)]);
    back.send(steer);
    expect(await back.next('accepted')).toMatchObject({ turn_id, placement: 'steering', duplicate: true });
    expect(appliedIds(phone)).toEqual(['m1', 'd1']);
    expect((await stack.stored.lines(session)).filter((line) => line.includes('desk'))).toHaveLength(1);
  });

  it('STEERING_QUEUE_FULL: by the limits of the lane whose turn it steers', async () => {
    const { phone, desk, session, gate } = await watchedTurn();
    for (const id of ['m2', 'm3', 'm4']) {
      phone.send({ type: 'message', id, content: `text of ${id}` });
      await accepted(phone, id);
    }
    desk.send({ type: 'message', id: 'd1', content: 'too much' });
    expect(await desk.next('error')).toMatchObject({
      code: 'STEERING_QUEUE_FULL',
      id: 'd1',
      limit: 3,
      depth: 3,
    });
    gate.open();
    await end(phone);
    // There is room now, and the turn is over: the same message has a turn of its own.
    desk.send({ type: 'message', id: 'd1', content: 'too much' });
    expect(await accepted(desk, 'd1')).toMatchObject({ placement: 'turn' });
    await end(desk, 2);
    expect((await stack.stored.lines(session)).filter((line) => line.includes('too much'))).toHaveLength(1);
  });

  it('P1: abort with discard tells each sender what became of its message', async () => {
    const { phone, desk, session } = await watchedTurn();
    desk.send({ type: 'message', id: 'd1', content: 'unwanted' });
    await accepted(desk, 'd1');
    phone.send({ type: 'message', id: 'm2', content: 'unwanted' });
    await accepted(phone, 'm2');
    phone.send({ type: 'message', id: 'q1', content: 'unwanted', delivery: 'queue' });
    await accepted(phone, 'q1');
    desk.send({ type: 'abort', pending: 'discard' });
    await Promise.all([cancelled(desk, 'd1'), cancelled(phone, 'm2'), cancelled(phone, 'q1')]);
    expect(await end(phone)).toMatchObject({ type: 'aborted', full_response: 'draft' });
    expect(framesOf(desk, 'cancelled').flatMap(({ ids }) => ids)).toEqual(['d1']);
    expect(await stack.stored.lines(session)).toEqual(['user: from the phone', 'assistant: draft']);
    expect(await stack.stored.everything()).not.toContain('unwanted');
  });

  it('P1: abort with keep: what another device sent is in the turn that follows', async () => {
    const { phone, desk } = await watchedTurn();
    desk.send({ type: 'message', id: 'd1', content: 'and then' });
    await accepted(desk, 'd1');
    phone.send({ type: 'abort' });
    expect(await end(desk, 2)).toMatchObject({ type: 'done', full_response: ' answer 1' });
    expect(framesOf(desk, 'turn_start')[1]).toMatchObject({ message_ids: ['d1'] });
  });

  it('P1: a sender that was away hears of it when it is back', async () => {
    const { phone, desk, session, lane } = await watchedTurn();
    desk.send({ type: 'message', id: 'd1', content: 'unwanted' });
    await accepted(desk, 'd1');
    await desk.terminate();
    phone.send({ type: 'cancel', id: 'd1' });
    await cancelled(phone, 'd1');
    phone.send({ type: 'abort' });
    await end(phone);
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { lane } });
    await cancelled(back, 'd1');
    // Frames of one connection are handled concurrently: the answer to a message that is sent earlier could come before it.
    await back.next('connected');
    back.send({ type: 'message', id: 'd1', content: 'unwanted' });
    expect(await back.next('cancelled')).toMatchObject({ ids: ['d1'] });
  });
});

describe('cancel from any device', () => {
  it('P1 P2: withdraws steering, a waiting message, and a turn that has not begun; its sender hears of it', async () => {
    const { phone, desk, session, gate } = await watchedTurn();
    const third = await stack.connect(session);
    phone.send({ type: 'message', id: 'm2', content: 'unwanted' });
    await accepted(phone, 'm2');
    phone.send({ type: 'message', id: 'q1', content: 'unwanted', delivery: 'queue' });
    await accepted(phone, 'q1');
    third.send({ type: 'message', id: 't1', content: 'unwanted', delivery: 'queue' });
    expect(await accepted(third, 't1')).toMatchObject({ placement: 'turn', position: 2 });
    for (const [id, sender] of [
      ['m2', phone],
      ['q1', phone],
      ['t1', third],
    ] as const) {
      desk.send({ type: 'cancel', id });
      await Promise.all([cancelled(desk, id), cancelled(sender, id)]);
    }
    gate.open();
    await end(phone);
    expect(await stack.stored.lines(session)).toEqual(['user: from the phone', 'assistant: draft']);
    expect(await stack.stored.everything()).not.toContain('unwanted');
  });

  it('NOT_PENDING says which turn has it, and as what', async () => {
    const { phone, desk, gate, turn_id } = await watchedTurn();
    desk.send({ type: 'cancel', id: 'm1' });
    expect(await notPending(desk, 'm1')).toMatchObject({ turn_id, placement: 'turn' });
    desk.send({ type: 'message', id: 'd1', content: 'from the desk' });
    await accepted(desk, 'd1');
    gate.open();
    await end(phone);
    phone.send({ type: 'cancel', id: 'd1' });
    expect(await notPending(phone, 'd1')).toMatchObject({ turn_id, placement: 'steering' });
    phone.send({ type: 'cancel', id: 'nobody-knows' });
    expect(await notPending(phone, 'nobody-knows')).not.toHaveProperty('turn_id');
  });

  it('P12: reaches no other session, whose messages are as unknown as any', async () => {
    const { phone, desk, gate } = await watchedTurn();
    phone.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(phone, 'm2');
    const other = await stack.connect(stack.newSession());
    other.send({ type: 'cancel', id: 'm2' });
    expect(await notPending(other, 'm2')).not.toHaveProperty('turn_id');
    gate.open();
    await end(desk);
    expect(appliedIds(phone)).toEqual(['m1', 'm2']);
  });
});
