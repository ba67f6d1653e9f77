import { expect, it } from 'vitest';
import { SettingError } from '../config/settings/setting.ts';
import { startOptions } from './start-options.ts';

const options = (env: Record<string, string>) => startOptions(env, { verbose: false });

it('what is not set is left to the local cloud', () => {
  expect(options({ MIDTURN_MODEL: '', HOME: '/', AWS_ENDPOINT_URL: 'x' })).toEqual({
    port: 8787,
    settings: {},
    secrets: {},
    origins: [],
    log: expect.any(Function),
  });
});

it('settings of the functions, the address of Bedrock, secrets and origins are passed on', () => {
  const env = {
    PORT: '0',
    MIDTURN_MODEL: 'demo',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:9',
    MIDTURN_DATA_DIR: 'data',
    MIDTURN_LOCAL_SECRETS: '{"a/key":"é"}',
    MIDTURN_LOCAL_ORIGINS: 'http://localhost:5173, https://app.example',
  };
  expect(options(env)).toMatchObject({
    port: 0,
    dataDir: 'data',
    settings: { MIDTURN_MODEL: 'demo', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:9' },
    secrets: { 'a/key': 'é' },
    origins: ['http://localhost:5173', 'https://app.example'],
  });
});

it.each([
  { MIDTURN_LOCAL_SECRETS: 'hunter2' },
  { MIDTURN_LOCAL_SECRETS: '["hunter2"]' },
  { MIDTURN_LOCAL_SECRETS: 'null' },
  { MIDTURN_LOCAL_SECRETS: '{"a":"hunter2","b":null}' },
  { MIDTURN_LOCAL_ORIGINS: 'null' },
  { MIDTURN_LOCAL_ORIGINS: 'localhost:5173' },
  { MIDTURN_LOCAL_ORIGINS: 'http://a.example/' },
  { MIDTURN_LOCAL_ORIGINS: 'http://a.example,' },
])('what cannot be used is refused, and no secret is told: %j', (env) => {
  expect(() => options(env as unknown as Record<string, string>)).toThrow(SettingError);
  expect(() => options(env as unknown as Record<string, string>)).not.toThrow(/hunter2/);
});
