import { describe, expect, it } from 'vitest';
import { asSessionKey } from '../../core/ids.ts';
import type { Log } from '../../core/ports.ts';
import { loggedMilestones } from './milestones.ts';

function given(percent: number) {
  const lines: unknown[] = [];
  const log: Log = { info: (...line) => lines.push(line), warn() {}, error() {}, with: () => log };
  return { lines, milestones: loggedMilestones(log, percent) };
}

const sessions = Array.from({ length: 2000 }, (_, n) => asSessionKey(`acme#ann#session-${n}`));

describe('lines about healthy messages', () => {
  it.each([
    [0, 0, 0],
    [10, 140, 260],
    [50, 900, 1100],
    [100, 2000, 2000],
  ])('at %d %% are those of so many of a hundred sessions', (percent, least, most) => {
    const { lines, milestones } = given(percent);
    for (const session of sessions) milestones.reached('turn ended', session, {});
    expect(lines.length).toBeGreaterThanOrEqual(least);
    expect(lines.length).toBeLessThanOrEqual(most);
  });

  it('are all of a session’s or none, in whatever function, and those of fewer sessions are among those of more', () => {
    const [few, more] = [given(20), given(40)];
    for (const session of sessions) {
      for (const milestone of ['message accepted', 'turn ended'] as const) {
        few.milestones.reached(milestone, session, { session });
        more.milestones.reached(milestone, session, { session });
      }
    }
    const counts = (lines: unknown[]) =>
      Map.groupBy(lines as [string, { session: string }][], ([, fields]) => fields.session);
    for (const lines of counts(few.lines).values()) expect(lines).toHaveLength(2);
    expect([...counts(more.lines).keys()]).toEqual(expect.arrayContaining([...counts(few.lines).keys()]));
    expect(counts(few.lines).size).toBeGreaterThan(0);
  });

  it('have the session and the fields', () => {
    const { lines, milestones } = given(100);
    milestones.reached('first text', asSessionKey('t#s#i'), { turn: 'x' });
    expect(lines).toEqual([['first text', { session: 't#s#i', turn: 'x' }]]);
  });
});
