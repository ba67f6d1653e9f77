import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { asConnectionId } from '../ids.ts';
import { revokeTrusts } from '../inbound/revoke.ts';
import { sessionKey } from '../store/keys.ts';
import { sessionInMemory } from '../testing/session-in-memory.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';
import { keepTrust, revokeTrust, trustedIn, trustFields } from './trusts.ts';

const silent = {
  provider: 'test',
  name: 'silent',
  async *stream() {},
};

async function given() {
  const { core, session } = await turnInMemory(silent, { toolbox: idleToolbox });
  return { core, session, read: () => core.store.get(sessionKey(session)) };
}

/** The same store, which does this once between a read of the session and the write that follows. */
function interrupted(core: Core, meanwhile: () => Promise<unknown>): Pick<Core, 'store'> {
  let isDue = true;
  const { store } = core;
  return {
    store: {
      ...store,
      get: async (key) => {
        const item = await store.get(key);
        if (isDue) {
          isDue = false;
          await meanwhile();
        }
        return item;
      },
    },
  };
}

describe('what `always` covers', () => {
  it('is trusted until it is revoked, one by one or all', async () => {
    const { core, session, read } = await given();
    for (const covers of ['a', 'b', 'c']) await keepTrust(core, session, covers, 0);
    await keepTrust(core, session, 'a', 0);
    expect(trustFields(await read())).toEqual({ trusted: ['a', 'b', 'c'], revocations: 0 });
    await revokeTrust(core, session, 'b');
    expect(trustFields(await read())).toEqual({ trusted: ['a', 'c'], revocations: 1 });
    await revokeTrust(core, session, undefined);
    expect(trustFields(await read())).toEqual({ trusted: [], revocations: 2 });
  });

  it('is not trusted any more if it was decided before a revocation, and is if it was decided after it', async () => {
    const { core, session, read } = await given();
    await revokeTrust(core, session, undefined);
    await keepTrust(core, session, 'a', 0);
    expect(trustedIn(await read())).toEqual([]);
    await keepTrust(core, session, 'a', 1);
    expect(trustedIn(await read())).toEqual(['a']);
  });

  it('is not trusted if the revocation comes between the read and the write of its worker', async () => {
    const { core, session, read } = await given();
    const raced = interrupted(core, () => revokeTrust(core, session, undefined));
    await keepTrust(raced, session, 'a', 0);
    expect(trustFields(await read())).toEqual({ trusted: [], revocations: 1 });
  });

  it('two revocations at the same moment both hold, and a trust that is stored meanwhile is not lost', async () => {
    const { core, session, read } = await given();
    for (const covers of ['a', 'b']) await keepTrust(core, session, covers, 0);
    const raced = interrupted(core, async () => {
      await keepTrust(core, session, 'c', 0);
      await revokeTrust(core, session, 'b');
    });
    await revokeTrust(raced, session, 'a');
    expect(trustedIn(await read())).toEqual(['c']);
  });

  it('a write whose answer was lost is not repeated', async () => {
    const { core, session, read } = await given();
    await keepTrust(core, session, 'a', 0);
    const { store } = core;
    const lossy = {
      store: {
        ...store,
        update: (async (key, update) => {
          await store.update(key, update);
          return store.update(key, update);
        }) as typeof store.update,
      },
    };
    await keepTrust(lossy, session, 'b', 0);
    await revokeTrust(lossy, session, 'a');
    expect(trustFields(await read())).toEqual({ trusted: ['b'], revocations: 1 });
  });

  it.each(['\u0001', '€', '😀'])('fits into one frame, of %j too: the oldest give way', async (character) => {
    const { core, session, read } = await given();
    const covers = (n: number) => `pay:${n}${character.repeat(200)}`;
    for (let n = 0; n < 30; n++) await keepTrust(core, session, covers(n), 0);
    const trusted = trustedIn(await read());
    expect(Buffer.byteLength(JSON.stringify(trusted))).toBeLessThanOrEqual(8 * 1024 + 2);
    expect(trusted.at(-1)).toBe(covers(29));
    expect(trusted.length).toBeGreaterThan(3);
    // What an earlier version stored may be longer.
    expect(trustedIn({ trusted: Array.from({ length: 1000 }, (_, n) => covers(n)) })).toHaveLength(
      trusted.length,
    );
  });
});

it('P12: a revocation is told to each listener of the session and to who asked, once, with what is left', async () => {
  const audience = { [asConnectionId('c-mine')]: 1, [asConnectionId('c-other')]: 0 };
  for (const [by, told] of [
    ['mine', ['c-mine', 'c-other']],
    ['desk', ['c-desk', 'c-mine', 'c-other']],
  ] as const) {
    const { core, from, posted } = sessionInMemory({
      lanes: { mine: {} },
      session: { trusted: ['a', 'b'], revocations: 4, audience },
    });
    await revokeTrusts(core, from(by), 'a');
    expect(posted.map(([to]) => to).toSorted()).toEqual(told);
    for (const [, frame] of posted)
      expect(frame).toEqual({ type: 'trusted', trusted: ['b'], revocations: 5 });
  }
  const deleted = sessionInMemory({ lanes: { mine: {} }, session: { deleted: epochMs(1), audience } });
  await revokeTrusts(deleted.core, deleted.from('mine'), undefined);
  expect(deleted.posted).toMatchObject([['c-mine', { type: 'error', code: 'SESSION_DELETED' }]]);
});
