import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, slotOf } from '../ids.ts';
import type { Audience } from '../store/items.ts';
import { connectionKey, sessionKey } from '../store/keys.ts';
import { listening } from '../store/listening.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { closeSurplus } from './surplus.ts';

const LIVE = listening({ join: 1, seq: 0, isLive: true });

/** A session whose connections were made then; of one without a time nothing is known. */
async function close(made: Readonly<Record<string, number | undefined>>, sessionConnections: number) {
  const audience: Audience = Object.fromEntries(Object.keys(made).map((id) => [asConnectionId(id), LIVE]));
  const closed: string[] = [];
  const all = sessionInMemory({ lanes: { mine: { ...leased, audience } }, session: { audience } });
  const { core, table, session } = all;
  Object.assign(core, { limits: { ...core.limits, sessionConnections } });
  core.gateway.disconnect = async (id) => {
    // Each is told why, before.
    expect(all.posted.map(([to]) => to)).toContain(id);
    closed.push(id);
    return 'closed';
  };
  for (const [id, at] of Object.entries(made))
    if (at !== undefined)
      table.put(connectionKey(asConnectionId(id)), {
        principal: { tenant: 'acme', subject: 'ann' },
        sessionId: asSessionId('s'),
        session,
        lane: asLaneId(id),
        resumed: false,
        made: epochMs(at),
        expires: epochSeconds(4e9),
      });
  await closeSurplus(core, session, {
    lastSeq: 0,
    active: { slot: slotOf(RUNNING), lane: asLaneId('mine') },
    audience,
  });
  const left = (item: { audience: Audience } | undefined) => Object.keys(item?.audience ?? {}).toSorted();
  expect(left(all.lane('mine'))).toEqual(left(table.get(sessionKey(session))));
  return { closed: closed.toSorted(), left: left(all.lane('mine')), posted: all.posted };
}

it('P9: a session that has too many connections closes the oldest, each with a reason, and posts to the others alone', async () => {
  const { closed, left, posted } = await close({ a: 30, b: 10, c: 20, d: 40 }, 2);
  expect([closed, left]).toEqual([
    ['b', 'c'],
    ['a', 'd'],
  ]);
  for (const [, frame] of posted)
    expect(frame).toMatchObject({ type: 'error', code: 'TOO_MANY_CONNECTIONS', limit: 2, retryable: true });
  expect(posted).toHaveLength(2);
});

it('as many as it may have stay', async () => {
  expect(await close({ a: 30, b: 10, c: 20 }, 3)).toEqual({ closed: [], left: ['a', 'b', 'c'], posted: [] });
});

it('of those that are made at the same time, each function closes the same one; one without a trace is the oldest', async () => {
  for (const made of [
    { b: 10, a: 10, c: 10 },
    { c: 10, b: 10, a: 10 },
  ])
    expect((await close(made, 2)).closed).toEqual(['a']);
  expect((await close({ a: 10, gone: undefined, b: 20 }, 2)).closed).toEqual(['gone']);
});
