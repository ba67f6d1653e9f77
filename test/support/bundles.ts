import { join } from 'node:path';
import { type BuildOptions, project } from '../../local/build.ts';

/**
 * The functions' bundles that all clouds of a test run start from. They are built once, before the first test, into a
 * folder that no other build writes to: `npm run build` or `cdk deploy` beside a test run removes old chunks of its own only.
 */
export const TEST_BUNDLES = join(import.meta.dirname, '..', '..', 'dist', 'test', 'functions');

export const testBuild = (): BuildOptions => ({ ...project(), outdir: TEST_BUNDLES });
