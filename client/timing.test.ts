import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CatchUp } from './catch-up.ts';
import { Repeats } from './repeats.ts';
import { initialState, type State } from './state.ts';
import { NEVER, retryDelay } from './timing.ts';

const NOW = 1_800_000_000_000;
const SECOND = 1000;

/** The pauses of what asks again as long as nobody answers, in seconds. `ask` asks, and returns when it is due again. */
function pausesOf(ask: (now: number) => number | undefined): number[] {
  let now = NOW;
  return Array.from({ length: 7 }, () => {
    const next = ask(now) ?? Number.NaN;
    const pause = next - now;
    now = next;
    return pause / SECOND;
  });
}

const open = (...keys: string[]) => new Map(keys.map((key) => [key, key]));

describe('what nobody answers is asked again, with pauses that double up to a limit', () => {
  it('an abort, an approval or a withdrawal', () => {
    const repeats = new Repeats();
    const ask = (now: number) => {
      expect(repeats.takeDue(open('abort'), now)).toEqual(['abort']);
      expect(repeats.takeDue(open('abort'), now + 5 * SECOND - 1)).toEqual([]);
      return repeats.nextDue;
    };
    expect(pausesOf(ask)).toEqual([5, 10, 20, 30, 30, 30, 30]);
    repeats.startOver();
    expect(pausesOf(ask).slice(0, 2)).toEqual([5, 10]);
  });

  it('and is not sent before the end of a limit, also what is new, and then is sent at once', () => {
    const repeats = new Repeats();
    expect(repeats.takeDue(open('abort'), NOW)).toEqual(['abort']);
    repeats.hold(NOW + 20 * SECOND);
    expect(repeats.nextDue).toBe(NOW + 20 * SECOND);
    expect(repeats.takeDue(open('abort', 'cancel'), NOW + 20 * SECOND - 1)).toEqual([]);
    expect(repeats.takeDue(open('abort', 'cancel'), NOW + 20 * SECOND)).toEqual(['abort', 'cancel']);
  });

  it('what is new during a limit has its time at the end, and a shorter limit does not end the longer one', () => {
    const repeats = new Repeats();
    repeats.hold(NOW + 20 * SECOND);
    repeats.hold(NOW + 5 * SECOND);
    expect(repeats.takeDue(open('abort'), NOW + 10 * SECOND)).toEqual([]);
    expect(repeats.nextDue).toBe(NOW + 20 * SECOND);
    expect(repeats.takeDue(open('abort'), NOW + 20 * SECOND)).toEqual(['abort']);
  });

  it('P9: a missing event, anew after progress', () => {
    const catchUp = new CatchUp();
    const behind = (cursor: number): State => ({ ...initialState('s'), cursor, heard: 9 });
    const ask = (cursor: number) => (now: number) => {
      expect(catchUp.isDue(behind(cursor), now)).toBe(true);
      catchUp.asked(cursor, now);
      expect(catchUp.isDue(behind(cursor), now + 2 * SECOND - 1)).toBe(false);
      return catchUp.nextDue(behind(cursor));
    };
    expect(pausesOf(ask(7))).toEqual([2, 4, 8, 16, 30, 30, 30]);
    catchUp.startOver();
    expect(pausesOf(ask(8)).slice(0, 3)).toEqual([2, 4, 8]);
  });

  it.each([
    [8, 0],
    [7, 2 * SECOND],
  ])('P9: what is missing after an answer that brought events up to %i, in %i ms', (cursor, pause) => {
    const catchUp = new CatchUp();
    const behind: State = { ...initialState('s'), cursor, heard: 9 };
    catchUp.asked(7, NOW);
    catchUp.answered(cursor);
    expect(catchUp.isDue(behind, NOW + pause)).toBe(true);
    if (pause > 0) expect(catchUp.isDue(behind, NOW + pause - 1)).toBe(false);
  });

  it('P9: a turn that is silent, anew after an event', () => {
    const catchUp = new CatchUp();
    const activeTurn = { turnId: 't', step: 1, startedAt: NOW, stopping: false };
    const running: State = { ...initialState('s'), cursor: 7, heard: 7, activeTurn };
    const ask = (now: number) => {
      const due = catchUp.nextDue(running);
      expect(catchUp.isDue(running, due - 1)).toBe(false);
      expect(catchUp.isDue(running, due)).toBe(true);
      expect(now).toBeLessThan(due);
      return due;
    };
    catchUp.heard(NOW);
    const pauses = pausesOf(ask);
    expect(pauses).toEqual([15, 30, 60, 120, 120, 120, 120]);
    const later = NOW + pauses.reduce((sum, pause) => sum + pause * SECOND, 0);
    catchUp.heard(later);
    catchUp.eased();
    expect(catchUp.nextDue(running)).toBe(later + 15 * SECOND);
    expect(catchUp.nextDue({ ...running, activeTurn: undefined })).toBe(NEVER);
  });
});

it('clients that lost one server come back spread over a time that doubles up to 30 s', () => {
  const attempts = fc.nat({ max: 1000 });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(attempts, random, (attempt, part) => {
      const most = Math.min(30 * SECOND, 500 * 2 ** attempt);
      expect(Math.abs(retryDelay(attempt, part) - (100 + part * most))).toBeLessThanOrEqual(0.5);
    }),
  );
});
