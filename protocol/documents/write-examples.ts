import { writeFile } from 'node:fs/promises';
import { buildFunctions } from '../../local/build.ts';
import { testBuild } from '../../test/support/bundles.ts';
import { EXAMPLES_FILE } from './examples.ts';
import { recordScenes } from './record.ts';

/** Part of `npm run protocol:record`: records the examples of the documents. */

await buildFunctions(testBuild());
await writeFile(EXAMPLES_FILE, `${JSON.stringify(await recordScenes(), null, 2)}\n`);
