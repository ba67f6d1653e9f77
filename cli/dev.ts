import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { agentAt, checkAgent } from '../local/agent-check.ts';
import { openAccount } from '../local/aws/real/account.ts';
import { planRealAws, type RealAws } from '../local/aws/real/plan.ts';
import { REAL_SERVICES, type RealService, readServices } from '../local/aws/real/services.ts';
import { LocalCloudError } from '../local/errors.ts';
import type { Log } from '../local/log.ts';
import { failWith, runLocalCloud } from '../local/run.ts';
import { operatorsEnvironment, startOptions } from '../local/start-options.ts';
import type { Template } from '../local/template/template.ts';
import { readTheirApp, type TheirApp } from './their-app.ts';
import { checkTypes } from './type-check.ts';
import { watchAgent } from './watch-agent.ts';

/** `midturn dev`: runs the app of this folder on this machine, and takes in changes of the agent while it runs. */

const USAGE = `usage: midturn dev [--id <id>] [--stack <name>] [--aws <services>] [--verbose]

Synthesizes the CDK app of this folder and runs its Midturn on this machine, with the app's tables and queues. Changes of the
agent are taken in while it runs: a running turn goes on in the new code, and conversations stay.

  --id <id>            the Midturn to run, where the app has several: its construct's id or path
  --stack <name>       the stack to run, where several have a Midturn
  --aws <services>     uses the services of your AWS account, with your credentials: ${Object.keys(REAL_SERVICES).join(', ')}, with commas
                       between. The app's tables and secrets are those of its deployed stack; Midturn's own stay local
  --aws-stack <name>   the deployed stack, where its name is not that of the app
  --profile <name>     the profile of your credentials: AWS_PROFILE
  --verbose            prints what the functions print, and the environment for \`midturn sessions\`

Nobody has to prove who they are and the demo model answers, unless MIDTURN_AUTH and MIDTURN_MODEL say otherwise. Other
settings are those of the app. PORT (8787), MIDTURN_DATA_DIR (in memory), MIDTURN_LOCAL_SECRETS and MIDTURN_LOCAL_ORIGINS are
read from the environment, and from the file .env.`;

async function main(): Promise<void> {
  const { choice, services, awsStack, profile, verbose, help } = readArguments();
  if (help) {
    console.log(USAGE);
    return;
  }
  // Settings, and what the agent's code reads of its environment in a check.
  if (existsSync('.env')) process.loadEnvFile('.env');
  if (profile !== undefined) process.env.AWS_PROFILE = profile;
  const options = startOptions(process.env, { verbose });
  const app = await readTheirApp(process.cwd(), options.settings ?? {}, choice);
  const [path, ...others] = app.midturns;
  if (others.length > 0) console.log(`midturn runs ${path}, without ${others.join(', ')}`);
  const aws = services.size > 0 ? await openAws(app, services, awsStack, options.log) : undefined;
  const hint = await checkAgent(process.env, agentAt(app.agent));
  if (hint) console.error(hint);
  const cloud = await runLocalCloud({ ...options, app, ...(aws && { aws }) });
  if (verbose) console.error(operatorsEnvironment(cloud));
  void checkTypes(process.cwd(), (line) => console.error(line));
  watchAgent(cloud, {
    check: () => checkAgent(process.env, agentAt(app.agent)),
    checkTypes: () => checkTypes(process.cwd(), (line) => console.error(line)),
    log: (line) => console.log(line),
    complain: (line) => console.error(line),
  });
}

/** Says at the start what of which account is used. */
async function openAws(
  { deployment, text, midturns }: TheirApp,
  services: ReadonlySet<RealService>,
  stackName = deployment.stackName,
  log: Log = () => {},
): Promise<RealAws> {
  const { region } = deployment;
  const account = await openAccount({ ...(region !== undefined && { region }), log });
  const template = JSON.parse(text) as Template;
  const wish = { services, deployment: { ...deployment, stackName }, template, midturns };
  const { aws, lines } = await planRealAws(account, wish);
  for (const line of lines) console.log(line);
  return aws;
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        id: { type: 'string' },
        stack: { type: 'string' },
        aws: { type: 'string', multiple: true, default: [] },
        'aws-stack': { type: 'string' },
        profile: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const { id, stack, aws, 'aws-stack': awsStack, ...rest } = values;
    return { ...rest, profile: rest.profile, choice: { id, stack }, services: readServices(aws), awsStack };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

main().catch((error: unknown) =>
  failWith(error instanceof LocalCloudError ? new LocalCloudError(`midturn dev: ${error.message}`) : error),
);
