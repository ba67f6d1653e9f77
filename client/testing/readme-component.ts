import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The component of the README's part about React, as it stands there. */
export async function readmeComponent(): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const blocks = readme.split('```tsx\n').slice(1);
  const block = blocks.find((text) => text.includes("from 'midturn-client/react'"));
  if (block === undefined) throw new Error('The README has no component.');
  return block.slice(0, block.indexOf('```')).trimEnd();
}
