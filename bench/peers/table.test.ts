import { describe, expect, it } from 'vitest';
import { withSection } from '../page.ts';
import { summarize } from '../stats.ts';
import type { PeerFigures, TurnFigures } from './measure.ts';
import type { Outcome } from './outcome.ts';
import { type PeerResult, tablesOf, times } from './table.ts';

const turn = (figures: Partial<TurnFigures>): TurnFigures => ({
  bytesDown: 900,
  bytesUp: 100,
  frames: 10,
  steeringMs: 50,
  steeringInCall: 2,
  calls: 3,
  words: 500,
  wordsAgain: 0,
  seconds: 9,
  ...figures,
});
const outcome = (figures: Partial<Outcome>): Outcome => ({
  shown: 200,
  kept: 200,
  missing: 0,
  repeated: 0,
  missingAfterReload: 0,
  repeatedAfterReload: 0,
  newTextAfterMs: 2100,
  wordsGeneratedAgain: 0,
  wordsTakenBack: 0,
  tokensPaidTwice: 0,
  thoughts: 'kept',
  ...figures,
});
const result = (name: string, figures: Partial<PeerFigures>): PeerResult => ({
  name,
  how: 'somehow',
  versions: { [name]: '1.2.3' },
  seconds: 1,
  figures: {
    firstText: summarize([10]),
    turn: turn({}),
    killed: outcome({}),
    dropped: outcome({}),
    ...figures,
  },
});
/** The cells of the rows that begin with this name, over all tables. */
const rowsOf = (tables: string, name: string) =>
  tables
    .split('\n')
    .filter((line) => line.startsWith(`| ${name} |`))
    .map((line) => line.split(' | ').slice(1).join(' ').replace(' |', ''));

describe('the tables', () => {
  it('have ratios to the first one, then what they are made of, then what became of answers', () => {
    const tables = tablesOf([
      result('ours', {}),
      result('theirs', {
        firstText: summarize([4]),
        turn: turn({ bytesDown: 2900, frames: 30, steeringMs: 100, wordsAgain: 7 }),
        killed: outcome({
          newTextAfterMs: null,
          kept: 0,
          missing: 300,
          wordsTakenBack: 80,
          tokensPaidTwice: 105,
          thoughts: 'lost',
        }),
      }),
    ]);
    expect(rowsOf(tables, 'ours')[0]).toBe('1.00 1.00 1.00 1.00');
    expect(rowsOf(tables, 'theirs')).toEqual([
      '3.00 3.00 2.00 0.40',
      '2,900 100 30 100 2 of 3 7 4.0 4.0',
      'never 0 % 300 0 0 0 0',
      'lost 80 105',
      '2.1 s 100 % 0 0 0 0 0',
    ]);
    expect(tables).toContain('- **theirs**: somehow. theirs 1.2.3.');
  });

  it('show a variant in the reference turn alone', () => {
    const ours = result('ours', { variant: turn({ frames: 20 }) });
    const tables = tablesOf([{ ...ours, variantName: 'otherwise' } as PeerResult]);
    expect(rowsOf(tables, 'otherwise').map((row) => row.trim())).toEqual([
      '1.00 2.00 1.00',
      '900 100 20 50 2 of 3 0',
    ]);
  });

  it('say of one that could not be run why, and nothing else', () => {
    const failed: PeerResult = {
      name: 'theirs',
      how: 'somehow',
      versions: {},
      seconds: 1,
      failed: 'no\nport',
    };
    const tables = tablesOf([result('ours', {}), failed]);
    expect(rowsOf(tables, 'theirs')).toEqual([]);
    expect(tables).toContain('- **theirs**: somehow. Not measured: no port');
    expect(tablesOf([failed])).toBe('- **theirs**: somehow. Not measured: no port');
  });

  it('take the place of those that are on the page, and of nothing else', () => {
    const page =
      'before\n<!-- peers: written by npm run bench:peers -->\nold\n<!-- /peers -->\nafter <!-- /other -->\n';
    const section = { name: 'peers', command: 'npm run bench:peers' };
    const once = withSection(page, section, 'new');
    expect(once).toBe(
      'before\n<!-- peers: written by npm run bench:peers -->\n\nnew\n\n<!-- /peers -->\nafter <!-- /other -->\n',
    );
    expect(withSection(once, section, 'new')).toBe(once);
    expect(() => withSection('no markers', section, 'new')).toThrow('the page has no');
  });

  it('tell small ratios and large ones with as many digits as they are worth', () => {
    expect([times(1, 50), times(1, 2), times(399, 10)]).toEqual(['0.020', '0.50', '39.9']);
  });
});
