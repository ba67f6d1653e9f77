import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EpochMs, epochMs } from '../../config/units.ts';
import { cases } from '../../test/support/sample.ts';
import { asSessionId } from '../ids.ts';
import { principalSpendKey, sessionOf, tenantSpendKeys } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { countSpend, dayOf, nextDay, readSpend } from './spend.ts';

const NOON = Date.UTC(2026, 10, 30, 12);
const MINUTE = 60_000;
/** No function is paused for longer: marks are kept for 20 minutes at least. */
const LONGEST_PAUSE = 20 * MINUTE;
const sessions = ['a', 'b', 'c'].map((id) => sessionOf({ tenant: 't', subject: 'ann' }, asSessionId(id)));
const [SESSION] = sessions as [ReturnType<typeof sessionOf>];
const owed = (tokens: number) => ({ day: '2026-11-30', turns: 1, tokens, nano: 2 * tokens });

/** Writes may take effect while their answers are lost, and may come a second time, later. */
function given() {
  const table = new MemoryTable();
  let ghosts: { run: () => unknown; since: EpochMs }[] = [];
  let now: EpochMs = epochMs(NOON);
  let trouble: 'none' | 'answer lost' | 'late duplicate' = 'none';
  const store = memoryStore(table, async (call, run) => {
    if (!isWrite(call)) return run();
    if (trouble === 'late duplicate') ghosts.push({ run, since: now });
    if (trouble === 'answer lost') {
      // The SDK repeats it.
      trouble = 'none';
      run();
    }
    return run();
  });
  const core = memoryCore({ store, clock: { now: () => now, sleep: async () => {} } });
  return {
    core,
    /** A worker that is paused before it counts this. */
    pause: (run: () => unknown) => void ghosts.push({ run, since: now }),
    /** Whatever of those comes through now whose function can still run. */
    comeLate: async (n: number) => {
      ghosts = ghosts.filter(({ since }) => now - since <= LONGEST_PAUSE);
      if (ghosts.length > 0) await ghosts[n % ghosts.length]?.run();
    },
    spend: () => table.get(principalSpendKey(SESSION, '2026-11-30')),
    wait: (minutes: number) => {
      now = epochMs(now + minutes * MINUTE);
    },
    with: (more: typeof trouble) => {
      trouble = more;
    },
  };
}

const step = fc.record({
  session: fc.nat({ max: 2 }),
  tokens: fc.nat({ max: 1000 }),
  repeats: fc.nat({ max: 2 }),
  trouble: fc.constantFrom('none', 'answer lost', 'late duplicate'),
  waits: fc.constantFrom(0, 1, 7, 15, 25),
  /** Which late duplicate comes through now. */
  ghost: fc.nat({ max: 5 }),
});

describe('what sessions use in a day', () => {
  it('P8: is counted once, whoever repeats a count, and whatever comes through late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const { core, comeLate, pause, spend, wait, with: injure } = given();
        let expected = 0;
        for (const [n, { session, tokens, repeats, trouble, waits, ghost }] of steps.entries()) {
          const key = sessions[session] ?? SESSION;
          expected += tokens;
          injure(trouble);
          const count = () => countSpend(core, key, 'principal', { mark: n + 1, owed: owed(tokens) });
          for (let times = 0; times <= repeats; times++) await count();
          pause(count);
          injure('none');
          wait(waits);
          await comeLate(ghost);
        }
        expect(spend()).toMatchObject({ turns: steps.length, tokens: expected, nano: 2 * expected });
      }),
      { numRuns: cases(500) },
    );
  });

  it('is all there for functions that count at the same time', async () => {
    const { core, spend } = given();
    const counts = sessions.flatMap((session, i) =>
      [1, 2, 3].map(
        (mark) => () => countSpend(core, session, 'principal', { mark, owed: owed(10 * i + mark) }),
      ),
    );
    const [firsts, seconds, thirds] = [0, 1, 2].map((n) => counts.filter((_, i) => i % 3 === n));
    for (const together of [firsts, seconds, thirds]) await Promise.all((together ?? []).map((one) => one()));
    expect(spend()).toMatchObject({ turns: 9, tokens: 3 * 6 + 3 * 30 });
  });

  it('keeps the marks of the sessions of the last two windows alone', async () => {
    const { core, spend, wait } = given();
    for (let n = 0; n < 100; n++) {
      const session = sessionOf({ tenant: 't', subject: 'ann' }, asSessionId(`s${n}`));
      await countSpend(core, session, 'principal', { mark: 1, owed: owed(1) });
      wait(2);
    }
    const { marks = {}, earlier = {}, tokens } = spend() ?? {};
    expect(tokens).toBe(100);
    expect(Object.keys(marks).length + Object.keys(earlier).length).toBeLessThanOrEqual(20);
  });

  it('does not name sessions or principals in the item of a tenant', async () => {
    const { core } = given();
    const session = sessionOf({ tenant: 't', subject: 'ann-of-acme' }, asSessionId('her-session'));
    await countSpend(core, session, 'tenant', { mark: 1, owed: owed(1) });
    const items = await core.store.query(...tenantSpendKeys(session, '2026-11-30'));
    expect(items).toHaveLength(1);
    expect(JSON.stringify(items)).not.toMatch(/ann|her/);
  });

  it('of a tenant is the sum over items that each remember a share of its sessions, so that none grows with all of them', async () => {
    const { core } = given();
    const sessions = Array.from({ length: 1280 }, (_, n) =>
      sessionOf({ tenant: 't', subject: `s${n % 7}` }, asSessionId(`session-${n}`)),
    );
    for (const session of sessions) {
      await countSpend(core, session, 'tenant', { mark: 1, owed: owed(3) });
      await countSpend(core, session, 'tenant', { mark: 1, owed: owed(3) });
    }
    const of = sessionOf({ tenant: 't', subject: '' }, asSessionId(''));
    const sum = { turns: 1280, tokens: 3 * 1280, nano: 6 * 1280 };
    expect(await readSpend(core, of, 'tenant', '2026-11-30')).toEqual(sum);
    const items = await core.store.query(...tenantSpendKeys(of, '2026-11-30'));
    expect(items).toHaveLength(64);
    expect(Math.max(...items.map(({ marks }) => Object.keys(marks).length))).toBeLessThan(60);
    const other = sessionOf({ tenant: 'u', subject: 's0' }, asSessionId('session-0'));
    expect(await readSpend(core, other, 'tenant', '2026-11-30')).toEqual({ turns: 0, tokens: 0, nano: 0 });
  });

  it('is of a day in UTC', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4_000_000_000 }), fc.boolean(), (seconds, atMidnight) => {
        const now = epochMs((atMidnight ? seconds - (seconds % 86_400) : seconds) * 1000);
        const next = nextDay(now);
        expect(next).toBeGreaterThan(now);
        expect(dayOf(epochMs(next - 1))).toBe(dayOf(now));
        expect(dayOf(next)).not.toBe(dayOf(now));
      }),
      { numRuns: cases(200) },
    );
  });
});
