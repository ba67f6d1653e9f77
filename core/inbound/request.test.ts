import { describe, expect, it } from 'vitest';
import { readRates } from '../../config/settings/limits.ts';
import { epochMs } from '../../config/units.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { around } from '../../test/support/text.ts';
import { asLaneId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import { rejectSlot } from '../session/slots.ts';
import type { Principal } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { answerRequest, type RequestType, readState } from './request.ts';

const ANN: Principal = { tenant: 'acme', subject: 'ann' };
const BOB: Principal = { tenant: 'acme', subject: 'bob' };

/** A core that notes which partitions it reads and writes. */
function givenCore(env: Record<string, string> = {}) {
  const partitions: string[] = [];
  const store = memoryStore(new MemoryTable(), async ({ key }, run) => {
    partitions.push(key.pk);
    return run();
  });
  const core = memoryCore({ ...recordingPorts(), store, rates: readRates(env) });
  const ask = (principal: Principal, type: RequestType, body: object | string = {}, sessionId = 's') =>
    answerRequest(
      core,
      { principal, countedFor: principal },
      { type, body: typeof body === 'string' ? body : JSON.stringify(body), sessionId },
    );
  const state = (principal: Principal) => readState(core, { principal, countedFor: principal }, 's');
  return { ask, state, partitions, core };
}

const message = { id: 'm1', content: 'hello' };

describe('a request', () => {
  it('P12: of another principal finds no session of that id, and reads nothing in its partition', async () => {
    const { ask, state, partitions } = givenCore();
    expect(await ask(ANN, 'message', message)).toMatchObject({ type: 'accepted', placement: 'turn' });
    const ofAnn = sessionOf(ANN, asSessionId('s'));
    expect(partitions.some((partition) => partition.includes(ofAnn))).toBe(true);
    partitions.length = 0;
    for (const type of ['history', 'abort', 'delete'] as const)
      expect(await ask(BOB, type), type).toMatchObject({ code: 'SESSION_NOT_FOUND' });
    expect(await state(BOB)).toMatchObject({ code: 'SESSION_NOT_FOUND' });
    expect(await ask(BOB, 'sessions')).toMatchObject({ type: 'sessions', sessions: [] });
    expect(partitions.length).toBeGreaterThan(5);
    expect(partitions.filter((partition) => partition.includes('ann'))).toEqual([]);
  });

  it.each(['x', 'é', '€', '😀'])(
    'P2: of %j is too large by its bytes, and not at the limit',
    async (character) => {
      const { ask } = givenCore();
      for (const size of around(MAX_FRAME_BYTES)) {
        const characters = Math.floor((size - 2) / Buffer.byteLength(character));
        const text = JSON.stringify(character.repeat(characters)).padEnd(
          size - characters * (Buffer.byteLength(character) - character.length),
        );
        expect(Buffer.byteLength(text)).toBe(size);
        expect(await ask(ANN, 'message', text)).toMatchObject(
          size > MAX_FRAME_BYTES
            ? { code: 'MESSAGE_TOO_LARGE', limit: MAX_FRAME_BYTES, depth: size }
            : { code: expect.not.stringMatching('MESSAGE_TOO_LARGE') },
        );
      }
    },
  );

  it('P10: that sends a message again is answered as the first one', async () => {
    const { ask } = givenCore();
    const first = await ask(ANN, 'message', message);
    expect(await ask(ANN, 'message', message)).toEqual({ ...first, duplicate: true });
  });

  it('that stops a turn which no worker has begun withdraws it', async () => {
    const { ask, state } = givenCore();
    await ask(ANN, 'message', message);
    expect(await state(ANN)).toMatchObject({ state: 'queued' });
    expect(await ask(ANN, 'abort')).toBeUndefined();
    expect(await state(ANN)).toEqual({ session_id: 's', state: 'idle', message_count: 0, last_seq: 0 });
    expect(await ask(ANN, 'message', message)).toMatchObject({ type: 'cancelled', ids: ['m1'] });
    expect(await ask(ANN, 'abort')).toMatchObject({ code: 'NO_ACTIVE_TURN' });
  });

  it('tells how its session stands: its name, what runs, and how far it is', async () => {
    const { ask, state, core } = givenCore();
    const first = await ask(ANN, 'message', { ...message, name: 'Soup 😀' });
    if (first?.type !== 'accepted') throw new Error('not accepted');
    const session = sessionOf(ANN, asSessionId('s'));
    expect(await state(ANN)).toEqual({
      session_id: 's',
      state: 'queued',
      name: 'Soup 😀',
      message_count: 0,
      last_seq: 0,
    });
    const item = await core.store.get(sessionKey(session));
    const key = laneKey(session, asLaneId('http'));
    const lane = await core.store.get(key);
    if (!item || !lane) throw new Error('no session');
    const turn = asTurnId(first.turn_id);
    const active = { slot: slotOf(turn), lane: asLaneId('http') };
    await core.store.put(sessionKey(session), { ...item, active, entry: 4, seq: 9 });
    await core.store.put(key, {
      ...lane,
      seq: 12,
      entry: 6,
      begun: { turn, seq: 10, entry: 5, at: epochMs(70) },
    });
    expect(await state(ANN)).toEqual({
      session_id: 's',
      state: 'running',
      name: 'Soup 😀',
      turn_id: turn,
      turn_started_at: 70,
      message_count: 4,
      last_seq: 12,
    });
    expect(await ask(ANN, 'sessions')).toMatchObject({ sessions: [] });
  });

  it('P12: gives its message what the caller has proved and said, and an id if it has none', async () => {
    const { core } = givenCore();
    const body = {
      content: 'hello',
      agent: 'cook',
      locale: 'de',
      time_zone: 'Europe/Berlin',
      options: { tone: 'é' },
    };
    const requester = { principal: ANN, claims: '{"role":"cook"}' };
    const answer = await answerRequest(core, requester, {
      type: 'message',
      body: JSON.stringify(body),
      sessionId: 's',
    });
    if (answer?.type !== 'accepted') throw new Error('not accepted');
    expect(answer).not.toHaveProperty('duplicate');
    const lane = await core.store.get(laneKey(sessionOf(ANN, asSessionId('s')), asLaneId('http')));
    const [[id, pending] = []] = Object.entries(lane?.inbox ?? {});
    expect(id).toBe(answer.id);
    expect(JSON.parse(pending?.context ?? '')).toEqual({
      claims: { role: 'cook' },
      options: { tone: 'é' },
      locale: 'de',
      timeZone: 'Europe/Berlin',
      agent: 'cook',
    });
    // No client takes this lane over.
    expect(lane).not.toHaveProperty('connection');
  });

  it('that stops a turn is not answered with what became of another message', async () => {
    const { ask, core } = givenCore();
    const first = await ask(ANN, 'message', message);
    if (first?.type !== 'accepted') throw new Error('not accepted');
    // By a function that died before it told so.
    const session = sessionOf(ANN, asSessionId('s'));
    const job = { session, lane: asLaneId('http'), slot: slotOf(asTurnId(first.turn_id)) };
    expect(await rejectSlot(core, job, 'SESSION_QUEUE_TIMEOUT')).toBe(true);
    await ask(ANN, 'message', { ...message, id: 'm2' });
    expect(await ask(ANN, 'abort')).toBeUndefined();
    expect(await ask(ANN, 'message', message)).toMatchObject({ code: 'SESSION_QUEUE_TIMEOUT', id: 'm1' });
  });

  it('about a session that was deleted says so, and a repeated deletion is answered alike', async () => {
    const { ask, state } = givenCore();
    await ask(ANN, 'message', message);
    for (let n = 0; n < 2; n++) expect(await ask(ANN, 'delete')).toMatchObject({ type: 'deleted' });
    for (const answer of [await state(ANN), await ask(ANN, 'history'), await ask(ANN, 'message', message)])
      expect(answer).toMatchObject({ code: 'SESSION_DELETED' });
  });

  it('counts with the frames of its principal, by what it reads, and is refused before it reads', async () => {
    const { ask, partitions } = givenCore({ MIDTURN_FRAMES_PER_MINUTE: '5' });
    await ask(ANN, 'message', message);
    expect(await ask(ANN, 'history')).toMatchObject({ type: 'history' });
    partitions.length = 0;
    const refused = await ask(ANN, 'message', { ...message, id: 'm2' });
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', id: 'm2', limit: 5, retry_after_ms: 60_000 });
    expect(partitions).toHaveLength(1);
    // Far beyond the limit there is no connection to close.
    for (let n = 0; n < 12; n++) await ask(ANN, 'message', message);
    expect(await ask(ANN, 'message', message)).toMatchObject({
      message: expect.not.stringContaining('connection'),
    });
    // A stop has a count of its own.
    expect(await ask(ANN, 'abort')).toBeUndefined();
  });

  it.each<[string, RequestType, object | string, string, string]>([
    ['what is no JSON', 'message', 'hello', 's', 'INVALID_JSON'],
    ['no object', 'message', '[]', 's', 'INVALID_JSON'],
    ['a message without content', 'message', {}, 's', 'INVALID_FRAME'],
    ['blank content', 'message', { content: ' ' }, 's', 'EMPTY_CONTENT'],
    ['a body of more than 32 KB', 'message', { content: 'x'.repeat(32 * 1024) }, 's', 'MESSAGE_TOO_LARGE'],
    [
      'more levels than a frame',
      'message',
      `{"content":${'['.repeat(9000)}${']'.repeat(9000)}}`,
      's',
      'INVALID_FRAME',
    ],
    ['a place that is none', 'message', { ...message, time_zone: 'Moon' }, 's', 'INVALID_FRAME'],
    ['a name that is no text', 'message', { ...message, name: 1 }, 's', 'INVALID_FRAME'],
    ['a session id that is none', 'history', {}, 'a b', 'INVALID_FRAME'],
    ['a limit that is none', 'history', { limit: null }, 's', 'INVALID_FRAME'],
    ['a frame of another type in its body', 'history', { type: 'delete' }, 's', 'SESSION_NOT_FOUND'],
  ])('with %s is refused', async (_, type, body, sessionId, code) => {
    expect(await givenCore().ask(ANN, type, body, sessionId)).toMatchObject({ type: 'error', code });
  });
});
