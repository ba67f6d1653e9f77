import { describe, expect, it } from 'vitest';
import { changedLines } from './changed.ts';
import { faultsOf, withFault } from './operators.ts';
import { pageOf } from './page.ts';
import { showFault } from './stages.ts';
import { failingCopies } from './type-check.ts';

const FILE = 'core/example.ts';

/** The sources that an operator makes of one. */
const made = (operator: string, text: string) =>
  faultsOf(FILE, text)
    .filter((fault) => fault.operator === operator)
    .map((fault) => withFault(text, fault));

describe('an operator of faults', () => {
  it.each([
    ['limit moved by one', 'f(a < b);', ['f(a <= b);']],
    ['comparison negated', 'f(a === b);', ['f(a !== b);']],
    ['arithmetic the other way', 'f(a + b);', ['f(a - b);']],
    ['assignment the other way', 'a += b;', ['a -= b;']],
    ['`and` for `or`', 'f(a && b);', ['f(a || b);']],
    ['operand dropped', 'f(a ?? b);', ['f(a);']],
    ['number plus one', 'f(12);', ['f(13);']],
    ['boolean inverted', 'f(true);', ['f(false);']],
    ['bytes as units', 'f(Buffer.byteLength(a));', ['f((a).length);']],
    ['await dropped', 'await f();', ['f();']],
    ['arguments swapped', 'f(a, b, c);', ['f(b, a, c);', 'f(a, c, b);']],
    ['condition negated', 'f(a ? b : c);', ['f(!(a) ? b : c);']],
    ['guard dropped', 'if (a) throw b;', ['{}']],
    ['statement dropped', 'f(); g();', ['; g();', 'f(); ;']],
    ['handler dropped', 'try { f(); } catch { g(); }', ['try { f(); } catch {}']],
    ['property dropped', 'f({ a, ...b });', ['f({ ...{}, ...b });', 'f({ a, ...{} });']],
    ['other method', 'f(Math.min(a, b));', ['f(Math.max(a, b));']],
  ])('%s: %s', (operator, text, expected) => {
    expect(made(operator, text)).toEqual(expected);
  });

  it('leaves types, imports and logs alone, which are no behaviour', () => {
    const text = "import { a } from './1.ts';\ntype T = { n: 1 };\nlog.warn('x', { n: 1 });\n";
    expect(faultsOf(FILE, text).filter(({ operator }) => operator !== 'statement dropped')).toEqual([]);
  });

  it('names the line of its fault', () => {
    expect(faultsOf(FILE, 'f();\n\nf(1);').filter(({ after }) => after === '2')).toMatchObject([{ line: 3 }]);
  });
});

it('a fault that does not compile is left out, also beside one that is not even parsed', async () => {
  const copies = new Map(
    [
      'export const a: number = 1;',
      "export const a: number = '';",
      'export const a = 1 ?? 2 || 3;',
      'f(;',
    ].map((text, n) => [`copy-${n}`, new Map([['core/turn/example.ts', text]])] as const),
  );
  expect([...(await failingCopies(copies))].toSorted()).toEqual(['copy-1', 'copy-2', 'copy-3']);
});

describe('what changed', () => {
  it('is the new lines of source files, and not of tests', () => {
    const lines = changedLines([
      '+++ b/core/turn/end.ts',
      '@@ -3 +3,2 @@ f',
      '@@ -9,2 +10 @@ f',
      '@@ -20,2 +18,0 @@ f',
      '+++ b/core/turn/end.test.ts',
      '@@ -1 +1 @@',
    ]);
    expect([...lines.keys()]).toEqual(['core/turn/end.ts']);
    const [counts] = lines.values();
    expect([...Array(25).keys()].filter((line) => counts?.(line))).toEqual([3, 4, 10]);
  });
});

describe('a fault', () => {
  const stage = (name: string, code: string, limitMs = 60_000) => ({
    name,
    of: /^core\//,
    command: () => ['-e', code],
    limitMs,
  });

  it('is shown by the first stage that fails', async () => {
    const stages = [stage('a', ''), stage('b', 'process.exit(1)'), stage('c', 'process.exit(1)')];
    expect(await showFault('.', FILE, stages)).toMatchObject({ stage: 'b', by: undefined });
  });

  it('survives if all stages pass, and none but those of its file are run', async () => {
    expect(await showFault('.', FILE, [stage('a', '')])).toBeUndefined();
    expect(await showFault('.', 'infra/a.ts', [stage('b', 'process.exit(1)')])).toBeUndefined();
  });

  it('is shown by a stage that never ends', async () => {
    expect(await showFault('.', FILE, [stage('a', 'for(;;);', 100)])).toMatchObject({ stage: 'a' });
  });

  it.each([
    ['\u001b[31m FAIL \u001b[39m |fast| core/a.test.ts > a > b', 'core/a.test.ts > a > b'],
    ['BROKEN P3: 2 times', 'P3: 2 times'],
  ])('is shown by the first test or promise that fails: %j', async (line, by) => {
    const code = `console.log(${JSON.stringify(line)}); process.exit(1)`;
    expect(await showFault('.', FILE, [stage('a', code)])).toMatchObject({ by });
  });

  it('is not shown by what fails without it too', async () => {
    const shown = await showFault('.', FILE, [stage('a', 'process.exit(1)')]);
    expect(await shown?.passesWithoutFault()).toBe(false);
  });

  it('that survives is on the page with its place and both texts; figures are by area', () => {
    const fault = faultsOf(FILE, 'f(a < b);').find(({ operator }) => operator === 'limit moved by one');
    if (!fault) throw new Error('no fault');
    const file = 'core/turn/a.ts';
    const page = pageOf(
      [
        { ...fault, file, shownBy: undefined },
        { ...fault, file, shownBy: 'simulation' },
        { ...fault, file: FILE, shownBy: 'simulation' },
      ],
      { all: 9, command: 'npm run mutants -- core', date: '2026-01-02' },
    );
    expect(page).toContain('2026-01-02. 3 of the 9 ');
    expect(page).toContain('| core | 1 | 0 | 1 | 100 % |\n| core/turn | 2 | 0 | 1 | 50 % |');
    expect(page).toContain(`\`${file}:1\`, limit moved by one:\n\n      - a < b\n      + a <= b`);
  });
});
