import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { POLL_MS, scaled, TEST_MS, WAIT_MS } from './timeouts.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Where the limits are, and this test of them. */
const HERE = ['test/support/timeouts.ts', 'test/support/timeouts.test.ts'];

/** A limit in figures: `timeout: 5000`, or the last argument of a test, a hook or a suite. */
const IN_FIGURES = /\b(?:timeout|hookTimeout|testTimeout):\s*\d|^\s*\}, *[\d_]+,?\s*\);?$/;

it('patience comes from one place: no test has a limit of its own in figures', () => {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.test.ts', 'test/**/*.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const found = files
    .split('\n')
    .filter((file) => file !== '' && !HERE.includes(file))
    .flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, n) => (IN_FIGURES.test(line) ? [`${file}:${n + 1}: ${line.trim()}`] : [])),
    );
  expect(found).toEqual([]);
});

it.each(['  await poll(f, { timeout: 20_000 });', '}, 30_000);', '  }, 5000);'])(
  'and one that had would be found: %j',
  (line) => {
    expect(IN_FIGURES.test(line)).toBe(true);
  },
);

it('all limits grow with the machine by the same factor; a look at something does not', () => {
  const factor = scaled(1);
  expect(factor).toBeGreaterThanOrEqual(1);
  expect([WAIT_MS, TEST_MS]).toEqual([20_000 * factor, 60_000 * factor]);
  expect(POLL_MS).toBe(20);
});
