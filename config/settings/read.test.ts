import { describe, expect, it } from 'vitest';
import { readJwtSettings } from './authentication.ts';
import { readBudgets } from './budgets.ts';
import { readLimits, readRates, readRetention } from './limits.ts';
import { alternatives, parse, read, settingsIn } from './read.ts';
import { offeredAgents, readSessionSettings } from './sessions.ts';
import { type IntegerSetting, SettingError } from './setting.ts';
import { FUNCTION_SETTINGS, STACK_SETTINGS } from './table.ts';
import { readTurnSettings } from './turns.ts';

const SETTINGS = [...settingsIn(FUNCTION_SETTINGS), ...settingsIn(STACK_SETTINGS)].map(
  ({ setting }) => setting,
);

describe('a whole number', () => {
  const integers: readonly IntegerSetting[] = SETTINGS.filter((setting) => setting.kind === 'integer');

  it('is one from the least to the greatest, both included, and no other', () => {
    for (const setting of integers) {
      const [min, max] = setting.range;
      for (const good of setting.values ?? [min, max])
        expect(parse(setting, String(good)), setting.name).toBe(good);
      const between = setting.values ? [setting.values[0], min - 1, max + 1] : [min - 1, max + 1];
      const bad = [...between.filter((n) => !setting.values?.includes(Number(n))), min + 0.5, 'many', 'NaN'];
      for (const text of bad)
        expect(() => parse(setting, String(text)), `${setting.name} ${text}`).toThrow(SettingError);
    }
  });

  it('of a list is one of the list', () => {
    for (const setting of integers) {
      if (!setting.values) continue;
      const others = Array.from({ length: 40 }, (_, n) => n + 1).filter((n) => !setting.values?.includes(n));
      for (const n of others) expect(() => parse(setting, String(n)), setting.name).toThrow(SettingError);
    }
  });
});

it('a choice is one of the choices as they are written, or in any case where the setting says so', () => {
  for (const setting of SETTINGS) {
    if (setting.kind !== 'choice') continue;
    for (const choice of setting.choices) {
      expect(parse(setting, choice)).toBe(choice);
      for (const other of [choice.toUpperCase(), choice.toLowerCase()]) {
        if (setting.anyCase || other === choice) expect(parse(setting, other)).toBe(choice);
        else expect(() => parse(setting, other), setting.name).toThrow(alternatives(setting.choices));
      }
    }
    expect(() => parse(setting, 'another')).toThrow(`${setting.name} is "another": it must be `);
  }
});

it('a URL of any provider is one of http or https', () => {
  const setting = { name: 'ADDRESS', kind: 'url', protocol: 'any' } as const;
  for (const good of ['https://a.example/v1', 'http://10.0.0.7:11434'])
    expect(parse(setting, good)).toBe(good);
  for (const bad of ['ftp://a.example', 'file:///etc/passwd', 'a.example', 'localhost:11434/v1'])
    expect(() => parse(setting, bad), bad).toThrow(SettingError);
});

it('an amount of money is above 0, with six places at most', () => {
  const { principalDayCost } = FUNCTION_SETTINGS;
  for (const good of ['2.5', '0.000001', '999999999.999999', '7'])
    expect(parse(principalDayCost, good)).toBe(good);
  for (const bad of ['0', '0.0', '-1', '1.0000001', '1e3', '.5', '1,5'])
    expect(() => parse(principalDayCost, bad), bad).toThrow(SettingError);
});

describe('each setting is read into its own place', () => {
  /** A different number for each setting that is an integer, within its range. */
  const env: Record<string, string> = { MIDTURN_AUTH: 'jwt' };
  const numbers = new Map<string, number>();
  for (const [at, { setting }] of settingsIn(FUNCTION_SETTINGS).entries()) {
    if (setting.kind !== 'integer') continue;
    const [min, max] = setting.range;
    numbers.set(setting.name, Math.min(max, min + 1 + at));
    env[setting.name] = String(numbers.get(setting.name));
  }
  const n = (name: string): number => numbers.get(`MIDTURN_${name}`) ?? Number.NaN;

  it('of a turn', () => {
    const set = { ...env, MIDTURN_RESPONSE_CACHE: 'tenant' };
    expect(readTurnSettings(set)).toEqual({
      maxSteps: n('MAX_STEPS'),
      flushMs: n('FLUSH_MS'),
      stallMs: n('MODEL_STALL_SECONDS') * 1000,
      waitMs: n('MODEL_WAIT_SECONDS') * 1000,
      patienceMs: n('MODEL_PATIENCE_SECONDS') * 1000,
      contextTokens: n('CONTEXT_TOKENS'),
      approvalSeconds: n('APPROVAL_TIMEOUT_SECONDS'),
      approvalHoldMs: n('APPROVAL_HOLD_SECONDS') * 1000,
      cache: { scope: 'tenant', hours: n('RESPONSE_CACHE_HOURS') },
      turnTimeoutSeconds: n('TURN_TIMEOUT_SECONDS'),
      visibilitySeconds: n('VISIBILITY_SECONDS'),
    });
  });

  it('of sessions and principals', () => {
    expect(readLimits(env)).toEqual({
      inboxMessages: n('INBOX_LIMIT'),
      inboxBytes: n('INBOX_BYTES'),
      sessionTurns: n('SESSION_QUEUE_LIMIT'),
      sessionConnections: n('SESSION_CONNECTIONS'),
      principalTurns: n('PRINCIPAL_TURNS'),
      tenantTurns: n('TENANT_TURNS'),
      queueTimeoutSeconds: n('SESSION_QUEUE_TIMEOUT_SECONDS'),
      fileBytes: n('FILE_BYTES'),
    });
    expect(readRates(env)).toEqual({
      framesPerMinute: n('FRAMES_PER_MINUTE'),
      connectionsPerMinute: n('CONNECTIONS_PER_MINUTE'),
      dayFileBytes: n('DAY_FILE_BYTES'),
    });
    expect(readRetention(env)).toEqual({
      transcriptDays: n('RETENTION_DAYS'),
      eventHours: n('EVENT_RETENTION_HOURS'),
    });
  });

  it('of budgets: the principal’s, and the tenant’s', () => {
    const set = { ...env, MIDTURN_PRINCIPAL_DAY_COST: '2.5', MIDTURN_TENANT_DAY_COST: '70' };
    expect(readBudgets(set)).toEqual({
      principal: { turns: n('PRINCIPAL_DAY_TURNS'), tokens: n('PRINCIPAL_DAY_TOKENS'), cost: 2.5 },
      tenant: { turns: n('TENANT_DAY_TURNS'), tokens: n('TENANT_DAY_TOKENS'), cost: 70 },
    });
    expect(readBudgets({})).toEqual({ principal: {}, tenant: {} });
  });

  it('lists as their entries', () => {
    const jwt = { MIDTURN_JWT_ISSUER: 'https://i.example', MIDTURN_JWT_AUDIENCE: 'chat' };
    expect(readJwtSettings({ ...jwt, MIDTURN_JWT_CLAIMS: 'plan,app.role' }).claims).toEqual([
      'plan',
      'app.role',
    ]);
    expect(readJwtSettings(jwt).claims).toEqual([]);
    expect(offeredAgents(readSessionSettings({ MIDTURN_AGENTS: 'one,two' }))).toEqual(['one', 'two']);
    expect(offeredAgents(readSessionSettings({}))).toEqual([]);
  });
});

it('an empty text is a setting that is not set', () => {
  expect(read({ MIDTURN_MAX_STEPS: '' }, FUNCTION_SETTINGS.maxSteps)).toBe(16);
  expect(read({ MIDTURN_AGENTS: '' }, FUNCTION_SETTINGS.agents)).toBeUndefined();
});
