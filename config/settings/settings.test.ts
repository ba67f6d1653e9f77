import { describe, expect, it } from 'vitest';
import { checkSettings } from './check.ts';
import { readRates } from './limits.ts';
import { readLogLevel } from './logs.ts';
import { readModels } from './models.ts';
import { isTrustworthy } from './read.ts';
import { SettingError } from './setting.ts';
import { FUNCTION_SETTING_NAMES } from './table.ts';

const GOOD = { MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none' };

describe('settings', () => {
  it('have rates, which may be switched off', () => {
    expect(readRates({})).toEqual({ framesPerMinute: 1200, connectionsPerMinute: 60 });
    const off = { MIDTURN_FRAMES_PER_MINUTE: '0', MIDTURN_CONNECTIONS_PER_MINUTE: '0' };
    expect(readRates(off)).toEqual({ framesPerMinute: 0, connectionsPerMinute: 0 });
  });

  it('have a level for logs, in whatever case', () => {
    expect(readLogLevel({})).toBe('INFO');
    expect(readLogLevel({ MIDTURN_LOG_LEVEL: 'warn' })).toBe('WARN');
  });

  it.each([
    ['MIDTURN_FRAMES_PER_MINUTE', '-1'],
    ['MIDTURN_CONNECTIONS_PER_MINUTE', 'many'],
    ['MIDTURN_LOG_LEVEL', 'loud'],
    ['MIDTURN_MCP_URLS', 'docs=http://docs.example/mcp'],
    ['MIDTURN_MCP_URLS', 'https://docs.example/mcp'],
  ])('are checked: %s cannot be "%s"', (name, value) => {
    expect(() => checkSettings({ ...GOOD, [name]: value })).toThrow(SettingError);
    expect(() => checkSettings({ ...GOOD, [name]: value })).toThrow(
      new RegExp(`^${name} (is|has) "${value}"`),
    );
    expect(() => checkSettings(GOOD)).not.toThrow();
  });

  it('are each passed on to the functions once', () => {
    expect(new Set(FUNCTION_SETTING_NAMES).size).toBe(FUNCTION_SETTING_NAMES.length);
    for (const name of [
      'MIDTURN_FRAMES_PER_MINUTE',
      'MIDTURN_CONNECTIONS_PER_MINUTE',
      'MIDTURN_JWT_JWKS_URI',
      'MIDTURN_JWT_TENANT_CLAIM',
      'MIDTURN_LOG_LEVEL',
    ]) {
      expect(FUNCTION_SETTING_NAMES).toContain(name);
    }
  });
});

describe('the models', () => {
  const ONE = { MIDTURN_MODEL: 'anthropic:big', MIDTURN_MODEL_API_KEY: 'key' };
  const second = (env: Record<string, string>) => readModels({ ...ONE, ...env })[1];

  it('are one, unless a second is chosen', () => {
    expect(readModels(ONE)).toMatchObject([{ choice: { modelId: 'big' }, apiKey: 'key' }]);
    expect(second({ MIDTURN_FALLBACK_MODEL: 'bedrock:other' })).toMatchObject({
      choice: { provider: 'bedrock', modelId: 'other' },
      apiKey: undefined,
    });
  });

  it('of one provider are reached alike, unless the second has words of its own: a key goes to its own address alone', () => {
    const small = { MIDTURN_FALLBACK_MODEL: 'anthropic:small' };
    expect(second(small)).toMatchObject({ choice: { modelId: 'small' }, apiKey: 'key' });
    expect(second({ ...small, MIDTURN_FALLBACK_MODEL_BASE_URL: 'https://other.example' })).toMatchObject({
      baseUrl: 'https://other.example',
      apiKey: undefined,
    });
  });

  it.each([
    ['MIDTURN_FALLBACK_MODEL', { MIDTURN_FALLBACK_MODEL: 'other' }],
    ['MIDTURN_FALLBACK_MODEL_BASE_URL', { MIDTURN_FALLBACK_MODEL: 'openai-compatible:other' }],
  ])('are checked: %s', (name, env) => {
    expect(() => second(env)).toThrow(new RegExp(`^${name} is `));
  });
});

describe('a URL that keys may come from', () => {
  it.each([
    'https://issuer.example/realm',
    'http://127.0.0.1:8080/realm',
    'http://localhost',
    'http://[::1]:1',
  ])('is %s', (url) => expect(isTrustworthy(url)).toBe(true));

  it.each([
    'http://issuer.example',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'ftp://localhost',
    'issuer',
  ])('is not %s', (url) => expect(isTrustworthy(url)).toBe(false));
});
