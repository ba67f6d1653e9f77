import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FUNCTION_NAMES } from '../function-names.ts';
import { APP_SETTINGS } from './app.ts';
import { LOCAL_SETTINGS } from './local.ts';
import { type PlacedSetting, settingsIn } from './read.ts';
import type { IntegerSetting, Setting, SettingTable } from './setting.ts';
import { FUNCTION_TOPICS, STACK_TOPICS } from './table.ts';

/** The tables of docs/settings.md, from the settings tables and the comments of their entries. */

export const PAGE = join(import.meta.dirname, '../../docs/settings.md');

/** A comment, the key of the entry below it, and the entry's name. */
const DESCRIBED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\w+: \{\s*name: '(\w+)'/g;

/** The comment above each entry, by the setting's name. */
export async function descriptions(): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.ts'));
  const sources = await Promise.all(files.map((file) => readFile(join(import.meta.dirname, file), 'utf8')));
  return new Map(
    sources
      .flatMap((source) => [...source.matchAll(DESCRIBED)])
      .map(([, comment = '', name = '']) => [
        name,
        comment
          .replaceAll(/\n\s*\*/g, ' ')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      ]),
  );
}

/**
 * The page with its generated parts replaced. A part stands between `<!-- generated: name -->` and `<!-- end -->`.
 * @throws Error if an entry has no comment, or the page has no place for a part
 */
export async function fillIn(page: string): Promise<string> {
  const meanings = await descriptions();
  const topics = (all: Readonly<Record<string, SettingTable>>) =>
    Object.entries(all)
      .map(([title, table]) => `### ${title}\n\n${tableOf(table, meanings)}`)
      .join('\n\n');
  return Object.entries({
    functions: topics(FUNCTION_TOPICS),
    stack: topics({ 'The stack': APP_SETTINGS, ...STACK_TOPICS }),
    local: tableOf(LOCAL_SETTINGS, meanings),
  }).reduce(replacePart, page);
}

function replacePart(page: string, [name, text]: [string, string]): string {
  const begin = `<!-- generated: ${name} -->\n`;
  const [before, rest] = page.split(begin);
  const end = rest?.indexOf('<!-- end -->') ?? -1;
  if (rest === undefined || end < 0) throw new Error(`docs/settings.md has no place for "${name}"`);
  return `${before}${begin}\n${text}\n\n${rest.slice(end)}`;
}

/** Tables whose settings are no props of the construct. */
const WITHOUT_PROPS: ReadonlySet<SettingTable> = new Set([APP_SETTINGS, LOCAL_SETTINGS]);

function tableOf(table: SettingTable, meanings: ReadonlyMap<string, string>): string {
  const placed = settingsIn(table);
  const hasProps = !WITHOUT_PROPS.has(table);
  const readBy = placed.some(({ setting }) => setting.functions);
  const rows = placed.map((one) => {
    const { setting } = one;
    const meaning = meanings.get(setting.name);
    if (!meaning) throw new Error(`${setting.name} has no comment right above its entry`);
    return [
      `\`${setting.name}\`${hasProps ? `<br>${propOf(one)}` : ''}`,
      setting.when ? `${meaning} Only if ${setting.when}.` : meaning,
      valuesOf(setting),
      defaultOf(setting),
      ...(readBy ? [readersOf(setting)] : []),
    ];
  });
  const head = [hasProps ? 'setting, prop' : 'setting', 'meaning', 'values', 'if not set'];
  const columns = readBy ? [...head, 'read by'] : head;
  return [columns, columns.map(() => '---'), ...rows].map(tableLine).join('\n');
}

export const tableLine = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const propOf = ({ path }: PlacedSetting): string => `\`${path.join('.')}\``;

const code = (values: readonly (string | number)[]): string =>
  values.map((value) => `\`${value}\``).join(', ');

export function valuesOf(setting: Setting): string {
  switch (setting.kind) {
    case 'integer': {
      const [min, max] = setting.range;
      const text = withUnit(setting.values ? setting.values.join(', ') : `${min} to ${max}`, setting);
      const least = setting.leastOnDeploy;
      return least === undefined ? text : `${text}; on deploy at least ${least}`;
    }
    case 'choice':
      return code(setting.choices);
    case 'flag':
      return code(['true', 'false']);
    case 'text':
    case 'secret names':
      return setting.form ?? 'text';
    case 'url':
      return setting.protocol === 'https' ? 'an https URL (http on a loopback address)' : 'an http(s) URL';
    case 'secret':
      return `text, for the local cloud; on deploy \`${setting.onDeploy}\``;
    case 'secret name':
      return 'name or ARN of a Secrets Manager secret';
  }
}

/** Units that a number does not show and the setting's sentence does not say. */
const UNITS: Partial<Record<IntegerSetting['unit'], string>> = {
  milliseconds: 'ms',
  seconds: 's',
  hours: 'hours',
  days: 'days',
};

function withUnit(text: string, { unit }: IntegerSetting): string {
  const shown = UNITS[unit];
  return shown ? `${text} ${shown}` : text;
}

export function defaultOf(setting: Setting): string {
  if (setting.localDefault) return `${code([setting.localDefault])} locally; required on deploy`;
  if (!('default' in setting) || setting.default === undefined) return setting.unset ?? 'none';
  return setting.kind === 'integer'
    ? withUnit(String(setting.default), setting)
    : code([String(setting.default)]);
}

function readersOf({ functions = [] }: Setting): string {
  return functions.length === FUNCTION_NAMES.length ? 'all functions' : functions.join(', ');
}
