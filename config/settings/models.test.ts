import { describe, expect, it } from 'vitest';
import { checkSettings, isUsed } from './check.ts';
import { isSendable, readAgentBedrockModels, readMcpUrls, readModels } from './models.ts';
import { SettingError } from './setting.ts';
import { FUNCTION_SETTINGS } from './table.ts';

const URL_SET = { MIDTURN_MODEL_BASE_URL: 'https://models.example/v1' };

describe('the models of a turn', () => {
  it.each<[string, object]>([
    ['demo', { provider: 'demo' }],
    ['agent', { provider: 'agent' }],
    ['agent:fast:2', { provider: 'agent', name: 'fast:2' }],
    ['bedrock:eu.anthropic.m-v1:0', { provider: 'bedrock', modelId: 'eu.anthropic.m-v1:0' }],
    ['openai-compatible:org/m:free', { provider: 'openai-compatible', modelId: 'org/m:free' }],
  ])('are named by their provider and its whole id: %s', (text, choice) => {
    expect(readModels({ MIDTURN_MODEL: text, ...URL_SET })[0].choice).toEqual(choice);
  });

  it('are called as the settings say, the fallback model too', () => {
    const env = { MIDTURN_MODEL: 'bedrock:one', MIDTURN_FALLBACK_MODEL: 'bedrock:other' };
    const of = (more: Record<string, string>) =>
      readModels({ ...env, ...more }).map(({ streamUsage, promptCache, maxOutputTokens }) => [
        streamUsage,
        promptCache,
        maxOutputTokens,
      ]);
    expect(of({})).toEqual(Array(2).fill([true, 'auto', undefined]));
    expect(
      of({
        MIDTURN_MODEL_STREAM_USAGE: 'off',
        MIDTURN_MODEL_PROMPT_CACHE: 'off',
        MIDTURN_MODEL_MAX_OUTPUT_TOKENS: '7',
      }),
    ).toEqual(Array(2).fill([false, 'off', 7]));
  });

  const ACCESS = {
    ...URL_SET,
    MIDTURN_MODEL: 'openai-compatible:big',
    MIDTURN_MODEL_API_KEY: 'key',
    MIDTURN_MODEL_API_KEY_SECRET: 'secret',
  };
  const second = (env: Record<string, string>) => {
    const [, fallback] = readModels({ ...ACCESS, ...env });
    return fallback && [fallback.baseUrl, fallback.apiKey, fallback.apiKeySecret];
  };
  const small = { MIDTURN_FALLBACK_MODEL: 'openai-compatible:small' };

  it('of one provider are reached alike where nothing else is said of the fallback model', () => {
    expect(second(small)).toEqual([URL_SET.MIDTURN_MODEL_BASE_URL, 'key', 'secret']);
    expect(second({ MIDTURN_FALLBACK_MODEL: 'openai:small' })).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['URL', { MIDTURN_FALLBACK_MODEL_BASE_URL: 'https://own.example' }],
    ['key', { MIDTURN_FALLBACK_MODEL_API_KEY: 'own' }],
    ['secret', { MIDTURN_FALLBACK_MODEL_API_KEY_SECRET: 'own' }],
  ])('share nothing where the fallback model has a %s of its own', (_, own) => {
    const anthropic = { MIDTURN_MODEL: 'anthropic:big', MIDTURN_FALLBACK_MODEL: 'anthropic:small' };
    const all = Object.values(own);
    expect(second({ ...anthropic, ...own })?.filter((value) => value !== undefined)).toEqual(all);
  });

  it('that need a URL are refused without one, by the name of their own setting', () => {
    expect(() => readModels({ MIDTURN_MODEL: 'openai-compatible:m' })).toThrow(
      /^MIDTURN_MODEL_BASE_URL is not set/,
    );
    expect(() => second({ ...small, MIDTURN_FALLBACK_MODEL_API_KEY: 'own' })).toThrow(
      /^MIDTURN_FALLBACK_MODEL_BASE_URL is not set/,
    );
  });

  it('without a name are refused', () => {
    for (const MIDTURN_MODEL of ['', undefined])
      expect(() => readModels({ MIDTURN_MODEL })).toThrow(/^MIDTURN_MODEL is not set: it must be demo, /);
  });
});

it('a key can be sent where each of its characters is visible ASCII', () => {
  for (const good of ['!', '~', 'sk-1_a/=+']) expect(isSendable(good), good).toBe(true);
  for (const bad of ['', ' ', 'a b', 'a\n', '\x7f', 'é', 'a\x20']) expect(isSendable(bad), bad).toBe(false);
});

it('models of Bedrock for the agent’s code are a list, which may have spaces', () => {
  expect(readAgentBedrockModels({ MIDTURN_AGENT_BEDROCK_MODELS: 'eu.one , two:0' })).toEqual([
    'eu.one',
    'two:0',
  ]);
  expect(readAgentBedrockModels({})).toEqual([]);
});

describe('URLs of MCP servers', () => {
  const read = (MIDTURN_MCP_URLS: string) => readMcpUrls({ MIDTURN_MCP_URLS });

  it('are read by the names of the servers', () => {
    expect(read(' docs=https://docs.example/mcp?a=b , tools-2=http://127.0.0.1:1/mcp,')).toEqual({
      docs: 'https://docs.example/mcp?a=b',
      'tools-2': 'http://127.0.0.1:1/mcp',
    });
    expect(readMcpUrls({})).toEqual({});
  });

  it.each([
    'docs',
    'docs=',
    '=https://a.example',
    'a b=https://a.example',
    'docs=http://a.example',
    'a.b=https://a',
  ])('are refused with "%s" among them', (entry) => {
    expect(() => read(`good=https://a.example,${entry}`)).toThrow(SettingError);
    expect(() => read(`good=https://a.example,${entry}`)).toThrow(
      `MIDTURN_MCP_URLS has "${entry}": it must be`,
    );
  });
});

describe('a setting that depends on another', () => {
  const {
    modelApiKey,
    fallbackModelApiKey,
    tokensSecret,
    jwtIssuer,
    openToAnyone,
    forwardTokenKey,
    maxSteps,
  } = FUNCTION_SETTINGS;
  const AUTH = {
    jwt: { MIDTURN_AUTH: 'jwt', MIDTURN_JWT_ISSUER: 'https://i.example', MIDTURN_JWT_AUDIENCE: 'a' },
    tokens: { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS_SECRET: 'tokens' },
    none: { MIDTURN_AUTH: 'none' },
  };

  it('of authentication is used with its way of it alone', () => {
    const used = (setting: Parameters<typeof isUsed>[0]) =>
      Object.entries(AUTH).flatMap(([way, env]) => (isUsed(setting, env) ? [way] : []));
    expect(used(jwtIssuer)).toEqual(['jwt']);
    expect(used(tokensSecret)).toEqual(['tokens']);
    expect(used(openToAnyone)).toEqual(['none']);
    expect(used(forwardTokenKey)).toEqual(['jwt', 'tokens']);
    expect(used(maxSteps)).toEqual(['jwt', 'tokens', 'none']);
  });

  it('of a model’s key is used where that model takes one', () => {
    const used = (MIDTURN_MODEL: string, MIDTURN_FALLBACK_MODEL = '') =>
      [modelApiKey, fallbackModelApiKey].map((setting) =>
        isUsed(setting, { MIDTURN_MODEL, MIDTURN_FALLBACK_MODEL, ...URL_SET }),
      );
    for (const keyless of ['demo', 'bedrock:m', 'agent']) expect(used(keyless)).toEqual([false, false]);
    for (const taking of ['openai:m', 'anthropic:m', 'google:m', 'openai-compatible:m'])
      expect(used(taking)).toEqual([true, false]);
    expect(used('demo', 'openai:m')).toEqual([false, true]);
    expect(used('anthropic:m', 'bedrock:m')).toEqual([true, false]);
  });

  it.each([
    [{ MIDTURN_AUTH: '' }, 'MIDTURN_AUTH is not set: it must be jwt, tokens or none.'],
    [{ MIDTURN_AUTH: 'tokens' }, 'MIDTURN_TOKENS is not set: auth by tokens needs'],
    [{ ...AUTH.jwt, MIDTURN_JWT_ISSUER: '' }, 'MIDTURN_JWT_ISSUER is not set: auth by jwt needs it.'],
    [{ ...AUTH.jwt, MIDTURN_JWT_AUDIENCE: '' }, 'MIDTURN_JWT_AUDIENCE is not set: auth by jwt needs it.'],
  ])('of authentication that is needed is missed by its name: %j', (env, complaint) => {
    expect(() => checkSettings({ MIDTURN_MODEL: 'demo', ...env })).toThrow(complaint);
  });

  it('of authentication by tokens is one of two', () => {
    for (const env of [AUTH.tokens, { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS: 't=a/b' }, AUTH.jwt, AUTH.none])
      expect(() => checkSettings({ MIDTURN_MODEL: 'demo', ...env })).not.toThrow();
  });
});
