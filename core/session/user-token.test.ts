import { beforeEach, describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, type LaneId, type SessionKey } from '../ids.ts';
import { closeConnection, registerConnection } from '../inbound/connection-lifecycle.ts';
import type { Log } from '../ports.ts';
import { connectionKey, laneKey, tokenKey } from '../store/keys.ts';
import { adopt } from '../store/lane/connection.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { UserTokenError } from '../user-token-error.ts';
import { userToken } from './user-token.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const HOUR = 3600;
const C1 = asConnectionId('c1');
const C2 = asConnectionId('c2');

let now = 0;
let logged: unknown[] = [];
const log: Log = { info() {}, warn() {}, error: (...line) => logged.push(line), with: () => log };
/** A seal that anybody can open, as long as the place is the same. */
const parts = {
  log,
  clock: { now: () => epochMs(now * 1000), sleep: async () => {} },
  sealToken: (token: string, place: string) => `${place}${token}`,
  async openToken(sealed: string, place: string) {
    if (!sealed.startsWith(place)) throw new Error('sealed for another place');
    return sealed.slice(place.length);
  },
};
let core = memoryCore(parts);
beforeEach(() => {
  now = 0;
  logged = [];
  core = memoryCore({ ...parts, store: memoryStore() });
});

async function connected(id = C1, token: string | null = 'token-1', expires = HOUR) {
  await registerConnection(core, id, {
    principal: ANN,
    sessionId: asSessionId('s'),
    tokenExpires: epochSeconds(expires),
    ...(token !== null && { token }),
  });
  const made = await core.store.get(connectionKey(id));
  if (!made) throw new Error('not made');
  return made;
}

const tokenFor = (session: SessionKey, lane: LaneId | undefined, principal = ANN) =>
  userToken(core, { session, principal, lane }).catch((error: unknown) =>
    error instanceof UserTokenError ? error.code : error,
  );

describe('the token of a user', () => {
  it('is that of the connection, until it expires, and not a second longer', async () => {
    const { session, lane } = await connected();
    expect(await tokenFor(session, lane)).toBe('token-1');
    now = HOUR - 1;
    expect(await tokenFor(session, lane)).toBe('token-1');
    now = HOUR;
    expect(await tokenFor(session, lane)).toBe('TOKEN_EXPIRED');
    expect((await core.store.get(tokenKey(C1)))?.expires).toBe(HOUR);
  });

  it('is gone with the connection, by its end or two hours after its beginning', async () => {
    const { session, lane } = await connected(C1, 'token-1', 24 * HOUR);
    now = 2 * HOUR;
    expect(await tokenFor(session, lane)).toBe('TOKEN_GONE');
    now = 1;
    await closeConnection(core, C1);
    expect(await core.store.get(tokenKey(C1))).toBeUndefined();
    expect(await tokenFor(session, lane)).toBe('TOKEN_GONE');
  });

  it('is the new one when the client has connected again', async () => {
    const { session, lane } = await connected();
    await connected(C2, 'token-2', 3 * HOUR);
    await core.store.update(laneKey(session, lane), adopt(session, C2));
    now = HOUR;
    expect(await tokenFor(session, lane)).toBe('token-2');
  });

  it('cannot be opened for another principal or connection, and the log says so without it', async () => {
    const { session, lane } = await connected();
    expect(await tokenFor(session, lane, { tenant: 'globex', subject: 'ann' })).toBe('TOKEN_UNREADABLE');
    const kept = await core.store.get(tokenKey(C1));
    const other = await connected(C2, 'token-2');
    if (kept) await core.store.put(tokenKey(C2), kept);
    expect(await tokenFor(session, other.lane)).toBe('TOKEN_UNREADABLE');
    expect(logged).toHaveLength(2);
    expect(JSON.stringify(logged)).not.toContain('token-1');
  });

  it('is nobody’s where a turn was begun by nobody whose token is kept', async () => {
    const { session } = await connected();
    expect(await tokenFor(session, undefined)).toBe('TOKEN_ABSENT');
    expect(await tokenFor(session, asLaneId('none'))).toBe('TOKEN_GONE');
  });

  it('is unreadable for a function without the private key', async () => {
    const { session, lane } = await connected();
    const { openToken: _, ...without } = core;
    await expect(userToken(without, { session, principal: ANN, lane })).rejects.toMatchObject({
      name: 'UserTokenError',
      code: 'TOKEN_UNREADABLE',
    });
  });
});

it('no token is kept by a function that cannot seal it, nor where there is none', async () => {
  await connected(C1, null);
  const { sealToken: _, ...without } = core;
  core = without;
  await connected(C2, 'token-2');
  for (const id of [C1, C2]) {
    expect(await core.store.get(tokenKey(id))).toBeUndefined();
    expect(await core.store.get(connectionKey(id))).not.toHaveProperty('keepsToken');
  }
});
