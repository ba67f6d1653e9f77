import { AUTH_SETTINGS, readAuthChoice } from './authentication.ts';
import { checkForwardTokenKeys } from './forward-token.ts';
import { keyOf, type ModelAccess, readMcpUrls, readModels } from './models.ts';
import { parse, read, settingsIn } from './read.ts';
import {
  type Condition,
  type Environment,
  type Setting,
  SettingError,
  type SettingTable,
} from './setting.ts';
import { FUNCTION_SETTINGS } from './table.ts';

/**
 * Checks each setting of a table by itself.
 * @param isReference whether a text only stands for a value that is not known yet (a CDK token): it is not checked
 * @throws {SettingError} for the first text that is not what its entry says
 */
export function checkEach(
  table: SettingTable,
  env: Environment,
  isReference: (text: string) => boolean = () => false,
): void {
  for (const { setting } of settingsIn(table)) {
    const text = env[setting.name];
    if (text && !isReference(text)) parse(setting, text);
  }
}

/**
 * Checks the settings of all functions, each by itself and beside the others, as synth and start do.
 * @param isReference as for `checkEach`
 * @throws {SettingError} for the first setting that has a bad value, or is missing
 */
export function checkSettings(env: Environment, isReference?: (text: string) => boolean): void {
  checkEach(FUNCTION_SETTINGS, env, isReference);
  readModels(env);
  readMcpUrls(env);
  checkForwardTokenKeys(env);
  checkAuthorizer(env);
  readAuthChoice(env);
}

function checkAuthorizer(env: Environment): void {
  const { auth, authorizer, originSecret } = AUTH_SETTINGS;
  if (read(env, authorizer)) return;
  if (env[originSecret.name]) {
    throw new SettingError(`${authorizer.name} is "false": nobody would look at ${originSecret.name} then.`);
  }
  const choice = read(env, auth);
  if (!choice || choice === 'none') return;
  throw new SettingError(`${authorizer.name} is "false": ${auth.name} must be none then, not ${choice}.`);
}

const hasKey = (access: ModelAccess | undefined): boolean =>
  access !== undefined && keyOf(access.choice) !== 'none';

const CONDITIONS: Readonly<Record<Condition, (env: Environment) => boolean>> = {
  'auth is none': (env) => readAuthChoice(env) === 'none',
  'auth is tokens': (env) => readAuthChoice(env) === 'tokens',
  'auth is jwt': (env) => readAuthChoice(env) === 'jwt',
  'clients prove who they are': (env) => readAuthChoice(env) !== 'none',
  'the model takes a key': (env) => hasKey(readModels(env)[0]),
  'the fallback model takes a key': (env) => hasKey(readModels(env)[1]),
};

/** Whether a setting matters beside the other ones, as its entry says in `when`. */
export const isUsed = ({ when }: Setting, env: Environment): boolean =>
  when === undefined || CONDITIONS[when](env);
