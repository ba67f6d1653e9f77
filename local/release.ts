import { checkAgent } from './agent-check.ts';
import { buildFunctions, release } from './build.ts';
import { LocalCloudError } from './errors.ts';

/** `npm run build:functions`, which `cdk` runs too: checks the agent, and bundles the functions for a deployment. */

try {
  await checkAgent(process.env);
  await buildFunctions(release());
} catch (error) {
  console.error(error instanceof LocalCloudError ? error.message : error);
  process.exitCode = 1;
}
