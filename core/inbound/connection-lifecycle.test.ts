import { describe, expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { connectionKey, laneKey, sessionKey, tokenKey } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { leased, sessionInMemory } from '../testing/session-in-memory.ts';
import { closeConnection, registerConnection } from './connection-lifecycle.ts';

const WHO = { principal: { tenant: 't', subject: 's' }, sessionId: asSessionId('one') };

it('P10: a $connect that arrives once more, late, leaves the connection as its first frame has made it', async () => {
  const client = await clientInMemory();
  const key = connectionKey(asConnectionId('c'));
  await client.send({ type: 'connect', session_id: 'another' });
  const opened = await client.core.store.get(key);
  expect(opened).toMatchObject({ sessionId: 'another', opened: true });
  await registerConnection(client.core, asConnectionId('c'), WHO);
  expect(await client.core.store.get(key)).toEqual(opened);
});

describe('a connection that is made', () => {
  const ID = asConnectionId('new');
  const who = { principal: { tenant: 'acme', subject: 'ann' }, sessionId: asSessionId('s') };
  it('is noted with who it is of and what its token proved, in a lane of its own', async () => {
    const { core, table, session } = sessionInMemory({ lanes: {}, session: { entry: 1 } });
    const facts = { claims: '{"role":"cook"}', name: 'Soup', tokenExpires: epochSeconds(2e9) };
    expect(await registerConnection(core, ID, { ...who, ...facts, token: 'secret' })).toBe(true);
    const now = core.clock.now();
    const made = table.get(connectionKey(ID));
    const lane = made?.lane ?? ('' as never);
    expect(made).toEqual({
      ...who,
      ...facts,
      session,
      lane,
      resumed: true,
      made: now,
      expires: now / 1000 + 86_400,
    });
    expect(table.get(laneKey(session, lane))).toMatchObject({ connection: ID });
    // Nobody can seal it here.
    expect(table.get(tokenKey(ID))).toBeUndefined();
  });

  it('P12: keeps its token sealed, where that is known of and it has one', async () => {
    for (const token of ['secret', undefined]) {
      const { core, table, session } = sessionInMemory({ lanes: {} });
      Object.assign(core, {
        sealToken: (text: string, binding: string) => `sealed ${text.length} ${binding}`,
      });
      await registerConnection(core, ID, { ...who, ...(token && { token }) });
      const sealed = 'sealed 6 ["new","acme","ann",null]';
      expect(table.get(connectionKey(ID))?.keepsToken).toBe(token && true);
      if (token) expect(table.get(tokenKey(ID))).toMatchObject({ sealed, session });
      else expect(table.get(tokenKey(ID))).toBeUndefined();
      expect(JSON.stringify(table.get(connectionKey(ID)))).not.toContain('secret');
    }
  });

  it('P12: is not made to half a fork', async () => {
    const { core, table } = sessionInMemory({
      lanes: {},
      session: { copying: { created: 1 as never, to: 0 } },
    });
    expect(await registerConnection(core, ID, who)).toBe(false);
    expect(table.get(connectionKey(ID))).toBeUndefined();
  });
});

describe('P14: a connection that is closed', () => {
  const ID = asConnectionId('c-mine');
  it('leaves the session and the lane that runs, with its token; the turn goes on', async () => {
    for (const keepsToken of [true, false]) {
      const audience = { [ID]: 1, [asConnectionId('other')]: 1 };
      const { core, table, session, lane } = sessionInMemory({
        lanes: { far: { ...leased, audience }, mine: {} },
        session: { audience },
      });
      const made = {
        principal: WHO.principal,
        sessionId: asSessionId('s'),
        session,
        lane: 'mine' as never,
        resumed: false,
      };
      const expires = epochSeconds(4e9);
      table.put(connectionKey(ID), { ...made, expires, ...(keepsToken && { keepsToken }) });
      table.put(tokenKey(ID), { sealed: 'x', session, expires });
      const before = lane('far');
      await closeConnection(core, ID);
      expect(table.get(connectionKey(ID))).toBeUndefined();
      expect(table.get(tokenKey(ID)) === undefined).toBe(keepsToken);
      expect(table.get(sessionKey(session))?.audience).toEqual({ other: 1 });
      expect(lane('far')).toEqual({ ...before, audience: { other: 1 } });
      // As API Gateway may say again.
      await closeConnection(core, ID);
    }
  });
});
