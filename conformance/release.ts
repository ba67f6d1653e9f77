import { buildKit } from './build.ts';

/** Part of `npm pack`: builds the kit's package. */

await buildKit();
