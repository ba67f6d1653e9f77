import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS, UNSEEN } from '../simulation/mutants.ts';
import { linksOf, pageAt, ROOT } from './markdown.ts';

const FOLDER = 'docs/decisions';
const MUTANT_NAMES = new Set([...MUTANTS, ...UNSEEN].map(({ name }) => name));

const records = readdirSync(join(ROOT, FOLDER))
  .filter((file) => file !== 'README.md')
  .toSorted()
  .map((file) => ({ file, text: pageAt(`${FOLDER}/${file}`).text }));

describe('the decisions', () => {
  it('are all in the index, each once, with its number and title', () => {
    const links = linksOf(pageAt(`${FOLDER}/README.md`).prose).filter(({ target }) => /^\d{4}-/.test(target));
    expect(links.map(({ target }) => target).toSorted()).toEqual(records.map(({ file }) => file));
    for (const { text, target } of links) expect(target.startsWith(`${text}-`), target).toBe(true);
  });

  it('have numbers of their own', () => {
    const numbers = records.map(({ file }) => file.slice(0, 4));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it.each(records)('$file has the form of a record', ({ file, text }) => {
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toMatch(new RegExp(`^# ${file.slice(0, 4)}\\. \\S`));
    expect(lines[2]).toMatch(/^Status: (accepted|superseded by \d{4})$/);
    expect([...text.matchAll(/^\*\*(\w[\w ]*)\.\*\*/gm)].map(([, part]) => part)).toEqual([
      'Context',
      'Decision',
      'Alternatives',
      'Shown by',
    ]);
    expect(lines.length).toBeLessThanOrEqual(25);
  });

  it.each(records)('$file names tests and mutants that exist', ({ text }) => {
    const shown = (text.split('**Shown by.**')[1] ?? '').replace(/\s+/g, ' ');
    for (const [, file = '', title = ''] of shown.matchAll(/`([\w/.-]+\.test\.ts)`,\s+"([^"]+)"/g)) {
      const source = readFileSync(join(ROOT, file), 'utf8').toLowerCase();
      expect(source, file).toContain(title.toLowerCase());
    }
    for (const [, list = ''] of text.matchAll(/[Mm]utants? ((?:`[\w-]+`(?:,\s+|\s+and\s+)?)+)/g))
      for (const [, name] of list.matchAll(/`([\w-]+)`/g)) expect(MUTANT_NAMES).toContain(name);
  });
});
