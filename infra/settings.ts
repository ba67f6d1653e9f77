import { Token } from 'aws-cdk-lib/core';
import type { FunctionName } from '../config/function-names.ts';
import { checkSettings, isUsed } from '../config/settings/check.ts';
import { goesWithoutAuthorizer, isEmulator } from '../config/settings/emulator.ts';
import { keyOf, readModels } from '../config/settings/models.ts';
import { type PlacedSetting, parse, read, settingsIn } from '../config/settings/read.ts';
import {
  type Environment,
  type Setting,
  SettingError,
  type SettingTable,
} from '../config/settings/setting.ts';
import { FUNCTION_SETTINGS, LOCAL_DEFAULTS, STACK_SETTINGS } from '../config/settings/table.ts';
import type { PlainProps } from './plain-props.ts';
import { checkStackSettings } from './stack-rules.ts';

/** Props and settings say the same: this module turns one into the other, as the settings tables say. */

const SETTINGS = [...settingsIn(FUNCTION_SETTINGS), ...settingsIn(STACK_SETTINGS)];

function valueAt(props: PlainProps, [prop, field]: PlacedSetting['path']): unknown {
  const value: unknown = new Map(Object.entries(props)).get(prop);
  if (field === undefined) return value;
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(field) : undefined;
}

/** The props as text, by the names of their settings: only those that were chosen. */
export function toText(table: SettingTable, props: PlainProps): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { setting, path } of settingsIn(table)) {
    const value = valueAt(props, path);
    if (value !== undefined && value !== '') texts[setting.name] = String(value);
  }
  return texts;
}

/** The settings of functions, as an environment. Defaults are not in it: functions know them. */
export const toEnvironment = (props: PlainProps): Record<string, string> => toText(FUNCTION_SETTINGS, props);

/** The settings that a function gets: those that were chosen, that its entries name it for, and that are used. */
export function settingsFor(name: FunctionName, props: PlainProps): { setting: Setting; text: string }[] {
  const environment = toEnvironment(props);
  return settingsIn(FUNCTION_SETTINGS).flatMap(({ setting }) => {
    const text = environment[setting.name];
    const given = setting.functions?.includes(name) && isUsed(setting, environment);
    return text !== undefined && given ? [{ setting, text }] : [];
  });
}

/** @throws {SettingError} for the first prop whose value cannot be used, by its setting's name */
export function checkProps(props: PlainProps): void {
  const environment = toEnvironment(props);
  checkSettings(environment, Token.isUnresolved);
  checkKeys(environment);
  checkStackSettings(toText(STACK_SETTINGS, props), props.existingDomain);
  checkAuthorizer(environment);
  const all = { ...environment, ...toText(STACK_SETTINGS, props) };
  checkDeployed(all);
  checkOpen(all);
  checkFront(all);
  checkShares(all);
}

/** @throws {SettingError} if one principal could take every execution environment of turns */
function checkShares(settings: Environment): void {
  const { auth, principalTurns } = FUNCTION_SETTINGS;
  const { turnMaxConcurrency, turnReservedConcurrency } = STACK_SETTINGS;
  const share = read(settings, principalTurns);
  if (isLocal(settings) || read(settings, auth) === 'none' || share === 0) return;
  for (const { name } of [turnMaxConcurrency, turnReservedConcurrency]) {
    const environments = settings[name];
    if (!environments || Token.isUnresolved(environments) || share < Number(environments)) continue;
    throw new SettingError(
      `${principalTurns.name} is "${share}": it must be less than ${name}, which is "${environments}", or one principal could take every environment.`,
    );
  }
}

/** @throws {SettingError} if something stands in front of the API, and the authorizer would not notice who goes around it */
function checkFront(settings: Environment): void {
  const { originSecret } = FUNCTION_SETTINGS;
  const { webAclArn } = STACK_SETTINGS.edge;
  if (!settings[webAclArn.name] || settings[originSecret.name]) return;
  throw new SettingError(`${originSecret.name} is not set: ${webAclArn.name} needs it.`);
}

/** The stage of the local cloud, whose template stays on the machine. */
const LOCAL_STAGE = 'local';

const isLocal = (settings: Environment): boolean => settings[STACK_SETTINGS.stageName.name] === LOCAL_STAGE;

/** @throws {SettingError} for the first setting that only a local run may have so small */
function checkDeployed(settings: Environment): void {
  if (isLocal(settings)) return;
  for (const { setting } of SETTINGS) {
    if (setting.kind !== 'integer' || setting.leastOnDeploy === undefined) continue;
    const text = settings[setting.name];
    if (!text || Token.isUnresolved(text) || Number(text) >= setting.leastOnDeploy) continue;
    throw new SettingError(
      `${setting.name} is "${text}": it must be at least ${setting.leastOnDeploy} on deploy.`,
    );
  }
}

/** The address that the CDK's command line deploys to, if it is not AWS itself: its own environment names it. */
function deploymentEndpoint(): string | undefined {
  const { AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS } = process.env;
  return AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true' ? undefined : AWS_ENDPOINT_URL;
}

/** @throws {SettingError} if anybody could connect to a deployment, and only one setting says so */
function checkOpen(settings: Environment): void {
  const { auth, openToAnyone } = FUNCTION_SETTINGS;
  if (read(settings, auth) !== 'none' || read(settings, openToAnyone)) return;
  if (isLocal(settings) || isEmulator(deploymentEndpoint())) return;
  throw new SettingError(
    `${auth.name} is "none": anybody could use the agent, at your cost. If you mean it, set ${openToAnyone.name}=true as well.`,
  );
}

function checkAuthorizer(environment: Environment): void {
  const { authorizer } = FUNCTION_SETTINGS;
  if (read(environment, authorizer)) return;
  if (goesWithoutAuthorizer({ ...environment, AWS_ENDPOINT_URL: deploymentEndpoint() })) return;
  throw new SettingError(
    `${authorizer.name} is "false": that is for emulators of AWS alone, and AWS_ENDPOINT_URL names none on this machine or a private network.`,
  );
}

/** Without this check, the first message would fail instead of the synth. */
function checkKeys(environment: Environment): void {
  const { modelApiKeySecret, fallbackModelApiKeySecret } = FUNCTION_SETTINGS;
  for (const [i, { choice, apiKey, apiKeySecret }] of readModels(environment).entries()) {
    if (keyOf(choice) !== 'needed' || apiKey || apiKeySecret) continue;
    const { name } = i === 0 ? modelApiKeySecret : fallbackModelApiKeySecret;
    throw new SettingError(`${name} is not set: models of ${choice.provider} need a key.`);
  }
}

/**
 * Props from settings by name.
 * @returns in `missing` the settings that a deployment must choose and that `lookup` does not know
 * @throws {SettingError} for the first setting whose value cannot be used
 */
export function readProps(lookup: (name: string) => unknown): { props: PlainProps; missing: string[] } {
  const chosen: Record<string, string> = {};
  for (const { setting } of SETTINGS) {
    const value = lookup(setting.name);
    if (value !== undefined && value !== '') chosen[setting.name] = String(value);
  }
  const settings: Record<string, string> = { ...LOCAL_DEFAULTS, ...chosen };
  checkSettings(settings);
  checkStackSettings(settings);
  keepSecretsOut(settings);
  checkKeys(settings);
  checkDeployed(settings);
  checkFront(settings);
  const missing = Object.keys(LOCAL_DEFAULTS).filter((name) => chosen[name] === undefined);
  const { auth, openToAnyone } = FUNCTION_SETTINGS;
  // Nobody has decided yet, and the template cannot be deployed before: it may say that it is open.
  if (missing.includes(auth.name) && !isLocal(settings)) settings[openToAnyone.name] ??= 'true';
  return { props: toProps(settings), missing };
}

/**
 * Removes keys and tokens that a deployment reads from a secret: a shell that deploys may have exported them for local runs.
 * @throws {SettingError} if no secret is named in the place of one
 */
function keepSecretsOut(settings: Record<string, string>): void {
  if (isLocal(settings)) return;
  for (const { setting } of SETTINGS) {
    if (setting.kind !== 'secret' || !settings[setting.name]) continue;
    if (!settings[setting.onDeploy]) {
      throw new SettingError(
        `${setting.name} is for the local cloud: on deploy, name a Secrets Manager secret with ${setting.onDeploy}.`,
      );
    }
    delete settings[setting.name];
  }
}

/** Of checked settings. */
export function toProps(settings: Environment): PlainProps {
  const props: Record<string, unknown> = {};
  for (const { setting, path } of SETTINGS) {
    const text = settings[setting.name];
    if (text === undefined) continue;
    const [prop, field] = path;
    const value = propValue(setting, text);
    props[prop] = field === undefined ? value : { ...Object(props[prop]), [field]: value };
  }
  // A cast, because the compiler does not connect the tables at run time with `PlainProps`, which is derived from them.
  return props as unknown as PlainProps;
}

const propValue = (setting: Setting, text: string): unknown =>
  setting.kind === 'integer' || setting.kind === 'flag' || setting.kind === 'choice'
    ? parse(setting, text)
    : text;

/** Props that hold a key or tokens as plain text, with the prop that names a secret instead. */
export function plainSecretsIn(props: PlainProps): { prop: string; instead: string }[] {
  const propOf = (name: string) => SETTINGS.find(({ setting }) => setting.name === name)?.path[0] ?? name;
  return SETTINGS.flatMap(({ setting, path }) =>
    setting.kind === 'secret' && valueAt(props, path)
      ? [{ prop: path[0], instead: propOf(setting.onDeploy) }]
      : [],
  );
}
