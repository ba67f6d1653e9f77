import { LOCAL_SETTINGS } from '../config/settings/local.ts';
import { read } from '../config/settings/read.ts';
import { type Environment, SettingError } from '../config/settings/setting.ts';
import { PASSED_SETTING_NAMES } from '../config/settings/table.ts';
import { BEDROCK_ENDPOINT, type LocalCloud, type LocalCloudOptions } from './cloud.ts';
import { consoleLog } from './console-log.ts';

/** What `npm start` and `midturn dev` read of the environment. */

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
export const operatorsEnvironment = ({ dynamodb, sqs, managementEndpoint }: LocalCloud): string =>
  [
    'export AWS_REGION=local',
    `AWS_ACCESS_KEY_ID=${dynamodb.credentials.accessKeyId}`,
    `AWS_SECRET_ACCESS_KEY=${dynamodb.credentials.secretAccessKey}`,
    `AWS_ENDPOINT_URL_DYNAMODB=${dynamodb.endpoint} MIDTURN_TABLE_NAME=${dynamodb.tableName}`,
    `AWS_ENDPOINT_URL_SQS=${sqs.endpoint} MIDTURN_DEADLINE_QUEUE_URL=${sqs.deadlineQueueUrl}`,
    `MIDTURN_MANAGEMENT_ENDPOINT=${managementEndpoint}`,
  ].join(' ');

/** The settings of functions in an environment: those that are set. */
function settingsIn(env: Environment): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const name of [...PASSED_SETTING_NAMES, BEDROCK_ENDPOINT]) {
    const value = env[name];
    if (value) settings[name] = value;
  }
  return settings;
}

/** @throws {SettingError} for the first setting whose value cannot be used */
export function startOptions(env: Environment, { verbose }: { verbose: boolean }): LocalCloudOptions {
  const dataDir = read(env, LOCAL_SETTINGS.dataDir);
  return {
    port: read(env, LOCAL_SETTINGS.port),
    settings: settingsIn(env),
    secrets: readSecrets(read(env, LOCAL_SETTINGS.secrets)),
    ...(dataDir && { dataDir }),
    origins: readOrigins(read(env, LOCAL_SETTINGS.localOrigins)),
    log: consoleLog({ verbose }),
  };
}
