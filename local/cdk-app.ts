import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Deployment } from './aws/real/plan.ts';
import { LocalCloudError } from './errors.ts';

export interface CdkJson {
  /** The app's command, for a shell. */
  app: string;
  context: Readonly<Record<string, unknown>>;
}

/** @throws {LocalCloudError} if the folder is none of a CDK app */
export async function readCdkJson(folder: string): Promise<CdkJson> {
  const path = join(folder, 'cdk.json');
  const file = await readFile(path, 'utf8').catch(() => {
    throw new LocalCloudError(`There is no ${path}: this is no CDK app. midturn init makes one.`);
  });
  let value: unknown;
  try {
    value = JSON.parse(file);
  } catch (error) {
    throw new LocalCloudError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
  const { app, context = {} } = Object(value);
  if (typeof app !== 'string' || app === '') throw new LocalCloudError(`${path} has no "app".`);
  return { app, context };
}

export interface CdkRun {
  folder: string;
  /** A line for a shell, or a program and its arguments. */
  app: string | readonly string[];
  context: Readonly<Record<string, unknown>>;
  /** Where the app writes its templates. */
  output: string;
  environment: NodeJS.ProcessEnv;
}

/**
 * Context with which an app is synthesized for the local cloud.
 * @param settings what stands in the place of the props of each Midturn in the app (infra/local-props.ts)
 */
export const localContext = (settings: Readonly<Record<string, string>>): Record<string, unknown> => ({
  'midturn:local': settings,
  // Bundles and other assets are run in place, not from a copy.
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:disable-asset-staging': true,
});

/**
 * Runs a CDK app as the CDK's command line does.
 * @returns the text of its templates, by the artifacts' names
 * @throws {LocalCloudError} with what the app says
 */
export async function runCdkApp({
  folder,
  app,
  context,
  output,
  environment,
}: CdkRun): Promise<Map<string, string>> {
  const [command, args, shell] =
    typeof app === 'string' ? [app, [], true] : [app[0] ?? '', app.slice(1), false];
  const child = spawn(command, args, {
    cwd: folder,
    shell,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...environment,
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify(context),
      // Validating the template against CloudFormation's schemas takes 2 s. `cdk synth` does it.
      CDK_VALIDATION: 'false',
    },
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new LocalCloudError(said.trim() || `${command} ended with exit code ${code}.`);
  const templates = new Map<string, string>();
  for (const path of await readdir(output, { recursive: true })) {
    if (path.endsWith('.template.json'))
      templates.set(path.slice(0, -'.template.json'.length), await readFile(join(output, path), 'utf8'));
  }
  return templates;
}

/**
 * Where a stack of an app is deployed, as the app's output says.
 * @param output the folder that the app has written
 * @param name the artifact's name: `Theirs`, `assembly-Prod/ProdTheirs12345678`
 */
export async function deploymentOf(output: string, name: string): Promise<Deployment> {
  const manifest = JSON.parse(await readFile(join(output, dirname(name), 'manifest.json'), 'utf8'));
  const { environment = '', properties } = Object(manifest.artifacts?.[basename(name)]);
  const [account, region] = String(environment).replace('aws://', '').split('/');
  return {
    stackName: Object(properties).stackName ?? basename(name),
    ...(account && account !== 'unknown-account' && { account }),
    ...(region && region !== 'unknown-region' && { region }),
  };
}
