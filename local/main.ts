import { checkAgent } from './agent-check.ts';
import { buildPage } from './page-build.ts';
import { failWith, runLocalCloud } from './run.ts';
import { operatorsEnvironment, startOptions } from './start-options.ts';

/** `npm start`: runs the local cloud until it is stopped. `--verbose` prints all output of the functions. */
async function main(): Promise<void> {
  const verbose = process.argv.includes('--verbose');
  const hint = await checkAgent(process.env);
  if (hint) console.error(hint);
  const cloud = await runLocalCloud(startOptions(process.env, { verbose }), buildPage);
  if (verbose) console.error(operatorsEnvironment(cloud));
}

main().catch(failWith);
