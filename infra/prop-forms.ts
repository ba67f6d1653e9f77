import { Construct } from 'constructs';
import { settingsIn } from '../config/settings/read.ts';
import { type Setting, SettingError, type SettingGroup } from '../config/settings/setting.ts';
import { FUNCTION_SETTINGS, STACK_SETTINGS } from '../config/settings/table.ts';
import { MidturnAuth } from './auth.ts';
import type { MidturnProps } from './props.ts';

/** Props are checked before they are read: by their names, by the form of their values, and in the words of whoever gave them. */

type SettingProp = keyof typeof FUNCTION_SETTINGS | keyof typeof STACK_SETTINGS;

interface Form {
  words: string;
  is(value: unknown): boolean;
}

const TEXT: Form = { words: 'a text', is: (value) => typeof value === 'string' };
const PLAIN: Form = {
  words: 'a text, a number or a flag',
  is: (value) => ['string', 'number', 'boolean'].includes(typeof value),
};
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The props that are no settings. The compiler holds the list to the type. */
const OWN: Readonly<Record<Exclude<keyof MidturnProps, SettingProp>, Form>> = {
  agent: TEXT,
  name: TEXT,
  pageFolder: TEXT,
  securityGroups: { words: 'a list of security groups', is: (value) => Array.isArray(value) },
  vpc: { words: 'a network of the CDK (IVpc)', is: (value) => Construct.isConstruct(value) },
  vpcSubnets: { words: 'an object such as { subnetType }', is: isObject },
};

export const OWN_PROPS: readonly string[] = Object.keys(OWN);

const TABLES: ReadonlyMap<string, Setting | SettingGroup> = new Map(
  Object.entries({ ...FUNCTION_SETTINGS, ...STACK_SETTINGS }),
);

/**
 * Checks what a compiler checks, for apps in JavaScript.
 * @throws {SettingError} for a prop that there is not, and for a value of another form
 */
export function checkForms(given: MidturnProps): void {
  const own = new Map<string, Form>(Object.entries(OWN));
  for (const [prop, value] of Object.entries(given)) {
    const entry = TABLES.get(prop);
    const form = own.get(prop);
    if (!entry && !form) throw new SettingError(`There is no prop ${prop}.`);
    if (value === undefined) continue;
    if (form) demand(prop, form, value);
    else if (entry && typeof entry.name !== 'string') checkGroup(prop, value, entry);
    else if (!isOfTheCdk(prop, value)) demand(prop, PLAIN, value);
  }
}

/** An object in the place of a setting's text. The construct reads it. */
const isOfTheCdk = (prop: string, value: unknown): boolean =>
  (prop === 'auth' && value instanceof MidturnAuth) ||
  (prop === 'eventBus' && isObject(value) && 'eventBusArn' in value);

function checkGroup(prop: string, value: unknown, entry: object): void {
  if (prop === 'domain' && isObject(value) && 'domainName' in value) return;
  const fields = Object.keys(entry);
  const chosen = isObject(value) ? Object.entries(value).filter(([, one]) => one !== undefined) : [];
  if (chosen.length === 0) throw new SettingError(`${prop} must be an object with ${fields.join(', ')}.`);
  for (const [field, one] of chosen) {
    if (!fields.includes(field)) throw new SettingError(`There is no prop ${prop}.${field}.`);
    demand(`${prop}.${field}`, PLAIN, one);
  }
}

function demand(prop: string, { words, is }: Form, value: unknown): void {
  if (!is(value)) throw new SettingError(`${prop} must be ${words}.`);
}

const PROP_OF: ReadonlyMap<string, string> = new Map(
  [...settingsIn(FUNCTION_SETTINGS), ...settingsIn(STACK_SETTINGS)].map(({ setting, path }) => [
    setting.name,
    path.join('.'),
  ]),
);

/**
 * Checks in the names of settings, for an app that has props.
 * @throws {SettingError} with the props before what the check says: `inboxLimit: MIDTURN_INBOX_LIMIT is "many": …`
 */
export function namingProps<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const names = error.message.match(/\bMIDTURN_[A-Z_]+\b/g) ?? [];
    const props = new Set(names.map((name) => PROP_OF.get(name)).filter((prop) => prop !== undefined));
    if (props.size === 0) throw error;
    throw new SettingError(`${[...props].join(', ')}: ${error.message}`);
  }
}
