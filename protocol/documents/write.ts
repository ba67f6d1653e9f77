import { generate } from './generate.ts';

/** Part of `npm run protocol`: writes the documents. */

await generate();
