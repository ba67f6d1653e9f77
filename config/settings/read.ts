import type { Milliseconds, Seconds } from '../units.ts';
import type {
  ChoiceSetting,
  Environment,
  IntegerSetting,
  SecretNamesSetting,
  Setting,
  SettingGroup,
  SettingTable,
  TextSetting,
  UrlSetting,
} from './setting.ts';
import { SettingError } from './setting.ts';

/** What a setting's text becomes, by its entry. */
type ValueOf<S extends Setting> = S extends { kind: 'integer'; unit: 'milliseconds' }
  ? Milliseconds
  : S extends { kind: 'integer'; unit: 'seconds' }
    ? Seconds
    : S extends { kind: 'integer' }
      ? number
      : S extends { kind: 'choice'; choices: readonly (infer Choice)[] }
        ? Choice
        : S extends { kind: 'flag' }
          ? boolean
          : string;

type ReadValue<S extends Setting> = S extends { default: unknown } ? ValueOf<S> : ValueOf<S> | undefined;

/**
 * The value of a setting, or its default. An empty text counts as not set.
 * @returns undefined if the setting is not set and its entry has no default
 * @throws {SettingError} if the text is not what the entry says
 * @example read(process.env, TURN_SETTINGS.flushMs) // Milliseconds
 */
export function read<const S extends Setting>(env: Environment, setting: S): ReadValue<S> {
  const text = env[setting.name];
  const fallback = 'default' in setting ? setting.default : undefined;
  // A cast, because the compiler does not connect the branches of `parse` with those of `ValueOf`.
  return (text ? parse(setting, text) : fallback) as ReadValue<S>;
}

type Settings = Readonly<Record<string, Setting>>;

/** The values of a table's settings. A setting without a default is an optional property. */
export type ValuesOf<Table extends Settings> = {
  readonly [Key in keyof Table as Table[Key] extends { default: unknown } ? Key : never]: ValueOf<Table[Key]>;
} & {
  readonly [Key in keyof Table as Table[Key] extends { default: unknown } ? never : Key]?: ValueOf<
    Table[Key]
  >;
};

/** Reads each setting of a table, as `read` does. */
export function readAll<const Table extends Settings>(env: Environment, table: Table): ValuesOf<Table> {
  const values = Object.entries(table).map(([key, setting]) => [key, read(env, setting)] as const);
  // A cast, for the same reason as in `read`.
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as ValuesOf<Table>;
}

/** @throws {SettingError} if the text is not what the entry says */
export function parse(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'integer':
      return parseInteger(setting, text);
    case 'choice':
      return parseChoice(setting, text);
    case 'flag':
      return parseChoice({ name: setting.name, choices: ['true', 'false'] }, text) === 'true';
    case 'text':
    case 'secret names':
      return parseText(setting, text);
    case 'url':
      return parseUrl(setting, text);
    case 'secret':
    case 'secret name':
      return text;
  }
}

const unusable = (name: string, text: string, form: string) =>
  new SettingError(`${name} is "${text}": it must be ${form}.`);

function parseInteger({ name, range: [min, max], values }: IntegerSetting, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max && (!values || values.includes(value))) {
    return value;
  }
  throw unusable(name, text, values ? alternatives(values) : `a whole number from ${min} to ${max}`);
}

function parseChoice(
  { name, choices, anyCase }: Pick<ChoiceSetting, 'name' | 'choices' | 'anyCase'>,
  text: string,
): string {
  const wanted = anyCase ? text.toLowerCase() : text;
  const choice = choices.find((known) => (anyCase ? known.toLowerCase() : known) === wanted);
  if (choice === undefined) throw unusable(name, text, alternatives(choices));
  return choice;
}

/** `a, b or c` */
export const alternatives = (words: readonly (string | number)[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

function parseText({ name, pattern, form }: TextSetting | SecretNamesSetting, text: string): string {
  if (pattern && !pattern.test(text)) throw unusable(name, text, form ?? `a text that matches ${pattern}`);
  return text;
}

function parseUrl({ name, protocol }: UrlSetting, text: string): string {
  if (protocol === 'https') {
    if (!isTrustworthy(text)) throw unusable(name, text, 'an https URL (http on a loopback address alone)');
  } else if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw unusable(name, text, 'an http(s) URL');
  }
  return text;
}

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Whether what comes from this URL can be trusted to come from its host. With http, anybody on the line could have written
 * it, except on a loopback address, which is this machine.
 */
export function isTrustworthy(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
  );
}

const isSetting = (entry: Setting | SettingGroup): entry is Setting => typeof entry.name === 'string';

/** A setting and where the construct's props have it: `[prop]`, or `[prop, field]` in a group. */
export interface PlacedSetting {
  setting: Setting;
  path: readonly [prop: string, field?: string];
}

/** All settings of a table, those of groups included. */
export function settingsIn(table: SettingTable): PlacedSetting[] {
  return Object.entries(table).flatMap(([prop, entry]): PlacedSetting[] =>
    isSetting(entry)
      ? [{ setting: entry, path: [prop] }]
      : Object.entries(entry).map(([field, setting]) => ({ setting, path: [prop, field] })),
  );
}
