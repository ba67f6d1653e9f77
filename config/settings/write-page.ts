import { readFile, writeFile } from 'node:fs/promises';
import { fillIn, PAGE } from './page.ts';

/** `npm run settings`: writes the tables of docs/settings.md. */

await writeFile(PAGE, await fillIn(await readFile(PAGE, 'utf8')));
