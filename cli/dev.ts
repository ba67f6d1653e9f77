import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { agentAt, checkAgent } from '../local/agent-check.ts';
import { LocalCloudError } from '../local/errors.ts';
import { failWith, runLocalCloud } from '../local/run.ts';
import { operatorsEnvironment, startOptions } from '../local/start-options.ts';
import { readTheirApp } from './their-app.ts';
import { checkTypes } from './type-check.ts';
import { watchAgent } from './watch-agent.ts';

/** `midturn dev`: runs the app of this folder on this machine, and takes in changes of the agent while it runs. */

const USAGE = `usage: midturn dev [--stack <name>] [--verbose]

Synthesizes the CDK app of this folder and runs its Midturn on this machine, with the app's tables and queues. Changes of the
agent are taken in while it runs: a running turn goes on in the new code, and conversations stay.

  --stack <name>   the stack to run, where several have a Midturn
  --verbose        prints what the functions print, and the environment for \`midturn sessions\`

Nobody has to prove who they are and the demo model answers, unless MIDTURN_AUTH and MIDTURN_MODEL say otherwise. Other
settings are those of the app. PORT (8787), MIDTURN_DATA_DIR (in memory), MIDTURN_LOCAL_SECRETS and MIDTURN_LOCAL_ORIGINS are
read from the environment, and from the file .env.`;

async function main(): Promise<void> {
  const { stack, verbose, help } = readArguments();
  if (help) {
    console.log(USAGE);
    return;
  }
  // Settings, and what the agent's code reads of its environment in a check.
  if (existsSync('.env')) process.loadEnvFile('.env');
  const options = startOptions(process.env, { verbose });
  const app = await readTheirApp(process.cwd(), options.settings ?? {}, stack);
  const hint = await checkAgent(process.env, agentAt(app.agent));
  if (hint) console.error(hint);
  const cloud = await runLocalCloud({ ...options, app });
  if (verbose) console.error(operatorsEnvironment(cloud));
  void checkTypes(process.cwd(), (line) => console.error(line));
  watchAgent(cloud, {
    check: () => checkAgent(process.env, agentAt(app.agent)),
    checkTypes: () => checkTypes(process.cwd(), (line) => console.error(line)),
    log: (line) => console.log(line),
    complain: (line) => console.error(line),
  });
}

function readArguments(): { stack: string | undefined; verbose: boolean; help: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        stack: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return { ...values, stack: values.stack };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

main().catch((error: unknown) =>
  failWith(error instanceof LocalCloudError ? new LocalCloudError(`midturn dev: ${error.message}`) : error),
);
