import { buildFunctions } from '../local/build.ts';

/** Once for the whole test run: every local cloud starts its functions from these bundles. */
export default async function setup(): Promise<void> {
  await buildFunctions();
}
