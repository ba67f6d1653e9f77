import { describe, expect, it } from 'vitest';
import { checkSettings } from './check.ts';
import { goesWithoutAuthorizer, isEmulator } from './emulator.ts';

const EMULATORS = [
  'http://localhost:4566',
  'http://127.0.0.1:4566/',
  'https://localhost.localstack.cloud:4566',
  'http://emulator.localhost:4566',
  'http://host.docker.internal:4566',
  'http://ministack:4566',
  'http://10.1.2.3:4566',
  'http://172.17.0.1:4566',
  'http://192.168.1.20:4566',
  'http://[::1]:4566',
  'http://[fd00::1]:4566',
];

const OTHERS = [
  'https://lambda.us-east-1.amazonaws.com',
  'https://vpce-0a1b-2c3d.dynamodb.eu-west-1.vpce.amazonaws.com',
  'https://dynamodb.cn-north-1.amazonaws.com.cn',
  'https://lambda.us-east-1.api.aws',
  'http://52.94.5.1',
  'http://[2001:db8::1]:4566',
  'http://172.32.0.1',
  'http://172.15.0.1',
  'http://10.example.com',
  'https://localhostess.example.com',
  'ftp://localhost',
  'localhost:4566',
  '',
  undefined,
];

describe('an address that the SDK calls', () => {
  it.each(EMULATORS)('is an emulator’s: %s', (endpoint) => {
    expect(isEmulator(endpoint)).toBe(true);
  });

  it.each(OTHERS)('may be AWS: %s', (endpoint) => {
    expect(isEmulator(endpoint)).toBe(false);
  });
});

describe('P12: handshakes do without an authorizer', () => {
  const AWS_ENDPOINT_URL = 'http://localhost:4566';

  it('on an emulator that was told so', () => {
    expect(goesWithoutAuthorizer({ MIDTURN_AUTHORIZER: 'false', AWS_ENDPOINT_URL })).toBe(true);
  });

  it.each<[string, Record<string, string>]>([
    ['an emulator alone', { AWS_ENDPOINT_URL }],
    ['the setting alone', { MIDTURN_AUTHORIZER: 'false' }],
    [
      'AWS’s address',
      { MIDTURN_AUTHORIZER: 'false', AWS_ENDPOINT_URL: 'https://sqs.us-east-1.amazonaws.com' },
    ],
  ])('and not for %s', (_, env) => {
    expect(goesWithoutAuthorizer(env)).toBe(false);
  });

  it.each(['tokens', 'jwt'])('and not where clients prove who they are by %s', (auth) => {
    const settings = { MIDTURN_MODEL: 'demo', MIDTURN_AUTH: auth, MIDTURN_AUTHORIZER: 'false' };
    expect(() => checkSettings(settings)).toThrow(
      `MIDTURN_AUTHORIZER is "false": MIDTURN_AUTH must be none then, not ${auth}.`,
    );
  });
});
