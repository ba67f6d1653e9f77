import type { FunctionName } from '../function-names.ts';

/** What an entry of the settings table can say. read.ts says what each kind means. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting has a value that cannot be used, or is missing. The message is one line and names the setting. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

interface Entry {
  /** Environment variable and CDK context key. */
  name: string;
  /** Functions that get the setting in their environment, if it is set. */
  functions?: readonly FunctionName[];
  /** What must be chosen for the setting to matter. Where it is not, functions do not get the setting. */
  when?: Condition;
  /** What happens if the setting is not set, in words, where there is no `default` to show. */
  unset?: string;
  /** What the local cloud, and a synth without deployment, take if it is not set. A deployment must set it. */
  localDefault?: string;
  /** Must be set if another setting of its group is set. */
  groupNeedsIt?: true;
}

export type Condition =
  | 'auth is none'
  | 'auth is tokens'
  | 'auth is jwt'
  | 'clients prove who they are'
  | 'the model takes a key'
  | 'the fallback model takes a key';

/** `seconds` and `milliseconds` are read as durations with that unit in their type, other units as plain numbers. */
export interface IntegerSetting extends Entry {
  kind: 'integer';
  unit:
    | 'milliseconds'
    | 'seconds'
    | 'hours'
    | 'days'
    | 'bytes'
    | 'tokens'
    | 'per minute'
    | 'percent'
    | 'count';
  /** Smallest and largest value. */
  range: readonly [min: number, max: number];
  /** The smallest value of a deployment, where that is more: for what only tests and local runs may lower further. */
  leastOnDeploy?: number;
  /** The only values, where not every number of the range can be used. */
  values?: readonly number[];
  default?: number;
}

export interface ChoiceSetting extends Entry {
  kind: 'choice';
  choices: readonly [string, ...string[]];
  /** Upper and lower case are the same. */
  anyCase?: true;
  default?: string;
}

/** `true` or `false`. */
export interface FlagSetting extends Entry {
  kind: 'flag';
  default: boolean;
}

export interface TextSetting extends Entry {
  kind: 'text';
  /** What the whole text must match. */
  pattern?: RegExp;
  /** The pattern in words, for the error: "it must be …". */
  form?: string;
  default?: string;
}

/** An address whose answers are trusted needs `https`: with `http`, anybody on the line can change them. */
export interface UrlSetting extends Entry {
  kind: 'url';
  protocol: 'https' | 'any';
}

/** A key or tokens as plain text: for the local cloud, because on deploy it would be readable in the template. */
interface SecretSetting extends Entry {
  kind: 'secret';
  /** The setting that a deployment uses instead: the name of a secret with the same content. */
  onDeploy: string;
}

/** Name or ARN of a Secrets Manager secret. A function that gets the setting may read that secret, and no other. */
interface SecretNameSetting extends Entry {
  kind: 'secret name';
}

/**
 * Several secrets with commas between, each by name or ARN, or as `name=name or ARN` under a name that stays the same where the
 * secret's own differs. A function that gets the setting may read these secrets.
 */
export interface SecretNamesSetting extends Entry {
  kind: 'secret names';
  pattern: RegExp;
  form: string;
}

export type Setting =
  | IntegerSetting
  | ChoiceSetting
  | FlagSetting
  | TextSetting
  | UrlSetting
  | SecretSetting
  | SecretNameSetting
  | SecretNamesSetting;

/** Settings that are one prop of the construct, for example `throttle: { rate, burst }`. */
export type SettingGroup = Readonly<Record<string, Setting>>;

/** Settings by the construct's prop of the same meaning. */
export type SettingTable = Readonly<Record<string, Setting | SettingGroup>>;
