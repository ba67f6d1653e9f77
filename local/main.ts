import { resolve } from 'node:path';
import { stop as stopBundler } from 'esbuild';
import { LOCAL_SETTINGS } from '../config/settings/local.ts';
import { read } from '../config/settings/read.ts';
import { SettingError } from '../config/settings/setting.ts';
import { FUNCTION_SETTING_NAMES } from '../config/settings/table.ts';
import { checkAgent } from './agent-check.ts';
import { BEDROCK_ENDPOINT, type LocalCloud, startLocalCloud } from './cloud.ts';
import { consoleLog } from './console-log.ts';
import { closeToOthers } from './data-folder.ts';
import { LocalCloudError } from './errors.ts';
import { buildPage } from './page-build.ts';

/** Parses the secrets of the local Secrets Manager: `{"name":"value"}`. An error quotes no part of the text. */
function readSecrets(text: string | undefined): Record<string, string> {
  if (!text) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap || !Object.values(value as object).every((secret) => typeof secret === 'string')) {
    const { name } = LOCAL_SETTINGS.secrets;
    throw new SettingError(`${name} must be a JSON object of strings: {"name":"value"}.`);
  }
  return value as Record<string, string>;
}

/** Parses the origins of pages that may use the local cloud. */
function readOrigins(text: string | undefined): string[] {
  const origins = text?.split(',').map((origin) => origin.trim()) ?? [];
  const wrong = origins.find((origin) => URL.parse(origin)?.origin !== origin || origin === 'null');
  if (wrong === undefined) return origins;
  const { name } = LOCAL_SETTINGS.localOrigins;
  throw new SettingError(
    `${name} has "${wrong}": it must be origins with commas between, such as http://localhost:5173.`,
  );
}

/** The environment variables with which the commands of docs/operations.md work on this cloud. */
const operatorsEnvironment = ({ dynamodb, sqs, managementEndpoint }: LocalCloud): string =>
  [
    'export AWS_REGION=local',
    `AWS_ACCESS_KEY_ID=${dynamodb.credentials.accessKeyId}`,
    `AWS_SECRET_ACCESS_KEY=${dynamodb.credentials.secretAccessKey}`,
    `AWS_ENDPOINT_URL_DYNAMODB=${dynamodb.endpoint} MIDTURN_TABLE_NAME=${dynamodb.tableName}`,
    `AWS_ENDPOINT_URL_SQS=${sqs.endpoint} MIDTURN_DEADLINE_QUEUE_URL=${sqs.deadlineQueueUrl}`,
    `MIDTURN_MANAGEMENT_ENDPOINT=${managementEndpoint}`,
  ].join(' ');

/** `npm start`: runs the local cloud until it is stopped. `--verbose` prints all output of the functions. */
async function main(): Promise<void> {
  const hint = await checkAgent(process.env);
  if (hint) console.error(hint);
  const settings: Record<string, string> = {};
  for (const name of [...FUNCTION_SETTING_NAMES, BEDROCK_ENDPOINT]) {
    const value = process.env[name];
    if (value) settings[name] = value;
  }
  const dataDir = read(process.env, LOCAL_SETTINGS.dataDir);
  const starting = startLocalCloud({
    port: read(process.env, LOCAL_SETTINGS.port),
    settings,
    secrets: readSecrets(read(process.env, LOCAL_SETTINGS.secrets)),
    ...(dataDir && { dataDir }),
    origins: readOrigins(read(process.env, LOCAL_SETTINGS.localOrigins)),
    log: consoleLog({ verbose: process.argv.includes('--verbose') }),
  });
  const [cloud] = await Promise.all([starting, buildPage()]);
  // Bundling is done, and the bundler's process would keep its memory.
  await stopBundler();
  if (dataDir) {
    // The databases give their files no mode of their own. Not before the builds: AWS Lambda has to read what they make.
    process.umask(0o077);
    await closeToOthers(resolve(dataDir));
  }
  const stop = () => {
    cloud.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  console.log(`midturn ready ${cloud.url} ${cloud.pageUrl}`);
  if (process.argv.includes('--verbose')) console.error(operatorsEnvironment(cloud));
}

main().catch((error: unknown) => {
  const expected = error instanceof SettingError || error instanceof LocalCloudError;
  console.error(expected ? error.message : error);
  process.exit(1);
});
