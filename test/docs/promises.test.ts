import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS, UNSEEN } from '../simulation/mutants.ts';
import { exists, linksOf, pageAt, ROOT, resolveLink } from './markdown.ts';

const PROMISES = Array.from({ length: 14 }, (_, i) => `P${i + 1}`);
const MUTANT_NAMES = new Set([...MUTANTS, ...UNSEEN].map(({ name }) => name));

const architecture = pageAt('docs/architecture.md');
const rows = new Map(
  [...architecture.prose.matchAll(/^\| <a id="(p\d+)"><\/a>(.*)$/gm)].map(([row, id = '']) => [
    id.toUpperCase(),
    row,
  ]),
);

/** `name` ([file](target)): the name, and the file in which it must be. */
const namesIn = (row: string) =>
  [...row.matchAll(/((?:`[\w.]+`(?:, | and |: )?)+) ?\(\[[^\]]+\]\(([^)]+)\)\)/g)].flatMap(
    ([, names = '', target = '']) =>
      [...names.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => ({ name, target })),
  );

describe('the promises', () => {
  it('are in the README, each with a link to its row of the architecture', () => {
    const targets = linksOf(pageAt('README.md').prose)
      .filter(({ text }) => /^\**P\d+/.test(text))
      .map(({ target }) => target);
    expect(targets).toEqual(PROMISES.map((promise) => `docs/architecture.md#${promise.toLowerCase()}`));
  });

  it('have a row each in the architecture, with a write, a race and what shows it', () => {
    expect([...rows.keys()]).toEqual(PROMISES);
    for (const [promise, row] of rows) expect(row.split(' | '), promise).toHaveLength(4);
  });

  it.each(PROMISES)('%s: functions, scenarios and mutants of its row exist', (promise) => {
    const row = rows.get(promise) ?? '';
    const shown = row.split(' | ').at(-1) ?? '';
    for (const { name, target } of namesIn(row)) {
      const { path = '' } = resolveLink(architecture, { text: name, target }) ?? {};
      const source = readFileSync(join(ROOT, path), 'utf8');
      expect(source, `${path}: ${name}`).toContain(name.split('.').at(-1));
    }
    for (const [, list = ''] of shown.matchAll(/scenarios? ((?:`[\w-]+`(?:, )?)+)/g))
      for (const [, name] of list.matchAll(/`([\w-]+)`/g))
        expect(exists(`test/scenarios/${name}.test.ts`), `scenario ${name}`).toBe(true);
    for (const [, list = ''] of shown.matchAll(/mutants? ((?:`[\w-]+`(?:, )?)+)/g))
      for (const [, name] of list.matchAll(/`([\w-]+)`/g))
        expect(MUTANT_NAMES, `mutant ${name}`).toContain(name);
  });
});
