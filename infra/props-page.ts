import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultOf, descriptions, tableLine, valuesOf } from '../config/settings/page.ts';
import { settingsIn } from '../config/settings/read.ts';
import type { Setting, SettingGroup } from '../config/settings/setting.ts';
import { FUNCTION_TOPICS, STACK_TOPICS } from '../config/settings/table.ts';

/** The table of docs/construct.md: all props of the construct, from the settings tables and the comments of the props' types. */

export const PROPS_PAGE = join(import.meta.dirname, '../docs/construct.md');

export interface PropRow {
  /** `inboxLimit`, `throttle.rate` */
  prop: string;
  type: string;
  /** `required`, or what is taken if it is not given. */
  byDefault: string;
  meaning: string;
}

/** Where types of props stand, with the interface. Those of the last win. */
const SOURCES = [
  ['plain-props.ts', 'PlainProps'],
  ['props.ts', 'MidturnProps'],
] as const;

/** A comment, and the property below it. */
const DESCRIBED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+)(\??): ([^;]+);/g;

/** All props, in the order of the page: first those that must be given. */
export async function propRows(): Promise<PropRow[]> {
  const meanings = await descriptions();
  const topics = [...Object.values(FUNCTION_TOPICS), ...Object.values(STACK_TOPICS)];
  const ofSettings = topics.flatMap(settingsIn).map(({ setting, path }): PropRow => {
    const unset = setting.groupNeedsIt ? `required in \`${path[0]}\`` : defaultOf(setting);
    return {
      prop: path.join('.'),
      type: typeOf(setting),
      byDefault: setting.localDefault === undefined ? unset : 'required',
      meaning: [
        meanings.get(setting.name) ?? '',
        setting.when ? `Only if ${setting.when}.` : '',
        boundsOf(setting),
        `Setting \`${setting.name}\`.`,
      ]
        .filter(Boolean)
        .join(' '),
    };
  });
  const groups = new Map(topics.flatMap((topic) => Object.entries(topic)));
  const own = new Map<string, PropRow>();
  for (const [file, name] of SOURCES) {
    const source = await readFile(join(import.meta.dirname, file), 'utf8');
    const [, body = ''] = source.split(`export interface ${name} `);
    for (const [, comment = '', prop = '', optional, type = ''] of body
      .slice(0, body.indexOf('\n}'))
      .matchAll(DESCRIBED))
      own.set(prop, ownRow({ comment, prop, isOptional: optional === '?', type: spelledOut(type, groups) }));
  }
  // `domain` has it.
  own.delete('existingDomain');
  const rows = [...own.values(), ...ofSettings.filter(({ prop }) => !own.has(prop))];
  const isRequired = ({ byDefault }: PropRow) => byDefault === 'required';
  return [...rows.filter(isRequired), ...rows.filter((row) => !isRequired(row))];
}

/**
 * The page with its generated part replaced.
 * @throws Error if the page has no place for it
 */
export async function fillInProps(page: string): Promise<string> {
  const [before, rest] = page.split('<!-- generated: props -->\n');
  const end = rest?.indexOf('<!-- end -->') ?? -1;
  if (rest === undefined || end < 0) throw new Error('docs/construct.md has no place for "props"');
  const rows = (await propRows()).map(({ prop, type, byDefault, meaning }) => [
    `\`${prop}\``,
    `\`${type}\``,
    byDefault,
    meaning,
  ]);
  const head = ['prop', 'type', 'default', 'what it does'];
  const table = [head, head.map(() => '---'), ...rows].map(tableLine).join('\n');
  return `${before}<!-- generated: props -->\n\n${table}\n\n${rest.slice(end)}`;
}

function ownRow({
  comment,
  prop,
  isOptional,
  type,
}: {
  comment: string;
  prop: string;
  isOptional: boolean;
  type: string;
}): PropRow {
  const text = comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    // An example: code has its place in an editor.
    .filter((line) => !line.startsWith('    '))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const [meaning = '', unset = ''] = text.split(/ ?@default (?:- )?/);
  return { prop, type, byDefault: isOptional ? unset || 'none' : 'required', meaning };
}

/** A type with the types of settings that it refers to. */
const spelledOut = (type: string, all: ReadonlyMap<string, Setting | SettingGroup>): string =>
  type.replaceAll(/PlainProps\['(\w+)'\]/g, (whole, prop) => {
    const entry = all.get(prop);
    if (!entry) return whole;
    if (isSetting(entry)) return typeOf(entry);
    const fields = Object.entries(entry).map(
      ([field, setting]) => `${field}${setting.groupNeedsIt ? '' : '?'}: ${typeOf(setting)}`,
    );
    return `{ ${fields.join(', ')} }`;
  });

const isSetting = (entry: Setting | SettingGroup): entry is Setting => typeof entry.name === 'string';

function typeOf(setting: Setting): string {
  switch (setting.kind) {
    case 'integer':
      return 'number';
    case 'flag':
      return 'boolean';
    case 'choice':
      return setting.choices.map((choice) => `'${choice}'`).join(' | ');
    default:
      return 'string';
  }
}

/** What the type does not say of a value. */
function boundsOf(setting: Setting): string {
  if (setting.kind === 'choice' || setting.kind === 'flag') return '';
  const values = valuesOf(setting);
  return values === 'text' ? '' : `Takes ${values}.`;
}
