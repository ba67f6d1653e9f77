import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SettingError } from '../config/settings/setting.ts';
import { environmentForEmulator } from '../infra/emulator.ts';
import { readCdkJson, runCdkApp } from '../local/cdk-app.ts';
import { LocalCloudError } from '../local/errors.ts';
import { failWith } from '../local/run.ts';
import { removeOutput } from './output-folder.ts';

/** `midturn synth`: synthesizes the app of this folder for an emulator of AWS. For AWS itself, `cdk synth` does it. */

const USAGE = `usage: midturn synth [--output <folder>]

Synthesizes the CDK app of this folder for the emulator of AWS at AWS_ENDPOINT_URL, such as MiniStack or LocalStack. What an
emulator lacks is left out: alarms, the authorizer, a domain and CloudFront. Functions call the emulator, nobody has to prove who they are,
and the demo model answers, unless MIDTURN_… settings say otherwise.

  --output <folder>   where the app is written: cdk.out. Empty, or written by the CDK before

It prints how the app is deployed from there. For AWS itself: cdk synth and cdk deploy.`;

async function synth(output: string): Promise<void> {
  const environment = await environmentForEmulator(process.env);
  const settings = Object.entries(environment).filter(
    ([name, value]) => name.startsWith('MIDTURN_') && value !== undefined,
  );
  const { app, context } = await readCdkJson(process.cwd());
  await removeOutput(output, process.cwd());
  const templates = await runCdkApp({
    folder: process.cwd(),
    app,
    context: { ...context, 'midturn:emulator': Object.fromEntries(settings) },
    output,
    environment,
  });
  const folder = relative(process.cwd(), output) || '.';
  console.log(`${[...templates.keys()].join(', ')} in ${folder}. To deploy, with AWS_ENDPOINT_URL as it is:`);
  console.log(`cdk bootstrap && cdk deploy --app ${folder} --all --method direct --require-approval never`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { output: { type: 'string', default: 'cdk.out' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) console.log(USAGE);
  else await synth(resolve(values.output));
}

main().catch((error: unknown) => {
  if (error instanceof TypeError && 'code' in error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const told = error instanceof SettingError || error instanceof LocalCloudError;
  failWith(told ? new LocalCloudError(`midturn synth: ${error.message}`) : error);
});
