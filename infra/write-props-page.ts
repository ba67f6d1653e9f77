import { readFile, writeFile } from 'node:fs/promises';
import { fillInProps, PROPS_PAGE } from './props-page.ts';

/** `npm run settings`: writes the table of docs/construct.md. */

await writeFile(PROPS_PAGE, await fillInProps(await readFile(PROPS_PAGE, 'utf8')));
