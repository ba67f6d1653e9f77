import { APP_SETTINGS } from '../config/settings/app.ts';
import { read } from '../config/settings/read.ts';
import { SettingError } from '../config/settings/setting.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';

/** As CloudFormation accepts it. */
const STACK_NAME = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/**
 * The name of the app's stack. A stage other than the default one is a part of it, so each stage is a stack of its own. In
 * one stack, a second stage would replace the first, with its URL and its connections.
 * @throws {SettingError} if no stack can have the name
 */
export function stackNameOf(lookup: (name: string) => unknown): string {
  const env = Object.fromEntries(
    [APP_SETTINGS.stackName, STACK_SETTINGS.stageName].map(({ name }) => [name, String(lookup(name) ?? '')]),
  );
  const name = read(env, APP_SETTINGS.stackName);
  const stage = read(env, STACK_SETTINGS.stageName);
  if (stage === STACK_SETTINGS.stageName.default) return name;
  const full = `${name}-${stage}`;
  if (STACK_NAME.test(full)) return full;
  throw new SettingError(
    `${STACK_SETTINGS.stageName.name} is "${stage}": the stack is named after it, and a stack's name has at most 128 letters, digits and -.`,
  );
}
