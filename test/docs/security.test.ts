import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOCAL_SETTINGS } from '../../config/settings/local.ts';
import { settingsIn } from '../../config/settings/read.ts';
import { FUNCTION_SETTINGS, STACK_SETTINGS } from '../../config/settings/table.ts';
import { exists, pageAt, ROOT } from './markdown.ts';

const { prose } = pageAt('SECURITY.md');
const model = prose.slice(prose.indexOf('## Threat model'), prose.indexOf('## Controls'));
const rows = model
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| could '))
  .map((line) => line.slice(2, -2).split(' | '));
/** `file`, or `file`, "a part of the title of a test in it". */
const SHOWN = /`([\w/.-]+\.test\.ts)`(?:, "([^"]+)")?/g;

describe('the threat model', () => {
  it('has an attack, what stands against it, and what shows that, in each row', () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const cells of rows) expect(cells, cells[0]).toHaveLength(3);
  });

  it.each(rows)('shows it by a test: %s', (_attack, _defence, shown = '') => {
    const tests = [...shown.matchAll(SHOWN)];
    expect(tests.length).toBeGreaterThan(0);
    for (const [, file = '', title] of tests) {
      expect(exists(file), file).toBe(true);
      if (title) expect(readFileSync(join(ROOT, file), 'utf8'), file).toContain(title);
    }
  });

  it('names every attack of test/security', () => {
    for (const file of globSync('test/security/*.test.ts', { cwd: ROOT })) expect(model).toContain(file);
  });

  it('names settings and promises that exist', () => {
    const known = new Set(
      [FUNCTION_SETTINGS, STACK_SETTINGS, LOCAL_SETTINGS]
        .flatMap(settingsIn)
        .map(({ setting }) => setting.name),
    );
    for (const [name] of prose.matchAll(/MIDTURN_[A-Z_]+/g)) expect(known).toContain(name);
    for (const [, n] of prose.matchAll(/\[P(\d+)\]/g)) expect(Number(n)).toBeLessThanOrEqual(14);
  });
});
