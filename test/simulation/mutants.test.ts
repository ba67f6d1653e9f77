import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS, UNSEEN } from './mutants.ts';

describe('mutants', () => {
  it('have names of their own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it.each([...MUTANTS, ...UNSEEN])('$name changes the product', ({ patches }) => {
    for (const [file, find, replace] of patches) {
      const source = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
      expect(source.split(find), `${file}: ${find}`).toHaveLength(2);
      expect(replace).not.toBe(find);
    }
  });
});
