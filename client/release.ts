import { buildClient } from './build.ts';

/** `npm run build:client`, and part of `npm pack`: builds the client's package. */

await buildClient();
