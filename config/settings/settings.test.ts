import { describe, expect, it } from 'vitest';
import { newSealKeys } from '../../test/support/seal-keys.ts';
import { checkSettings } from './check.ts';
import { readLimits, readRates } from './limits.ts';
import { readLogLevel } from './logs.ts';
import { readAgentSecrets, readModels } from './models.ts';
import { isTrustworthy } from './read.ts';
import { SettingError } from './setting.ts';

const GOOD = { MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none' };

describe('the settings of functions', () => {
  it('have rates, which 0 switches off', () => {
    expect(readRates({})).toEqual({ framesPerMinute: 1200, connectionsPerMinute: 60, dayFileBytes: 2 ** 30 });
    const off = {
      MIDTURN_FRAMES_PER_MINUTE: '0',
      MIDTURN_CONNECTIONS_PER_MINUTE: '0',
      MIDTURN_DAY_FILE_BYTES: '0',
    };
    expect(readRates(off)).toEqual({ framesPerMinute: 0, connectionsPerMinute: 0, dayFileBytes: 0 });
  });

  it('count nobody’s turns where everybody is the same principal', () => {
    const set = { MIDTURN_PRINCIPAL_TURNS: '7', MIDTURN_TENANT_TURNS: '9' };
    const turns = (auth: string) => {
      const { principalTurns, tenantTurns } = readLimits({ ...set, MIDTURN_AUTH: auth });
      return [principalTurns, tenantTurns];
    };
    expect(turns('tokens')).toEqual([7, 9]);
    expect(turns('none')).toEqual([0, 0]);
  });

  it('have a log level, in upper or lower case', () => {
    expect(readLogLevel({})).toBe('INFO');
    expect(readLogLevel({ MIDTURN_LOG_LEVEL: 'warn' })).toBe('WARN');
  });

  it.each([
    ['MIDTURN_FRAMES_PER_MINUTE', '-1'],
    ['MIDTURN_CONNECTIONS_PER_MINUTE', 'many'],
    ['MIDTURN_LOG_LEVEL', 'loud'],
    ['MIDTURN_MCP_URLS', 'docs=http://docs.example/mcp'],
    ['MIDTURN_MCP_URLS', 'https://docs.example/mcp'],
  ])('are checked: %s is not "%s"', (name, value) => {
    expect(() => checkSettings({ ...GOOD, [name]: value })).toThrow(SettingError);
    expect(() => checkSettings({ ...GOOD, [name]: value })).toThrow(
      new RegExp(`^${name} (is|has) "${value}"`),
    );
    expect(() => checkSettings(GOOD)).not.toThrow();
  });
});

describe('the models', () => {
  const ONE = { MIDTURN_MODEL: 'anthropic:big', MIDTURN_MODEL_API_KEY: 'key' };
  const second = (env: Record<string, string>) => readModels({ ...ONE, ...env })[1];

  it('are one, unless a fallback model is chosen', () => {
    expect(readModels(ONE)).toMatchObject([{ choice: { modelId: 'big' }, apiKey: 'key' }]);
    expect(second({ MIDTURN_FALLBACK_MODEL: 'bedrock:other' })).toMatchObject({
      choice: { provider: 'bedrock', modelId: 'other' },
      apiKey: undefined,
    });
  });

  it('of one provider have the same URL and key, unless the fallback model has its own: a key is sent to its own URL only', () => {
    const small = { MIDTURN_FALLBACK_MODEL: 'anthropic:small' };
    expect(second(small)).toMatchObject({ choice: { modelId: 'small' }, apiKey: 'key' });
    expect(second({ ...small, MIDTURN_FALLBACK_MODEL_BASE_URL: 'https://other.example' })).toMatchObject({
      baseUrl: 'https://other.example',
      apiKey: undefined,
    });
  });

  it('have roles that alternate where that is set, but not the fallback model, which may be another', () => {
    const env = { ...ONE, MIDTURN_FALLBACK_MODEL: 'bedrock:other', MIDTURN_MODEL_ROLES: 'alternating' };
    expect(readModels(env).map(({ alternates }) => alternates)).toEqual([true, false]);
  });

  it.each([
    ['MIDTURN_FALLBACK_MODEL', { MIDTURN_FALLBACK_MODEL: 'other' }],
    ['MIDTURN_FALLBACK_MODEL_BASE_URL', { MIDTURN_FALLBACK_MODEL: 'openai-compatible:other' }],
  ])('are checked: %s', (name, env) => {
    expect(() => second(env)).toThrow(new RegExp(`^${name} is `));
  });
});

describe('what the agent’s code may use', () => {
  it('are secrets under their own names, or under names that are the same in each stage', () => {
    const env = {
      MIDTURN_AGENT_SECRETS: 'midturn/openai, groq=midturn/prod/groq,x=arn:aws:secretsmanager:a:1:secret:b-c',
    };
    expect([...readAgentSecrets(env)]).toEqual([
      ['midturn/openai', 'midturn/openai'],
      ['groq', 'midturn/prod/groq'],
      ['x', 'arn:aws:secretsmanager:a:1:secret:b-c'],
    ]);
    expect([...readAgentSecrets({})]).toEqual([]);
  });

  it.each(['a,', 'a b', 'a=b=c', '=a', '{"a":"sk-1"}'])('is refused as "%s"', (text) => {
    expect(() => checkSettings({ MIDTURN_MODEL: 'agent', MIDTURN_AGENT_SECRETS: text })).toThrow(
      /^MIDTURN_AGENT_SECRETS is /,
    );
  });

  it('is a model, which gets the name that follows', () => {
    const choices = (env: Record<string, string>) => readModels(env).map(({ choice }) => choice);
    expect(choices({ MIDTURN_MODEL: 'agent', MIDTURN_FALLBACK_MODEL: 'agent:http://127.0.0.1/v1' })).toEqual([
      { provider: 'agent' },
      { provider: 'agent', name: 'http://127.0.0.1/v1' },
    ]);
  });
});

describe('a model that cannot be called', () => {
  const ENV = {
    MIDTURN_MODEL: 'openai-compatible:big',
    MIDTURN_MODEL_BASE_URL: 'https://models.example.com/v1',
  };

  it.each([
    [
      'an address without a scheme',
      { MIDTURN_MODEL_BASE_URL: 'localhost:11434/v1' },
      'MIDTURN_MODEL_BASE_URL',
    ],
    ['a bare host', { MIDTURN_MODEL_BASE_URL: 'models.example.com' }, 'MIDTURN_MODEL_BASE_URL'],
    ['a key with a line break', { MIDTURN_MODEL_API_KEY: 'sk-secret\n' }, 'MIDTURN_MODEL_API_KEY'],
    ['a key with a typographic dash', { MIDTURN_MODEL_API_KEY: 'sk–secret' }, 'MIDTURN_MODEL_API_KEY'],
  ])('%s is refused at start in one line, which does not quote a key', (_what, bad, name) => {
    let message = '';
    try {
      checkSettings({ ...ENV, ...bad });
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      message = error.message;
    }
    expect(message).toContain(name);
    expect(message).not.toMatch(/\n|secret/);
  });
});

describe('the key pair of kept tokens', () => {
  const { publicKey, privateKey } = newSealKeys();
  const check = (env: Record<string, string>) => () =>
    checkSettings({ MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none', ...env });

  it('is both halves, the private one as a secret or by the name of one', () => {
    check({ MIDTURN_FORWARD_TOKEN_KEY: publicKey, MIDTURN_FORWARD_TOKEN_PRIVATE_KEY: privateKey })();
    check({ MIDTURN_FORWARD_TOKEN_KEY: publicKey, MIDTURN_FORWARD_TOKEN_PRIVATE_KEY_SECRET: 'team/key' })();
    expect(check({ MIDTURN_FORWARD_TOKEN_KEY: publicKey })).toThrow(
      /^MIDTURN_FORWARD_TOKEN_PRIVATE_KEY is not set/,
    );
    expect(check({ MIDTURN_FORWARD_TOKEN_PRIVATE_KEY: privateKey })).toThrow(
      /^MIDTURN_FORWARD_TOKEN_KEY is not set/,
    );
  });

  it.each(['no key', privateKey])('is refused if the public one is none', (key) => {
    expect(check({ MIDTURN_FORWARD_TOKEN_KEY: key })).toThrow(/^MIDTURN_FORWARD_TOKEN_KEY is /);
  });
});

describe('a URL whose answers are trusted', () => {
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
