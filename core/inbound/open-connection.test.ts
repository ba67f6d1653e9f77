import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { MAX_CONTENT_BYTES, MAX_FRAME_BYTES, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import { asConnectionId, asLaneId, asSessionId } from '../ids.ts';
import type { Connection, Session } from '../store/items.ts';
import { connectionKey } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { sendSessionStart } from './open-connection.ts';

const ME = connectionKey(asConnectionId('c'));

describe('P9: a frame of a connection that another frame opens', () => {
  /** @param events what happens to the connection's item, by how long the frame has waited */
  async function waitWith(events: Readonly<Record<number, Partial<Connection> | 'closed'>>) {
    const client = await clientInMemory();
    const { store, clock } = client.core;
    const change = async (facts: Partial<Connection>) => {
      const made = await store.get(ME);
      if (made) await store.put(ME, { ...made, ...facts });
    };
    await change({ opener: 'another' });
    const begun = clock.now();
    const left = new Map(Object.entries(events).map(([ms, event]) => [Number(ms), event]));
    clock.sleep = async (duration) => {
      client.setNow(clock.now() + duration);
      for (const [ms, event] of left) {
        if (clock.now() - begun < ms) continue;
        left.delete(ms);
        if (event === 'closed') await store.delete(ME);
        else await change(event);
      }
    };
    const answers = await client.send({ type: 'ping' });
    const types = client.frames.map(({ type }) => type);
    return { waited: clock.now() - begun, answers, types, read: () => store.get(ME) };
  }

  it.each([5, 50, 400, 1900])('waits for that, and not much longer: opened after %i ms', async (after) => {
    const { waited, types } = await waitWith({ [after]: { opened: true, bound: true } });
    expect(types).toEqual(['pong']);
    expect(waited).toBeLessThanOrEqual(Math.min(2 * after + 10, after + 250));
  });

  it('opens the connection itself, if that takes more than two seconds', async () => {
    const { waited, types, read } = await waitWith({});
    expect(types).toEqual(['session_start', 'pong']);
    expect(waited).toBeGreaterThan(2000);
    expect(waited).toBeLessThanOrEqual(2250);
    expect(await read()).toMatchObject({ opened: true, opener: expect.not.stringMatching('another') });
  });

  it('gives each of those that try as long', async () => {
    const { waited, types } = await waitWith({ 1900: { opener: 'a third' }, 3700: { opened: true } });
    expect(types).toEqual(['pong']);
    expect(waited).toBeGreaterThanOrEqual(3700);
  });

  it('is not answered when the connection is closed meanwhile', async () => {
    expect((await waitWith({ 50: 'closed' })).types).toEqual([]);
  });
});

describe('P9: a further replay to a connection', () => {
  it('of more than twenty events is sent once: the second one closes the connection, which resumes on another', async () => {
    const client = await clientInMemory();
    for (let n = 0; n < 8; n++) {
      await client.send({ type: 'message', id: `m${n}`, content: 'hello' });
      await client.run();
    }
    const lane = String(client.frames[0]?.lane);
    const last = Math.max(...client.frames.map(({ seq }) => Number(seq ?? 0)));
    expect(last).toBeGreaterThan(21);
    /** How many events came, and how the answer ends. */
    const resume = async (after_seq: number) => {
      const answers = await client.send({ type: 'connect', resume: { lane, after_seq } });
      return [
        answers.filter(({ seq }) => seq !== undefined).length,
        answers.at(-1)?.code ?? answers.at(-1)?.type,
      ];
    };
    for (let n = 0; n < 3; n++) expect(await resume(last - 20)).toEqual([20, 'connected']);
    expect(await resume(last - 21)).toEqual([21, 'connected']);
    expect(await resume(last - 20)).toEqual([20, 'connected']);
    // A number that is of no event of this session.
    expect(await resume(last + 5)).toEqual([0, 'connected']);
    expect(client.closed()).toBe(0);
    expect(await resume(last - 21)).toEqual([0, 'RATE_LIMITED']);
    expect(client.frames.at(-1)).toMatchObject({ retryable: true, retry_after_ms: 0 });
    expect(client.closed()).toBe(1);
  });
});

describe('the lane of a connection', () => {
  it('P12: is one that the client names, if it is of this session; another one is ignored', async () => {
    const client = await clientInMemory();
    const { core, frames, send } = client;
    const lanes: Record<string, string> = {};
    for (const [name, subject, sessionId] of [
      ['mine', 's', 'one'],
      ['of another session', 's', 'two'],
      ['of another user', 'x', 'one'],
    ] as const) {
      const id = asConnectionId(name);
      await registerConnection(core, id, {
        principal: { tenant: 't', subject },
        sessionId: asSessionId(sessionId),
      });
      lanes[name] = String((await core.store.get(connectionKey(id)))?.lane);
    }
    const own = String((await core.store.get(ME))?.lane);
    for (const [lane, told] of [
      [lanes['of another session'], own],
      [lanes['of another user'], own],
      ['none', own],
      [lanes.mine, lanes.mine],
    ] as const) {
      const made = await core.store.get(ME);
      await send({ type: 'connect', resume: { lane } });
      expect(frames.findLast(({ type }) => type === 'session_start')).toMatchObject({ lane: told });
      // As `$connect` made it.
      const { opened: _, bound: __, opener: ___, connected: ____, ...fresh } = { ...made } as Connection;
      if (told === own) await core.store.put(ME, fresh);
    }
  });
});

describe('what a client says of itself', () => {
  it('holds until it says otherwise, each by itself', async () => {
    const { core, send } = await clientInMemory();
    const known = async () => {
      const { options, locale, timeZone, agent } = (await core.store.get(ME)) ?? {};
      return [options, locale, timeZone, agent];
    };
    await send({
      type: 'connect',
      options: { tone: 'é' },
      locale: 'de',
      time_zone: 'Europe/Berlin',
      agent: 'cook',
    });
    expect(await known()).toEqual(['{"tone":"é"}', 'de', 'Europe/Berlin', 'cook']);
    await send({ type: 'connect', locale: 'fr' });
    expect(await known()).toEqual(['{"tone":"é"}', 'fr', 'Europe/Berlin', 'cook']);
    await send({ type: 'connect', options: {} });
    expect(await known()).toEqual(['{}', 'fr', 'Europe/Berlin', 'cook']);
    await send({ type: 'connect', time_zone: 'UTC' });
    await send({ type: 'connect', agent: 'guide' });
    expect(await known()).toEqual(['{}', 'fr', 'UTC', 'guide']);
  });

  it('is taken from the first `connect` also where another frame has opened the connection', async () => {
    const { core, send } = await clientInMemory();
    await send({ type: 'ping' });
    await send({ type: 'connect', locale: 'de' });
    expect(await core.store.get(ME)).toMatchObject({ locale: 'de', connected: true });
  });
});

describe('`session_start`', () => {
  const ID = asConnectionId('c-mine');
  function given(lane: object, session: Partial<Session>, more: { agents?: string; files?: boolean } = {}) {
    const all = sessionInMemory({
      lanes: { mine: lane },
      session,
      core: more.files ? { files: memoryFiles() } : {},
    });
    const { core } = all;
    Object.assign(core, {
      sessionSettings: { ...core.sessionSettings, ...(more.agents && { agents: more.agents }) },
    });
    const connection: Connection = {
      principal: { tenant: 'acme', subject: 'ann' },
      sessionId: asSessionId('s'),
      session: all.session,
      lane: asLaneId('mine'),
      resumed: true,
      expires: epochSeconds(4e9),
    };
    return {
      ...all,
      start: (facts: Partial<Connection> = {}) => sendSessionStart(core, ID, { ...connection, ...facts }),
    };
  }

  it('says what the session is, how far it is, what runs, and what is allowed', async () => {
    const at = epochMs(1_800_000_005_000);
    const { start, told, core } = given(
      { ...leased, seq: 7, entry: 4, begun: { turn: RUNNING, seq: 5, entry: 3, at } },
      {
        name: 'Soup',
        agent: 'cook',
        trusted: ['pay'],
        revocations: 2,
        seq: 4,
        entry: 2,
        forkedFrom: { sessionId: asSessionId('old'), before: 3 },
      },
      { agents: 'cook,guide', files: true },
    );
    expect(await start({ tokenExpires: epochSeconds(1_800_000_070) })).toBe(7);
    expect(told('mine')).toEqual([
      {
        type: 'session_start',
        session_id: 's',
        resumed: true,
        message_count: 2,
        name: 'Soup',
        forked_from: { session_id: 'old', before: 3 },
        lane: 'mine',
        last_seq: 7,
        token_expires_in_ms: 60_000,
        agent: 'cook',
        agents: ['cook', 'guide'],
        steer_scope: 'connection',
        trusted: ['pay'],
        revocations: 2,
        active_turn: { turn_id: RUNNING, started_at: at, first_seq: 5 },
        limits: {
          content_bytes: MAX_CONTENT_BYTES,
          options_bytes: MAX_OPTIONS_BYTES,
          inbox_messages: core.limits.inboxMessages,
          inbox_bytes: core.limits.inboxBytes,
          session_turns: core.limits.sessionTurns,
          queue_timeout_seconds: core.limits.queueTimeoutSeconds,
          frame_bytes: MAX_FRAME_BYTES,
          file_bytes: core.limits.fileBytes,
        },
      },
    ]);
  });

  it('says nothing of what there is not', async () => {
    const { start, told } = given({}, { seq: 9, entry: 6 });
    expect(await start({ resumed: false })).toBe(9);
    const [frame] = told('mine');
    expect(frame).toMatchObject({
      resumed: false,
      message_count: 6,
      last_seq: 9,
      trusted: [],
      revocations: 0,
    });
    for (const name of ['name', 'forked_from', 'token_expires_in_ms', 'agent', 'agents', 'active_turn'])
      expect(frame).not.toHaveProperty(name);
    expect(frame?.limits).not.toHaveProperty('file_bytes');
  });

  it('of a deleted session is that error; and nobody is there who is not told', async () => {
    const { start, told } = given({}, { deleted: epochMs(1), seq: 9 });
    expect(await start()).toBe(0);
    expect(told('mine')).toMatchObject([{ type: 'error', code: 'SESSION_DELETED', terminal: false }]);
    for (const deleted of [epochMs(1), undefined]) {
      const { core, start } = given({}, deleted === undefined ? {} : { deleted });
      core.gateway.post = async () => 'gone';
      expect(await start()).toBeUndefined();
    }
  });
});
