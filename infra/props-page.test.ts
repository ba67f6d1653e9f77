import { readFile } from 'node:fs/promises';
import { App, type RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { settingsIn } from '../config/settings/read.ts';
import { type Setting, SettingError } from '../config/settings/setting.ts';
import { FUNCTION_SETTINGS, STACK_SETTINGS } from '../config/settings/table.ts';
import { TEST_BUNDLES } from '../test/support/bundles.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { Midturn, MidturnAuth, type MidturnProps } from './index.ts';
import { OWN_PROPS } from './prop-forms.ts';
import { fillInProps, PROPS_PAGE, propRows } from './props-page.ts';

const PLACED = [...settingsIn(FUNCTION_SETTINGS), ...settingsIn(STACK_SETTINGS)];
const rows = await propRows();

describe('the table of docs/construct.md', () => {
  it('is what the types and the settings tables say: `npm run settings` writes it', async () => {
    const page = await readFile(PROPS_PAGE, 'utf8');
    expect(page).toBe(await fillInProps(page));
    await expect(fillInProps('# The construct\n')).rejects.toThrow('has no place for "props"');
  });

  it('has each prop of the type once, with its type, its default and what it does', () => {
    // The compiler holds `OWN_PROPS` to the type, and the type is made of the settings tables.
    type Setting = keyof typeof FUNCTION_SETTINGS | keyof typeof STACK_SETTINGS;
    expectTypeOf<Exclude<Setting, keyof MidturnProps>>().toBeNever();
    const expected = [...PLACED.map(({ path }) => path.join('.')), ...OWN_PROPS, 'domain'];
    expect(rows.map(({ prop }) => prop).toSorted()).toEqual(expected.toSorted());
    for (const { prop, type, byDefault, meaning } of rows) {
      expect([type, byDefault, meaning].every(Boolean), prop).toBe(true);
      expect(meaning, prop).not.toContain('@default');
    }
  });

  it('says types and what is required as the type does', () => {
    const shown = (prop: string) => {
      const { type, byDefault } = rows.find((row) => row.prop === prop) ?? {};
      return [type, byDefault === 'required'];
    };
    expectTypeOf<MidturnProps['inboxLimit']>().toEqualTypeOf<number | undefined>();
    expect(shown('inboxLimit')).toEqual(['number', false]);
    expectTypeOf<MidturnProps['outsideMessages']>().toEqualTypeOf<boolean | undefined>();
    expect(shown('outsideMessages')).toEqual(['boolean', false]);
    expectTypeOf<MidturnProps['modelRoles']>().toEqualTypeOf<'any' | 'alternating' | undefined>();
    expect(shown('modelRoles')).toEqual(["'any' | 'alternating'", false]);
    expectTypeOf<MidturnProps['removalPolicy']>().toEqualTypeOf<RemovalPolicy | undefined>();
    expect(shown('removalPolicy')).toEqual(['RemovalPolicy', false]);
    expectTypeOf<MidturnProps['auth']>().toEqualTypeOf<MidturnAuth | 'jwt' | 'tokens' | 'none'>();
    expect(shown('auth')).toEqual(["MidturnAuth | 'jwt' | 'tokens' | 'none'", true]);
    expectTypeOf<MidturnProps['model']>().toEqualTypeOf<string>();
    expect(shown('model')).toEqual(['string', true]);
    type Required = { [P in keyof MidturnProps]-?: undefined extends MidturnProps[P] ? never : P };
    expectTypeOf<Required[keyof MidturnProps]>().toEqualTypeOf<'auth' | 'model'>();
    expect(rows.filter(({ byDefault }) => byDefault === 'required').map(({ prop }) => prop)).toEqual([
      'auth',
      'model',
    ]);
  });
});

const GOOD = { model: 'demo', auth: 'none', openToAnyone: true, bundles: TEST_BUNDLES } as const;
const stack = new Stack(new App({ outdir: temporaryFolder() }), 'Theirs');
let count = 0;

/** What an app in JavaScript gives, for the compiler does not take it. @returns the error */
function errorOf(props: object): unknown {
  count += 1;
  try {
    new Midturn(stack, `Chat${count}`, { ...GOOD, ...props } as MidturnProps);
    return undefined;
  } catch (error) {
    return error;
  }
}

const at = ([prop, field]: readonly [string, string?], value: unknown) => ({
  [prop]: field === undefined ? value : { [field]: value },
});

/** A text that the entry does not take. Undefined: it takes any. */
function badText(setting: Setting): string | undefined {
  switch (setting.kind) {
    case 'integer':
      return String(setting.range[1] + 1);
    case 'choice':
    case 'flag':
    case 'url':
      return 'perhaps';
    case 'secret names':
      return 'a b';
    case 'text':
      return ['{}', 'a b', '-'].find((text) => setting.pattern && !setting.pattern.test(text));
    default:
      return undefined;
  }
}

describe('each prop is checked at synth, with an error that names it', () => {
  it.each(PLACED.map(({ setting, path }) => [path.join('.'), setting, path] as const))(
    '%s',
    (prop, setting, path) => {
      expect(errorOf(at(path, { text: 'x' }))).toMatchObject({
        name: 'SettingError',
        message: expect.stringMatching(new RegExp(`(^|\\b)${prop} must be |no prop ${prop}\\.text`)),
      });
      const text = badText(setting);
      if (text === undefined) return;
      const error = errorOf(at(path, text));
      expect(error).toBeInstanceOf(SettingError);
      expect(String(error)).toContain(`SettingError: ${prop}: ${setting.name} is "${text}": it must be `);
    },
  );

  it.each<[string, unknown, object?]>([
    ['agent', 'agent/nowhere.ts'],
    ['name', 'our chat'],
    ['pageFolder', 'nowhere', { page: true }],
    ['securityGroups', {}],
    ['vpc', 'vpc-1'],
    ['vpcSubnets', 'private'],
    ['domain', {}],
    ['domain', { host: 'chat.example.com' }],
    ['eventBus', {}],
    ['removalPolicy', 'keep'],
    ['throttle', 5],
    ['agnet', 'agent/agent.ts'],
  ])('%s, given as %j', (prop, value, beside) => {
    const error = errorOf({ ...beside, [prop]: value });
    expect(error).toBeInstanceOf(SettingError);
    expect(String(error)).toMatch(new RegExp(`SettingError: (There is no prop )?${prop}\\b`));
  });

  it.each([
    [{ callbackUrls: ['https://a.example/'] }, 'auth: domainPrefix is not set'],
    [{ domainPrefix: 'a' }, 'auth: callbackUrls is empty'],
    [
      { callbackUrls: ['http://a.example/'], domainPrefix: 'a' },
      'auth: "http://a.example/" must be an https URL',
    ],
    [
      { callbackUrls: ['https://a.example/'], logoutUrls: ['http://a.example/bye'], domainPrefix: 'a' },
      'auth: "http://a.example/bye" must be an https URL',
    ],
  ])('auth of a new user pool that nobody could sign in to: %j', (options, why) => {
    const auth = MidturnAuth.newUserPool(options);
    expect(String(errorOf({ auth }))).toContain(why);
  });

  it('and two that do not go together are both named', () => {
    expect(String(errorOf({ turnPollers: { min: 9, max: 3 } }))).toContain(
      'turnPollers.min, turnPollers.max: MIDTURN_TURN_POLLERS_MIN is "9"',
    );
  });
});
