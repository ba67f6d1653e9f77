import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { fillIn, PAGE } from './page.ts';

it('docs/settings.md is what the settings tables say: `npm run settings` writes it', async () => {
  const page = await readFile(PAGE, 'utf8');
  expect(page).toBe(await fillIn(page));
});

it('a page that has lost one of its tables is refused', async () => {
  await expect(fillIn('# Settings\n')).rejects.toThrow('docs/settings.md has no place for "functions"');
});
