import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import type { MessageFrame } from '../../protocol/client-frames.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import type { Content } from '../content.ts';
import type { Core } from '../core.ts';
import { asLaneId, asMessageId, asTurnId, slotOf } from '../ids.ts';
import type { Lane, PendingContent, PendingMessage } from '../store/items.ts';
import { laneKey, messageKey, sessionKey } from '../store/keys.ts';
import { INLINE_BYTES, MAX_IDS, MAX_UNDELIVERED } from '../store/lane/lane.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { acceptMessage } from './message.ts';

const AT = epochMs(1_800_000_000_000);
const said = (content: string, turn = 'x'): PendingMessage => ({ content, turn: asTurnId(turn), at: AT });
const many = <V>(count: number, value: V) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`old${n}`, value]));

/** A lane of one client, whose turn no worker runs unless the lane says so. */
function given(lane: Partial<Lane> = {}, limits: Partial<Core['limits']> = {}) {
  const { queues, jobs } = recordingPorts();
  const counted: string[] = [];
  const all = sessionInMemory({
    lanes: { mine: lane },
    core: { queues, metrics: { count: (name) => counted.push(name), countBy() {}, time() {} } },
  });
  Object.assign(all.core, { limits: { ...all.core.limits, ...limits } });
  return {
    ...all,
    jobs,
    counted,
    /** @returns what its sender is told */
    async say(id: string | undefined, content: Content = 'hello', more: Partial<MessageFrame> = {}) {
      const before = all.told('mine').length;
      const frame = { type: 'message', content, ...(id !== undefined && { id }), ...more } as const;
      await acceptMessage(all.core, all.from('mine'), frame, AT);
      return all.told('mine').slice(before);
    },
    pending: (id: string) => all.lane('mine')?.inbox[asMessageId(id)],
    /** Content that is stored beside the lane. */
    apart: () =>
      [...all.table.all()].filter(({ sk }) => sk.startsWith('CONTENT#')) as unknown as {
        sk: string;
        item: PendingContent;
      }[],
  };
}

describe('a message that waits', () => {
  it('P6: is stored as it was sent: when it came, its place in its client’s count, whether it cuts the running call', async () => {
    const { say, pending, lane, wait } = given(leased);
    wait(5000);
    await say('m', 'hello', { order: 3, delivery: 'now' });
    expect(pending('m')).toEqual({ content: 'hello', turn: expect.any(String), at: AT, order: 3, now: true });
    await say('n', 'hello', { delivery: 'steer' });
    expect(pending('n')).toEqual({ content: 'hello', turn: expect.any(String), at: AT });
    expect(lane('mine')).toMatchObject({ bytes: 10, expires: AT / 1000 + 15 + 5 * 86_400 });
  });

  it.each(['x', 'é', '€', '😀'])(
    'is on its lane up to so many bytes of what waits there, and beside it from then on: %s',
    async (unit) => {
      for (const bytes of around(INLINE_BYTES)) {
        const context = JSON.stringify({ options: { tone: 'é' } });
        const options = { tone: 'é' };
        for (const [before, beside, more] of [
          [0, 0, {}],
          [24, 0, {}],
          [0, Buffer.byteLength(context), { options }],
        ] as const) {
          const inbox = before > 0 ? { [asMessageId('first')]: said('x'.repeat(before)) } : {};
          const { say, pending, lane, apart } = given({ ...leased, inbox, bytes: before });
          const size = bytes - before;
          const content = textOfBytes(size - beside, unit);
          expect(await say('m', content, more)).toMatchObject([{ type: 'accepted', placement: 'steering' }]);
          expect(lane('mine')?.bytes).toBe(bytes);
          const whole = { content, ...(beside > 0 && { context }) };
          if (bytes <= INLINE_BYTES) {
            expect(pending('m')).toEqual({ ...whole, turn: expect.any(String), at: AT });
            expect(apart()).toEqual([]);
          } else {
            const turn = String(pending('m')?.turn);
            expect(pending('m')).toEqual({ size, turn, at: AT });
            const expires = lane('mine')?.expires;
            expect(apart()).toMatchObject([{ sk: `CONTENT#${turn}`, item: { ...whole, expires } }]);
          }
        }
      }
    },
  );

  it('P10: has its own content after a repeat, whose copy is removed', async () => {
    const { say, apart, counted } = given(leased);
    const [accepted] = await say('m', 'x'.repeat(2000));
    const [first] = apart();
    expect(await say('m', 'y'.repeat(3000))).toEqual([{ ...accepted, duplicate: true }]);
    expect(apart()).toEqual([first]);
    expect(counted.filter((name) => name === 'MessagesAccepted')).toHaveLength(1);
  });

  it.each(['m', undefined])(
    'P1: keeps its content where the answer of the write that accepts it is lost (id: %s)',
    async (id) => {
      const { core, say, apart, lane } = given(leased);
      const update = core.store.update.bind(core.store);
      core.store.update = async (...args) => {
        core.store.update = update;
        await update(...args);
        return { ok: false };
      };
      const [answer] = await say(id, 'x'.repeat(2000));
      expect(answer).toMatchObject({ type: 'accepted', placement: 'steering', position: 0 });
      // Its client did not repeat it.
      expect(answer?.duplicate).toBe(id === undefined ? undefined : true);
      expect(apart()).toHaveLength(1);
      expect(Object.keys(lane('mine')?.inbox ?? {})).toEqual([answer?.id]);
    },
  );
});

describe('P2: a message for which its lane has no room', () => {
  const full = (limit: number, depth = limit) => ({
    type: 'error',
    code: 'STEERING_QUEUE_FULL',
    id: 'm',
    limit,
    depth,
    retryable: true,
    message: expect.stringContaining('not stored'),
  });

  it.each<[string, number, (count: number) => Partial<Lane>]>([
    ['ids of its turn', MAX_IDS, (count) => ({ ids: many(count, 1 as const) })],
    ['outcomes', MAX_UNDELIVERED, (count) => ({ undelivered: many(count, { code: 'cancelled' }) })],
    ['messages', 7, (count) => ({ inbox: many(count, said('')) })],
    ['messages for turns of their own', 7, (count) => ({ waiting: many(count, said('')) })],
  ])('since it remembers as many %s as it may (%i) is refused, and not before', async (_, limit, lane) => {
    const fits = given({ ...leased, ...lane(limit - 1) }, { inboxMessages: 7 });
    expect(await fits.say('m')).toMatchObject([{ type: 'accepted', id: 'm' }]);
    const { say, pending, counted } = given({ ...leased, ...lane(limit) }, { inboxMessages: 7 });
    expect(await say('m')).toMatchObject([full(limit)]);
    expect([pending('m'), counted]).toEqual([undefined, []]);
  });

  it('leaves no content behind', async () => {
    const { say, apart } = given({ ...leased, bytes: 1001 }, { inboxBytes: 3000 });
    expect(await say('m', 'x'.repeat(2000))).toMatchObject([full(3000, 1001)]);
    expect(apart()).toEqual([]);
    expect(await say('m', 'x'.repeat(1999))).toMatchObject([{ type: 'accepted' }]);
    expect(apart()).toHaveLength(1);
  });

  it('P1: since the function that opened its turn died has a worker called, so that it is not full for ever', async () => {
    const turn = asTurnId('t');
    const waits = { turn, slot: slotOf(turn), since: AT, inbox: { [asMessageId('first')]: said('', 't') } };
    const { say, jobs } = given(waits, { inboxMessages: 1 });
    expect(await say('m')).toMatchObject([full(1)]);
    expect(jobs).toMatchObject([{ lane: 'mine', slot: 't' }]);
  });
});

describe('a message to a lane that is gone', () => {
  it.each(['expired', 'of another session', 'deleted'])(
    '%s is refused, names it, and leaves no content',
    async (how) => {
      const { say, table, session, apart } = given();
      const key = laneKey(session, asLaneId('mine'));
      if (how === 'of another session')
        table.update(key, { when: [], change: [{ do: 'set', path: 'session', value: 'stranger' }] });
      else table.delete(key);
      if (how === 'deleted')
        table.update(sessionKey(session), { when: [], change: [{ do: 'set', path: 'deleted', value: AT }] });
      const code = how === 'deleted' ? 'SESSION_DELETED' : 'INTERNAL';
      expect(await say('m', 'x'.repeat(2000))).toMatchObject([
        { type: 'error', code, id: 'm', retryable: code === 'INTERNAL' },
      ]);
      expect(apart()).toEqual([]);
    },
  );
});

describe('P10: a repeat', () => {
  it('of a message that was withdrawn, of which its sender was not told, is told so, and to who asks', async () => {
    const { core, posted, from, lane } = given({
      undelivered: { [asMessageId('m')]: { code: 'cancelled' } },
    });
    const { connection } = from('mine');
    await acceptMessage(
      core,
      { id: from('desk').id, connection },
      { type: 'message', id: 'm', content: 'x' },
      AT,
    );
    expect(posted.map(([to, { type, ids }]) => [to, type, ids])).toEqual([
      ['c-mine', 'cancelled', ['m']],
      ['c-desk', 'cancelled', ['m']],
    ]);
    expect(lane('mine')?.inbox).toEqual({});
  });

  it('of a message that was taken is answered by its outcome, also where its lane has forgotten it; a new one without an id is not', async () => {
    const { say, table, session, lane } = given(leased);
    const expires = epochSeconds(4e9);
    table.put(messageKey(session, asMessageId('m')), {
      outcome: 'taken',
      turn: asTurnId('past'),
      placement: 'steering',
      expires,
    });
    expect(await say('m')).toEqual([
      { type: 'accepted', id: 'm', turn_id: 'past', placement: 'steering', position: 0, duplicate: true },
    ]);
    expect(lane('mine')?.inbox).toEqual({});
    expect(await say(undefined)).toMatchObject([{ type: 'accepted', turn_id: RUNNING }]);
  });
});
