import { basename, dirname } from 'node:path';
import { agentAt, checkAgent } from './agent-check.ts';
import { bundlerError } from './agent-module.ts';
import { buildFunctions, project } from './build.ts';
import { LocalCloudError } from './errors.ts';

/**
 * `node bundle-agent <agent> <folder>`: checks an agent, and bundles the turn function with it into the folder. The construct
 * runs it at synth, with the model's settings in the environment.
 */
async function main([agent, folder]: readonly string[]): Promise<void> {
  if (!agent || !folder) throw new LocalCloudError('usage: bundle-agent <agent> <folder>');
  await checkAgent(process.env, agentAt(agent));
  const [turn] = project().groups.flatMap(({ turn }) => turn ?? []);
  if (!turn) throw new Error('There is no turn function.');
  await buildFunctions({
    agent,
    groups: [{ [basename(folder)]: turn }],
    outdir: dirname(folder),
    logLevel: 'silent',
  }).catch((error: unknown) => {
    throw bundlerError(error);
  });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof LocalCloudError ? error.message : error);
  process.exitCode = 1;
});
