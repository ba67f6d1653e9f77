import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText, around, brokenText, textOfBytes, WRITTEN } from '../../test/support/text.ts';
import type { Core } from '../core.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { CallPreparation } from '../model.ts';
import { PreparationError } from '../preparation-error.ts';
import type { Session } from '../store/items.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import { TurnOpening } from './opening.ts';

/** What the agent's code is asked when a turn opens. */

const session = { principal: { tenant: 'acme', subject: 'ann' }, sessionId: 's' } as unknown as Session;
const [M1, M2] = [asMessageId('m1'), asMessageId('m2')];
const [T1, T2] = [asTurnId('t1'), asTurnId('t2')];
const MAX_PREPARED_BYTES = 16_384;
const MAX_PATH_BYTES = 64;

function given(preparation?: CallPreparation, name?: string) {
  const logged: string[] = [];
  const note = (...line: unknown[]) => void logged.push(JSON.stringify(line));
  const log: Core['log'] = { info: note, warn: note, error: note, with: () => log };
  const core = memoryCore({ log, clock: virtualClock() });
  const opening = new TurnOpening({
    core,
    ...(preparation && { preparation }),
    ...(name !== undefined && { name }),
  });
  return { opening, logged };
}

const taken: CallPreparation['check'] = async (options) => ({ options });

describe('the options of a message', () => {
  it('are checked once by each worker, and where a message has none, as `{}` where it begins a turn', async () => {
    const checked: unknown[] = [];
    const { opening } = given({
      check: async (options) => {
        checked.push(options);
        return { options };
      },
    });
    for (let n = 0; n < 2; n++) {
      await opening.check(M1, {}, { begins: true });
      await opening.check(M2, { options: { n: 2 } }, { begins: false });
    }
    expect(await opening.check(asMessageId('m3'), {}, { begins: false })).toEqual({ options: undefined });
    expect(checked).toEqual([{}, { n: 2 }]);
  });

  it('that do not fit are refused with the beginning of the field’s name, in at most 64 bytes of whole characters', async () => {
    await fc.assert(
      fc.asyncProperty(brokenText(), fc.integer({ min: 1, max: 20 }), async (part, times) => {
        const path = part.repeat(times);
        const { opening } = given({ check: async () => ({ path }) });
        const { refused } = await opening.check(M1, { options: {} }, { begins: true });
        if (refused?.code !== 'OPTIONS_INVALID' || refused.path === undefined) throw new Error('it is taken');
        const whole = path.toWellFormed();
        expect(whole.startsWith(refused.path)).toBe(true);
        expect(refused.path.isWellFormed()).toBe(true);
        const bytes = (text: string) => Buffer.byteLength(JSON.stringify(text)) - 2;
        expect(bytes(refused.path)).toBeLessThanOrEqual(MAX_PATH_BYTES);
        const [next] = whole.slice(refused.path.length);
        if (next) expect(bytes(refused.path + next)).toBeGreaterThan(MAX_PATH_BYTES);
      }),
    );
  });

  it.each([
    ['one of several agents serves the session', 'sales', 'AGENT_FIXED'],
    ['there are not several', undefined, 'AGENT_UNAVAILABLE'],
  ])('are not asked about where another agent is asked for, and %s', async (_when, name, code) => {
    const { opening } = given({ check: () => Promise.reject(new Error('asked')) }, name);
    expect(await opening.check(M1, { agent: 'support' }, { begins: true })).toEqual({ refused: { code } });
  });

  it('are taken where the agent is asked for that serves the session', async () => {
    const { opening } = given({ check: taken }, 'sales');
    expect(await opening.check(M1, { agent: 'sales', options: 1 }, { begins: true })).toEqual({ options: 1 });
  });
});

describe('what is prepared for a turn', () => {
  it.each(WRITTEN.filter((unit) => unit.isWellFormed() && JSON.stringify(unit).length === unit.length + 2))(
    'is kept up to 16 KB of its JSON, and not a byte more: %j',
    async (unit) => {
      const kept: boolean[] = [];
      for (const size of around(MAX_PREPARED_BYTES)) {
        const prepared = textOfBytes(size - 2, unit);
        const { opening, logged } = given({ check: taken, prepare: async () => prepared });
        const start = await opening.start({ id: M1, turn: T1, session }, {}, undefined);
        kept.push(start.prepared === prepared);
        expect(logged.some((line) => line.includes('too long'))).toBe(size > MAX_PREPARED_BYTES);
      }
      expect(kept).toEqual([true, true, false]);
    },
  );

  it('is asked for once by each worker, for each turn and each message that begins it', async () => {
    let asked = 0;
    const { opening } = given({ check: taken, prepare: async () => ++asked });
    const start = async (id: typeof M1, turn: typeof T1) =>
      (await opening.start({ id, turn, session }, {}, undefined)).prepared;
    expect([await start(M1, T1), await start(M1, T1)]).toEqual([1, 1]);
    expect([await start(M2, T1), await start(M1, T2), await start(M1, T1)]).toEqual([2, 3, 1]);
  });

  it('has who asks, and all that is known of the message', async () => {
    const callers: unknown[] = [];
    const { opening } = given({ check: taken, prepare: async (caller) => callers.push(caller) });
    const named = { ...session, name: 'My session' } as Session;
    const context = { claims: { role: 'buyer' }, locale: 'pt-PT', timeZone: 'Europe/Lisbon' };
    const start = await opening.start({ id: M1, turn: T1, session: named }, context, { days: 3 });
    expect(callers).toEqual([
      {
        principal: { tenant: 'acme', subject: 'ann' },
        session: { id: 's', name: 'My session' },
        turnId: 't1',
        ...context,
        options: { days: 3 },
      },
    ]);
    expect(start).toEqual({ ...context, name: 'My session', options: { days: 3 }, prepared: 1 });
  });

  it('is missing where the code fails, of which the log has the name of its error, and no word of the conversation', async () => {
    await fc.assert(
      fc.asyncProperty(anyText({ minLength: 4 }), async (said) => {
        const message = `It said: ${said}`;
        const { opening, logged } = given({
          check: taken,
          prepare: () => Promise.reject(new RangeError(message)),
        });
        const start = await opening.start({ id: M1, turn: T1, session }, { locale: 'de' }, undefined);
        expect(start).toEqual({ locale: 'de' });
        expect(logged).toHaveLength(1);
        expect(logged[0]).toContain('RangeError');
        expect(logged[0]).not.toContain('It said');
      }),
      { numRuns: 20 },
    );
    const prepare = () => Promise.reject(new PreparationError('the field "x" is no JSON'));
    const { opening, logged } = given({ check: taken, prepare });
    await opening.start({ id: M1, turn: T1, session }, {}, undefined);
    expect(logged[0]).toContain('the field \\"x\\" is no JSON');
  });

  it('P1: is given up after ten seconds: the message is refused, or its turn begins without', async () => {
    const never = () => new Promise<never>(() => {});
    const { opening, logged } = given({ check: never, prepare: never });
    expect(await opening.check(M1, {}, { begins: true })).toEqual({ refused: { code: 'AGENT_ERROR' } });
    expect(await opening.start({ id: M1, turn: T1, session }, {}, undefined)).toEqual({});
    expect(logged.every((line) => line.includes('LateAnswer'))).toBe(true);
  });
});
