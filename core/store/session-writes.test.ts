import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { around } from '../../test/support/text.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import { MemoryTable } from '../testing/memory-store.ts';
import { beginFork, finishFork, giveUpFork, rememberCopied } from './fork-writes.ts';
import type { Session } from './items.ts';
import { sessionKey, sessionOf } from './keys.ts';
import { listening } from './listening.ts';
import {
  activate,
  admit,
  attemptCompaction,
  attemptTitle,
  chooseAgent,
  deactivate,
  ensureSession,
  giveTitle,
  joinAudience,
  leaveAudience,
  makeLive,
  makeLiveAtRest,
  makeLiveBeside,
  markDeleted,
  markTold,
  nameForNow,
  release,
  rememberCompacted,
  rememberCut,
  rememberShapes,
  rename,
  retire,
  revoke,
  trust,
} from './session-writes.ts';
import type { Update } from './update.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const ID = asSessionId('s');
const KEY = sessionKey(sessionOf(ANN, ID));
const EXPIRES = epochSeconds(1000);
const LATER = epochSeconds(2000);
const AT = epochMs(500);
const SLOT = slotOf(asTurnId('slot'));
const OTHER = slotOf(asTurnId('other'));
const LANE = asLaneId('lane');
const DEVICE = asConnectionId('device');
const state = (join: number, seq: number, isLive = false) => listening({ join, seq, isLive });

const idle: Session = {
  principal: ANN,
  sessionId: ID,
  created: epochMs(100),
  queue: {},
  audience: {},
  seq: 10,
  entry: 5,
  expires: EXPIRES,
};
const active: Session = {
  ...idle,
  queue: { [SLOT]: { lane: LANE, at: AT }, [OTHER]: { lane: asLaneId('far'), at: AT } },
  active: { slot: SLOT, lane: LANE },
  audience: { [DEVICE]: state(1, 5) },
};

/** What the write makes of the item; undefined: it is refused, and the item is as it was. */
function written(item: Session | undefined, update: Update<Session>): Session | undefined {
  const table = new MemoryTable();
  if (item) table.put(KEY, item);
  const { ok } = table.update(KEY, update);
  if (!ok) expect(table.get(KEY)).toEqual(item);
  return ok ? table.get(KEY) : undefined;
}

const live = state(1, 10, true);
/** Each write that is made of a session that lives, as it would be accepted of `active` or `idle`. */
const WRITES: readonly (readonly [string, Session, Update<Session>])[] = [
  ['trust', idle, trust(idle, ['pay'])],
  ['revoke', idle, revoke(idle, [])],
  ['choose an agent', idle, chooseAgent(idle, 'cook')],
  ['remember shapes', idle, rememberShapes([{ model: 'p:m' }])],
  ['remember a cut', idle, rememberCut(3)],
  ['remember a summary', idle, rememberCompacted(3)],
  ['attempt a summary', idle, attemptCompaction(idle, { from: 3, tries: 1, by: 'a' })],
  ['admit', idle, admit(SLOT, LANE, AT, 8)],
  ['activate', idle, activate(SLOT, LANE, AT)],
  ['rename', idle, rename('Soup')],
  ['name for now', idle, nameForNow('Soup')],
  ['give a title', idle, giveTitle('Soup')],
  ['attempt a title', idle, attemptTitle(idle, { tries: 1, by: 'a' })],
  ['join', idle, joinAudience(DEVICE, state(1, 5))],
  ['make live', active, makeLive(DEVICE, live)],
  ['make live beside', active, makeLiveBeside(DEVICE, live, 10, LANE)],
  ['make live at rest', { ...idle, audience: active.audience }, makeLiveAtRest(DEVICE, live, 10, undefined)],
  ['mark as deleted', idle, markDeleted(AT, LATER)],
];

describe('P12: a write on a session', () => {
  it.each(WRITES)(
    '%s: is made of one that lives, not of one that is deleted, and makes none that is not there',
    (name, item, update) => {
      expect(written(item, update)).toBeDefined();
      expect(written({ ...item, deleted: AT }, update)).toBeUndefined();
      if (name !== 'mark as deleted') expect(written(undefined, update)).toBeUndefined();
      // Nor of half a fork, which has neither a queue nor an audience.
      const { queue: _, audience: __, ...rest } = item;
      const half = { ...rest, copying: { created: epochMs(1), to: 0 } } as Session;
      if (name !== 'mark as deleted') expect(written(half, update)).toBeUndefined();
    },
  );

  it.each<[string, Update<Session>]>([
    ['release', release(SLOT)],
    ['deactivate', deactivate(SLOT)],
    ['retire', retire(SLOT, idle, 10, 5, LATER)],
    ['leave', leaveAudience(DEVICE)],
    ['tell', markTold()],
    ['copied', rememberCopied(3)],
    ['finish', finishFork(LATER)],
    ['give up', giveUpFork(AT, LATER)],
    ['delete', markDeleted(AT, LATER)],
  ])('%s: makes none that is not there', (_, update) => {
    expect(written(undefined, update)).toBeUndefined();
  });
});

describe('a session that is made', () => {
  it('is empty, has the name that its first connection gives, and keeps what it has with each later one', () => {
    const made = written(undefined, ensureSession(ANN, ID, 'Soup', AT, EXPIRES));
    expect(made).toEqual({ ...idle, created: AT, name: 'Soup', seq: 0, entry: 0 });
    const later = ensureSession(ANN, ID, 'Stew', epochMs(900), LATER);
    expect(written({ ...active, name: 'Soup' }, later)).toEqual({ ...active, name: 'Soup', expires: LATER });
    expect(written(undefined, ensureSession(ANN, ID, '', AT, EXPIRES))).not.toHaveProperty('name');
    expect(written({ ...idle, deleted: AT }, later)).toBeUndefined();
    expect(written({ ...idle, copying: { created: AT, to: 0 } }, later)).toBeUndefined();
  });
});

describe('trusts', () => {
  const read: Session = { ...idle, trusted: ['a'], revocations: 2 };
  it('change as they were read, and a revocation is counted', () => {
    expect(written(read, trust(read, ['a', 'b']))).toEqual({ ...read, trusted: ['a', 'b'] });
    expect(written(read, revoke(read, []))).toEqual({ ...read, trusted: [], revocations: 3 });
    expect(written(idle, revoke(idle, []))).toEqual({ ...idle, trusted: [], revocations: 1 });
    for (const now of [{ ...read, revocations: 3 }, { ...read, trusted: ['a', 'b'] }, idle]) {
      expect(written(now, trust(read, ['a', 'b']))).toBeUndefined();
      expect(written(now, revoke(read, []))).toBeUndefined();
    }
    for (const now of [read, { ...idle, trusted: [] }, { ...idle, revocations: 1 }])
      expect(written(now, trust(idle, ['a']))).toBeUndefined();
  });

  it('are of the agent that had them: another one, chosen later, has none', () => {
    expect(written(read, chooseAgent(read, 'cook'))).toEqual({
      ...read,
      agent: 'cook',
      trusted: [],
      revocations: 3,
    });
    const fresh = { ...read, entry: 0 };
    expect(written(fresh, chooseAgent(fresh, 'cook'))).toEqual({ ...fresh, agent: 'cook' });
    expect(written({ ...read, agent: 'cook' }, chooseAgent(read, 'guide'))).toBeUndefined();
  });
});

describe('what is remembered of prompts', () => {
  it.each([
    ['promptFrom', rememberCut],
    ['compactedTo', rememberCompacted],
  ] as const)('P11: %s only moves on', (name, remember) => {
    for (const [n, at] of around(7).entries()) {
      const made = written({ ...idle, [name]: 7 }, remember(at));
      expect(made?.[name]).toBe(n === 0 ? undefined : at);
    }
    expect(written(idle, remember(1))).toEqual({ ...idle, [name]: 1 });
  });

  it.each([
    ['compaction', attemptCompaction, { from: 3 }],
    ['titling', attemptTitle, {}],
  ] as const)(
    'an attempt (%s) is made by one worker: it demands the last one as it was read',
    (name, attempt, more) => {
      const next = { ...more, tries: 2, by: 'b' } as never;
      const read = { ...idle, [name]: { ...more, tries: 1, by: 'a' } };
      expect(written(read, attempt(read, next))).toEqual({ ...read, [name]: next });
      for (const now of [{ ...read, [name]: { ...more, tries: 1, by: 'another' } }, idle])
        expect(written(now, attempt(read, next))).toBeUndefined();
      expect(written(read, attempt(idle, next))).toBeUndefined();
    },
  );
});

describe('the name of a session', () => {
  const named = { ...idle, name: 'Soup' };
  const forNow = { ...named, provisional: true } as const;
  it('that somebody gave is replaced by another one that somebody gives, alone', () => {
    expect(written(named, rename('Stew'))).toEqual({ ...idle, name: 'Stew' });
    expect(written(forNow, rename('Stew'))).toEqual({ ...idle, name: 'Stew' });
    expect(written(idle, nameForNow('Stew'))).toEqual({ ...idle, name: 'Stew', provisional: true });
    expect(written(forNow, nameForNow('Stew'))).toEqual({ ...idle, name: 'Stew', provisional: true });
    expect(written(forNow, giveTitle('Stew'))).toEqual({ ...idle, name: 'Stew' });
    for (const update of [nameForNow('Stew'), giveTitle('Stew'), attemptTitle(named, { tries: 1, by: 'a' })])
      expect(written(named, update)).toBeUndefined();
  });
});

describe('P5: the queue of a session', () => {
  it('admits a slot if there is room, or if it is there', () => {
    const later = epochMs(900);
    expect(written(active, admit(slotOf(asTurnId('new')), LANE, later, 2))).toBeUndefined();
    expect(written(active, admit(slotOf(asTurnId('new')), LANE, later, 3))?.queue).toEqual({
      ...active.queue,
      new: { lane: LANE, at: later },
    });
    // It keeps its place and its time.
    expect(written(active, admit(OTHER, LANE, later, 1))).toEqual(active);
  });

  it('has one active slot, which is not released, and another one when that is retired', () => {
    expect(written(active, activate(OTHER, asLaneId('far'), AT))).toBeUndefined();
    expect(written(active, activate(SLOT, LANE, epochMs(900)))).toEqual({ ...active, lastActive: 900 });
    expect(written(idle, activate(SLOT, LANE, AT))).toEqual({
      ...idle,
      active: { slot: SLOT, lane: LANE },
      lastActive: AT,
      queue: { [SLOT]: { lane: LANE, at: AT } },
    });
    expect(written(active, release(SLOT))).toBeUndefined();
    expect(Object.keys(written(active, release(OTHER))?.queue ?? {})).toEqual([SLOT]);
    expect(written({ ...idle, queue: active.queue }, release(SLOT))?.queue).not.toHaveProperty(SLOT);
    expect(written(idle, release(SLOT))).toBeUndefined();
    expect(written(active, deactivate(OTHER))).toBeUndefined();
    expect(written(active, deactivate(SLOT))).toEqual({
      ...idle,
      queue: active.queue,
      audience: active.audience,
    });
  });

  it('takes over the counters of the lane whose slot is retired, and never goes back', () => {
    const { [SLOT]: _, ...queue } = active.queue;
    const left = { ...idle, queue, audience: active.audience, expires: LATER };
    expect(written(active, retire(SLOT, active, 12, 7, LATER))).toEqual({ ...left, seq: 12, entry: 7 });
    expect(written(active, retire(SLOT, active, 9, 4, LATER))).toEqual(left);
    expect(written(active, retire(SLOT, active, 9, 4, LATER, epochSeconds(77)))).toEqual({
      ...left,
      listed: 77,
    });
    const listed = { ...active, listed: epochSeconds(66) };
    expect(written(listed, retire(SLOT, listed, 9, 4, LATER))).toEqual({ ...left, listed: 66 });
    expect(written(active, retire(OTHER, active, 12, 7, LATER))).toBeUndefined();
    expect(written({ ...active, seq: 11 }, retire(SLOT, active, 12, 7, LATER))).toBeUndefined();
  });
});

describe('P9: the audience of a session', () => {
  const at = (how: number) => ({ ...active, audience: { [DEVICE]: how } });
  const how = (item: Session | undefined) => item?.audience[DEVICE];
  it('has the latest state of a connection, whatever comes late', () => {
    for (const [n, stored] of around(state(2, 5)).entries())
      expect(how(written(at(stored), joinAudience(DEVICE, state(2, 5))))).toBe(
        n < 2 ? state(2, 5) : undefined,
      );
    for (const [n, stored] of around(live).entries()) {
      expect(how(written(at(stored), makeLive(DEVICE, live)))).toBe(n < 1 ? live : undefined);
      expect(how(written(at(stored), makeLiveBeside(DEVICE, live, 10, LANE)))).toBe(n < 1 ? live : undefined);
      expect(how(written(at(stored), makeLiveAtRest(DEVICE, live, 10, SLOT)))).toBe(n < 2 ? live : undefined);
    }
    for (const update of [
      makeLive(DEVICE, live),
      makeLiveBeside(DEVICE, live, 10, LANE),
      makeLiveAtRest(DEVICE, live, 10, SLOT),
    ])
      expect(written({ ...active, audience: {} }, update)).toBeUndefined();
    expect(written(active, leaveAudience(DEVICE))).toEqual({ ...active, audience: {} });
  });

  it('has nobody live who lacks an event, or whose lane is not the active one any more', () => {
    for (const [n, seq] of around(10).entries()) {
      expect(how(written(active, makeLiveBeside(DEVICE, live, seq, LANE)))).toBe(n > 0 ? live : undefined);
      expect(how(written(active, makeLiveAtRest(DEVICE, live, seq, SLOT)))).toBe(n > 0 ? live : undefined);
    }
    expect(written(active, makeLiveBeside(DEVICE, live, 10, asLaneId('far')))).toBeUndefined();
    expect(
      written({ ...idle, audience: active.audience }, makeLiveBeside(DEVICE, live, 10, LANE)),
    ).toBeUndefined();
    expect(written(active, makeLiveAtRest(DEVICE, live, 10, undefined))).toBeUndefined();
    expect(written(active, makeLiveAtRest(DEVICE, live, 10, OTHER))).toBeUndefined();
  });
});

describe('a session that is deleted', () => {
  it('is one that was there when it was asked for, and only what is needed is left of it', () => {
    for (const [n, at] of around(idle.created).entries()) {
      const deleted = written({ ...active, name: 'Soup' }, markDeleted(epochMs(at), LATER));
      expect(deleted).toEqual(
        n === 0 ? undefined : { ...idle, audience: active.audience, deleted: at, expires: LATER },
      );
    }
    expect(written(idle, markTold())).toBeUndefined();
    expect(written({ ...idle, deleted: AT }, markTold())).toMatchObject({ told: true });
  });
});

describe('a fork', () => {
  const facts = {
    principal: ANN,
    sessionId: ID,
    created: AT,
    seq: 10,
    entry: 5,
    forkedFrom: { sessionId: asSessionId('old'), before: 6 },
    copying: { created: epochMs(1), to: 0 },
    expires: EXPIRES,
  };
  const more = {
    name: 'Soup',
    agent: 'cook',
    promptFrom: 2,
    promptShapes: [{ model: 'p:m' }],
    compactedTo: 3,
  };
  const half = { ...facts, name: 'Soup' } as Session;

  it('P10: takes an id that nobody has had, with all that it has from its origin', () => {
    expect(written(undefined, beginFork(facts))).toEqual(facts);
    expect(written(undefined, beginFork({ ...facts, ...more }))).toEqual({ ...facts, ...more });
    for (const item of [idle, { ...idle, deleted: AT }, half])
      expect(written(item, beginFork(facts))).toBeUndefined();
  });

  it('remembers how far it is copied, and does not go back', () => {
    const begun = { ...half, copying: { created: epochMs(1), to: 7 } };
    for (const [n, to] of around(7).entries())
      expect(written(begun, rememberCopied(to))?.copying?.to).toBe(n === 0 ? undefined : to);
    expect(written(begun, rememberCopied(9))?.copying).toEqual({ created: 1, to: 9 });
  });

  it('becomes a session or is given up, once', () => {
    const { copying: _, ...whole } = half;
    expect(written(half, finishFork(LATER))).toEqual({ ...whole, queue: {}, audience: {}, expires: LATER });
    const { name: __, ...unnamed } = half;
    expect(written(half, giveUpFork(AT, LATER))).toEqual({
      ...unnamed,
      deleted: AT,
      queue: {},
      expires: LATER,
    });
    for (const item of [idle, { ...half, deleted: AT }])
      for (const update of [finishFork(LATER), giveUpFork(AT, LATER), rememberCopied(9)])
        expect(written(item, update)).toBeUndefined();
  });
});
