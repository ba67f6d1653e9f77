import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Milliseconds, Seconds } from '../units.ts';
import { APP_SETTINGS } from './app.ts';
import { checkEach } from './check.ts';
import { LOCAL_SETTINGS } from './local.ts';
import { type PlacedSetting, read, readAll, settingsIn } from './read.ts';
import type { IntegerSetting } from './setting.ts';
import { FUNCTION_SETTINGS, FUNCTION_TOPICS, STACK_SETTINGS, STACK_TOPICS } from './table.ts';

const functions = settingsIn(FUNCTION_SETTINGS);
const stack = settingsIn(STACK_SETTINGS);
const all = [...functions, ...stack, ...settingsIn(APP_SETTINGS), ...settingsIn(LOCAL_SETTINGS)].map(
  ({ setting }) => setting,
);

const nameOf = ({ setting }: PlacedSetting) => setting.name;

/** What a name ends with, and the unit that it says. */
const UNITS: readonly (readonly [suffix: string, unit: IntegerSetting['unit']])[] = [
  ['_MS', 'milliseconds'],
  ['_SECONDS', 'seconds'],
  ['_HOURS', 'hours'],
  ['_DAYS', 'days'],
  ['_BYTES', 'bytes'],
  ['_TOKENS', 'tokens'],
  ['_PER_MINUTE', 'per minute'],
  ['_PERCENT', 'percent'],
];

describe('the table', () => {
  it('has each name once', () => {
    expect(all.map(({ name }) => name).toSorted()).toEqual(
      [...new Set(all.map(({ name }) => name))].toSorted(),
    );
  });

  it('has each setting in one topic', () => {
    const inTopics = (topics: typeof FUNCTION_TOPICS) =>
      Object.values(topics).flatMap(settingsIn).map(nameOf);
    expect(inTopics(FUNCTION_TOPICS).toSorted()).toEqual(functions.map(nameOf).toSorted());
    expect(inTopics(STACK_TOPICS).toSorted()).toEqual(stack.map(nameOf).toSorted());
  });

  it.each(functions)('calls the prop of $setting.name as the setting', ({ setting, path }) => {
    const words = path.join('_').replaceAll(/[A-Z]/g, (letter) => `_${letter}`);
    expect(setting.name).toBe(`MIDTURN_${words.toUpperCase()}`);
  });

  it.each(functions)('says which functions read $setting.name', ({ setting }) => {
    expect(setting.functions?.length).toBeGreaterThan(0);
  });

  it.each(all.filter((setting) => setting.kind === 'integer'))(
    'has the unit in the name of $name',
    (setting) => {
      const named = UNITS.find(([suffix]) => setting.name.endsWith(suffix));
      if (named || UNITS.some(([, unit]) => unit === setting.unit)) expect(setting.unit).toBe(named?.[1]);
    },
  );

  it('has only defaults that its own check accepts', () => {
    const withDefault = [...functions, ...stack].flatMap(({ setting }) =>
      'default' in setting ? [[setting.name, String(setting.default)] as const] : [],
    );
    expect(withDefault.length).toBeGreaterThan(20);
    const env = Object.fromEntries(withDefault);
    expect(() => checkEach(FUNCTION_SETTINGS, env)).not.toThrow();
    expect(() => checkEach(STACK_SETTINGS, env)).not.toThrow();
  });

  it('names for each plain secret a setting that takes the secret’s name', () => {
    for (const { setting } of functions) {
      if (setting.kind !== 'secret') continue;
      const other = functions.find((one) => nameOf(one) === setting.onDeploy)?.setting;
      expect(other).toMatchObject({ kind: 'secret name', functions: setting.functions });
    }
  });
});

describe('a value', () => {
  it('has the type that its entry says', () => {
    expectTypeOf(read({}, FUNCTION_SETTINGS.flushMs)).toEqualTypeOf<Milliseconds | undefined>();
    expectTypeOf(read({}, FUNCTION_SETTINGS.visibilitySeconds)).toEqualTypeOf<Seconds>();
    expectTypeOf(read({}, FUNCTION_SETTINGS.maxSteps)).toEqualTypeOf<number>();
    expectTypeOf(read({}, FUNCTION_SETTINGS.steerScope)).toEqualTypeOf<'connection' | 'session'>();
    expectTypeOf(read({}, STACK_SETTINGS.tracing)).toEqualTypeOf<boolean>();
    expectTypeOf(read({}, FUNCTION_SETTINGS.jwtAudience)).toEqualTypeOf<string | undefined>();
  });

  it('is the default if the text is empty or not set', () => {
    expect(read({}, FUNCTION_SETTINGS.maxSteps)).toBe(16);
    expect(read({ MIDTURN_MAX_STEPS: '' }, FUNCTION_SETTINGS.maxSteps)).toBe(16);
    expect(read({ MIDTURN_JWT_AUDIENCE: '' }, FUNCTION_SETTINGS.jwtAudience)).toBeUndefined();
  });

  it('is absent from a topic’s values if it is not set and has no default', () => {
    const { jwtAudience, maxSteps } = FUNCTION_SETTINGS;
    expect(readAll({}, { jwtAudience, maxSteps })).toEqual({ maxSteps: 16 });
    const env = { MIDTURN_JWT_AUDIENCE: 'chat' };
    expect(readAll(env, { jwtAudience, maxSteps })).toEqual({ jwtAudience: 'chat', maxSteps: 16 });
  });
});
