import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Lazy } from 'aws-cdk-lib/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { settingsIn } from '../config/settings/read.ts';
import { SettingError } from '../config/settings/setting.ts';
import { FUNCTION_SETTINGS, STACK_SETTINGS } from '../config/settings/table.ts';
import { checkProps, readProps, toText } from './settings.ts';
import { createStack } from './testing.ts';

/** One of each, but for a maximum beside pollers. */
const STACK = {
  MIDTURN_STAGE: 'live',
  MIDTURN_DOMAIN_NAME: 'chat.example.com',
  MIDTURN_DOMAIN_CERTIFICATE_ARN: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
  MIDTURN_DOMAIN_ZONE_ID: 'Z1',
  MIDTURN_DEFAULT_ENDPOINT: 'false',
  MIDTURN_EDGE_WEB_ACL_ARN: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/chat/a-b',
  MIDTURN_EDGE_DOMAIN_NAME: 'edge.example.com',
  MIDTURN_EDGE_CERTIFICATE_ARN: 'arn:aws:acm:us-east-1:111122223333:certificate/e',
  MIDTURN_EDGE_ZONE_ID: 'Z2',
  MIDTURN_EDGE_SECRET_VERSION: 'a1b2c3d4-0000-4000-8000-000000000000',
  MIDTURN_THROTTLE_RATE: '10',
  MIDTURN_THROTTLE_BURST: '20',
  MIDTURN_THROTTLE_CONNECT_RATE: '30',
  MIDTURN_THROTTLE_CONNECT_BURST: '40',
  MIDTURN_ACCESS_LOG: 'false',
  MIDTURN_API_LOGS_ROLE: 'existing',
  MIDTURN_DETAILED_METRICS: 'true',
  MIDTURN_MANAGEMENT_ENDPOINT: 'http://127.0.0.1:1/live',
  MIDTURN_OUTSIDE_MESSAGES: 'true',
  MIDTURN_HTTP: 'true',
  MIDTURN_HTTP_ORIGINS: 'https://chat.example.com',
  MIDTURN_TURN_RESERVED_CONCURRENCY: '40',
  MIDTURN_TURN_POLLERS_MIN: '2',
  MIDTURN_TURN_POLLERS_MAX: '8',
  MIDTURN_TRACING: 'false',
  MIDTURN_LOG_RETENTION_DAYS: '7',
  MIDTURN_LOG_KEY_ARN: 'arn:aws:kms:eu-west-1:111122223333:key/l',
  MIDTURN_ALARMS: 'true',
  MIDTURN_TABLE_KEY_ARN: 'arn:aws:kms:eu-west-1:111122223333:key/k',
  MIDTURN_REMOVAL: 'destroy',
  MIDTURN_NAME_QUEUES: 'true',
  MIDTURN_ALARM_TOPIC_ARN: 'arn:aws:sns:eu-west-1:111122223333:ops',
  MIDTURN_PAGE: 'true',
  MIDTURN_BUNDLES: 'dist/others',
};

const EDGE_NAME = {
  MIDTURN_EDGE_DOMAIN_NAME: STACK.MIDTURN_EDGE_DOMAIN_NAME,
  MIDTURN_EDGE_CERTIFICATE_ARN: STACK.MIDTURN_EDGE_CERTIFICATE_ARN,
};

/** CloudFront in front of the API, complete, and then these. */
const edgeOn = (settings: Record<string, string>) => ({
  MIDTURN_DOMAIN_NAME: STACK.MIDTURN_DOMAIN_NAME,
  MIDTURN_DOMAIN_CERTIFICATE_ARN: STACK.MIDTURN_DOMAIN_CERTIFICATE_ARN,
  MIDTURN_DEFAULT_ENDPOINT: 'false',
  MIDTURN_EDGE_WEB_ACL_ARN: STACK.MIDTURN_EDGE_WEB_ACL_ARN,
  MIDTURN_ORIGIN_SECRET: 'origin',
  ...settings,
});

const from = (settings: Record<string, unknown>) => readProps((name) => settings[name]);

it('reads each setting into its prop, with the prop’s type', () => {
  const { props, missing } = from({
    MIDTURN_MODEL: 'bedrock:some-model',
    MIDTURN_AUTH: 'none',
    MIDTURN_INBOX_LIMIT: '5',
    MIDTURN_STAGE: 'live',
  });
  expect(props).toMatchObject({
    model: 'bedrock:some-model',
    auth: 'none',
    inboxLimit: 5,
    stageName: 'live',
  });
  expect(missing).toEqual([]);
});

it('has local defaults for what a deployment must choose, and names what was not set', () => {
  const { props, missing } = from({});
  expect(props).toMatchObject({ model: 'demo', auth: 'none' });
  expect(missing).toEqual(['MIDTURN_MODEL', 'MIDTURN_AUTH']);
});

it('turns every setting of the stack into props, and back', () => {
  const { props } = from({ ...STACK, MIDTURN_ORIGIN_SECRET: 'origin' });
  expect(props).toMatchObject({
    domain: { name: 'chat.example.com', hostedZoneId: 'Z1' },
    throttle: { rate: 10, burst: 20, connectRate: 30, connectBurst: 40 },
    accessLog: false,
    turnReservedConcurrency: 40,
    turnPollers: { min: 2, max: 8 },
    removalPolicy: 'destroy',
  });
  expect(toText(STACK_SETTINGS, props)).toEqual(STACK);
  expect(Object.keys(STACK).sort()).toEqual(
    settingsIn(STACK_SETTINGS)
      .map(({ setting }) => setting.name)
      .filter((name) => name !== 'MIDTURN_TURN_MAX_CONCURRENCY')
      .sort(),
  );
  expect(from({ MIDTURN_TURN_MAX_CONCURRENCY: '9' }).props.turnMaxConcurrency).toBe(9);
});

it('reads an empty text as not set', () => {
  expect(from({ MIDTURN_STAGE: '', MIDTURN_DOMAIN_NAME: '' }).props).not.toHaveProperty('stageName');
});

it('accepts references to other resources of the app, which have no text yet', () => {
  const reference = Lazy.string({ produce: () => 'later' });
  expect(() =>
    checkProps({ model: 'demo', auth: 'none', openToAnyone: true, alarmTopicArn: reference }),
  ).not.toThrow();
  const pool = { jwtIssuer: reference, jwtAudience: reference };
  expect(() => checkProps({ model: 'demo', auth: 'jwt', ...pool })).not.toThrow();
  const endpoint = { modelBaseUrl: `http://${reference}/v1` };
  expect(() =>
    checkProps({ model: 'openai-compatible:m', auth: 'none', openToAnyone: true, ...endpoint }),
  ).not.toThrow();
});

it('accepts the retention times of logs that the CDK knows', () => {
  const days = Object.values(RetentionDays).filter((value) => typeof value === 'number');
  expect(STACK_SETTINGS.logRetentionDays.values).toEqual(
    days.filter((value) => value !== RetentionDays.INFINITE).toSorted((a, b) => a - b),
  );
});

it.each([
  [{ MIDTURN_INBOX_LIMIT: 'many' }, 'MIDTURN_INBOX_LIMIT is "many"'],
  [{ MIDTURN_FRAMES_PER_MINUTE: '-1' }, 'MIDTURN_FRAMES_PER_MINUTE is "-1"'],
  [{ MIDTURN_CONNECTIONS_PER_MINUTE: 'few' }, 'MIDTURN_CONNECTIONS_PER_MINUTE is "few"'],
  [{ MIDTURN_LOG_LEVEL: 'loud' }, 'MIDTURN_LOG_LEVEL is "loud"'],
  [{ MIDTURN_STEER_SCOPE: 'all' }, 'MIDTURN_STEER_SCOPE is "all": it must be connection or session.'],
  [{ MIDTURN_MODEL: 'gpt' }, 'MIDTURN_MODEL is "gpt"'],
  [{ MIDTURN_MODEL: 'anthropic:m' }, 'MIDTURN_MODEL_API_KEY_SECRET is not set'],
  [
    { MIDTURN_MODEL: 'demo', MIDTURN_FALLBACK_MODEL: 'anthropic:m' },
    'MIDTURN_FALLBACK_MODEL_API_KEY_SECRET is not set',
  ],
  [{ MIDTURN_AUTH: 'jwt', MIDTURN_JWT_AUDIENCE: 'chat' }, 'MIDTURN_JWT_ISSUER is not set'],
  [{ MIDTURN_AUTH: 'jwt', MIDTURN_JWT_ISSUER: 'https://i.example' }, 'MIDTURN_JWT_AUDIENCE is not set'],
  [{ MIDTURN_TOKENS: 'a=b/c' }, 'MIDTURN_TOKENS is for the local cloud'],
  [{ MIDTURN_MCP_TOKENS: 'docs=t' }, 'MIDTURN_MCP_TOKENS is for the local cloud'],
  [{ MIDTURN_MCP_URLS: 'docs=ftp://d' }, 'MIDTURN_MCP_URLS has "docs=ftp://d"'],
  [
    { MIDTURN_VISIBILITY_SECONDS: '9' },
    'MIDTURN_VISIBILITY_SECONDS is "9": it must be at least 10 on deploy.',
  ],
  [{ MIDTURN_STAGE: 'a/b' }, 'MIDTURN_STAGE is "a/b"'],
  [{ MIDTURN_REMOVAL: 'perhaps' }, 'MIDTURN_REMOVAL is "perhaps": it must be retain or destroy.'],
  [{ MIDTURN_MANAGEMENT_ENDPOINT: 'localhost' }, 'MIDTURN_MANAGEMENT_ENDPOINT is "localhost"'],
  [{ MIDTURN_DOMAIN_NAME: 'https://chat.example.com' }, 'MIDTURN_DOMAIN_NAME is "https://chat.example.com"'],
  [{ MIDTURN_DOMAIN_NAME: 'chat.example.com' }, 'MIDTURN_DOMAIN_CERTIFICATE_ARN is not set'],
  [{ MIDTURN_DOMAIN_ZONE_ID: 'Z1' }, 'MIDTURN_DOMAIN_NAME is not set: MIDTURN_DOMAIN_ZONE_ID needs it.'],
  [
    { MIDTURN_DOMAIN_NAME: 'a.b', MIDTURN_DOMAIN_CERTIFICATE_ARN: 'cert' },
    'MIDTURN_DOMAIN_CERTIFICATE_ARN is "cert"',
  ],
  [{ MIDTURN_DEFAULT_ENDPOINT: 'false' }, 'MIDTURN_DOMAIN_NAME is not set: without it and with'],
  [{ MIDTURN_EDGE_ZONE_ID: 'Z1' }, 'MIDTURN_EDGE_WEB_ACL_ARN is not set: MIDTURN_EDGE_ZONE_ID needs it.'],
  [
    { MIDTURN_EDGE_WEB_ACL_ARN: 'arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/b' },
    'it must be an ARN of a global web ACL (wafv2, us-east-1).',
  ],
  [
    { MIDTURN_EDGE_WEB_ACL_ARN: STACK.MIDTURN_EDGE_WEB_ACL_ARN },
    'MIDTURN_DOMAIN_NAME is not set: MIDTURN_EDGE_WEB_ACL_ARN needs it.',
  ],
  [edgeOn({ MIDTURN_DEFAULT_ENDPOINT: 'true' }), 'MIDTURN_DEFAULT_ENDPOINT is "true": with'],
  [
    edgeOn({ MIDTURN_ORIGIN_SECRET: '' }),
    'MIDTURN_ORIGIN_SECRET is not set: MIDTURN_EDGE_WEB_ACL_ARN needs it.',
  ],
  [edgeOn({ MIDTURN_EDGE_DOMAIN_NAME: 'edge.example.com' }), 'MIDTURN_EDGE_CERTIFICATE_ARN is not set'],
  [
    edgeOn({ MIDTURN_EDGE_CERTIFICATE_ARN: STACK.MIDTURN_EDGE_CERTIFICATE_ARN }),
    'MIDTURN_EDGE_DOMAIN_NAME is not set',
  ],
  [
    edgeOn({ ...EDGE_NAME, MIDTURN_EDGE_DOMAIN_NAME: 'chat.example.com' }),
    'MIDTURN_EDGE_DOMAIN_NAME and MIDTURN_DOMAIN_NAME are the same',
  ],
  [
    edgeOn({ ...EDGE_NAME, MIDTURN_EDGE_CERTIFICATE_ARN: STACK.MIDTURN_DOMAIN_CERTIFICATE_ARN }),
    'it must be an ARN of acm in us-east-1.',
  ],
  [
    { MIDTURN_AUTH: 'none', MIDTURN_AUTHORIZER: 'false', MIDTURN_ORIGIN_SECRET: 'origin' },
    'MIDTURN_AUTHORIZER is "false": nobody would look at MIDTURN_ORIGIN_SECRET then.',
  ],
  [{ MIDTURN_THROTTLE_RATE: '0' }, 'MIDTURN_THROTTLE_RATE is "0"'],
  [{ MIDTURN_THROTTLE_BURST: '9999' }, 'MIDTURN_THROTTLE_BURST is "9999"'],
  [{ MIDTURN_ACCESS_LOG: 'yes' }, 'MIDTURN_ACCESS_LOG is "yes": it must be true or false.'],
  [{ MIDTURN_API_LOGS_ROLE: 'none' }, 'MIDTURN_API_LOGS_ROLE is "none"'],
  [{ MIDTURN_DETAILED_METRICS: '1' }, 'MIDTURN_DETAILED_METRICS is "1"'],
  [{ MIDTURN_TURN_MAX_CONCURRENCY: '1' }, 'MIDTURN_TURN_MAX_CONCURRENCY is "1"'],
  [{ MIDTURN_TURN_RESERVED_CONCURRENCY: 'all' }, 'MIDTURN_TURN_RESERVED_CONCURRENCY is "all"'],
  [
    { MIDTURN_TURN_MAX_CONCURRENCY: '9', MIDTURN_TURN_RESERVED_CONCURRENCY: '8' },
    'MIDTURN_TURN_MAX_CONCURRENCY is "9": it must be at most MIDTURN_TURN_RESERVED_CONCURRENCY',
  ],
  [{ MIDTURN_TURN_POLLERS_MIN: '1' }, 'MIDTURN_TURN_POLLERS_MIN is "1"'],
  [{ MIDTURN_TURN_POLLERS_MIN: '2' }, 'MIDTURN_TURN_POLLERS_MAX is not set'],
  [
    { MIDTURN_TURN_POLLERS_MIN: '5', MIDTURN_TURN_POLLERS_MAX: '4' },
    'MIDTURN_TURN_POLLERS_MIN is "5": it must be at most MIDTURN_TURN_POLLERS_MAX',
  ],
  [
    { MIDTURN_TURN_POLLERS_MIN: '2', MIDTURN_TURN_POLLERS_MAX: '4', MIDTURN_TURN_MAX_CONCURRENCY: '4' },
    'MIDTURN_TURN_MAX_CONCURRENCY and MIDTURN_TURN_POLLERS_MAX are both set',
  ],
  [{ MIDTURN_TRACING: 'on' }, 'MIDTURN_TRACING is "on"'],
  [
    { MIDTURN_LOG_RETENTION_DAYS: '31' },
    'MIDTURN_LOG_RETENTION_DAYS is "31": it must be 1, 3, 5, 7, 14, 30,',
  ],
  [{ MIDTURN_TABLE_KEY_ARN: 'alias/k' }, 'MIDTURN_TABLE_KEY_ARN is "alias/k": it must be an ARN of kms.'],
  [{ MIDTURN_LOG_KEY_ARN: 'alias/l' }, 'MIDTURN_LOG_KEY_ARN is "alias/l": it must be an ARN of kms.'],
  [{ MIDTURN_NAME_QUEUES: 'no' }, 'MIDTURN_NAME_QUEUES is "no"'],
  [{ MIDTURN_ALARMS: 'off' }, 'MIDTURN_ALARMS is "off"'],
  [
    { MIDTURN_ALARMS: 'false', MIDTURN_ALARM_TOPIC_ARN: 'arn:aws:sns:eu-west-1:111122223333:ops' },
    'MIDTURN_ALARM_TOPIC_ARN is set, and MIDTURN_ALARMS is "false"',
  ],
  [{ MIDTURN_ALARM_TOPIC_ARN: 'ops' }, 'MIDTURN_ALARM_TOPIC_ARN is "ops": it must be an ARN of sns.'],
])('names a setting whose value cannot be used, in one line: %o', (settings, complaint) => {
  const complain = () => from(settings);
  expect(complain).toThrow(SettingError);
  expect(complain).toThrow(complaint);
  expect(complain).toThrow(/^[^\n]+$/);
});

it('accepts a key and tokens as plain text for the local cloud', () => {
  const { props } = from({
    MIDTURN_STAGE: 'local',
    MIDTURN_MODEL: 'anthropic:m',
    MIDTURN_MODEL_API_KEY: 'key',
    MIDTURN_AUTH: 'tokens',
    MIDTURN_TOKENS: 'a=b/c',
  });
  expect(props).toMatchObject({ modelApiKey: 'key', tokens: 'a=b/c' });
});

it('accepts for the local cloud what a deployment may not have so small', () => {
  const settings = { MIDTURN_STAGE: 'local', MIDTURN_VISIBILITY_SECONDS: '2' };
  expect(from(settings).props).toMatchObject({ visibilitySeconds: 2 });
});

it('accepts for a deployment the least that it may have', () => {
  for (const { setting } of settingsIn({ ...FUNCTION_SETTINGS, ...STACK_SETTINGS })) {
    if (setting.kind !== 'integer' || setting.leastOnDeploy === undefined) continue;
    const least = setting.leastOnDeploy;
    expect(() => from({ [setting.name]: String(least) })).not.toThrow();
    expect(() => from({ [setting.name]: String(least - 1) })).toThrow(`${setting.name} is "${least - 1}"`);
  }
});

it('accepts a smaller number that is as large as the larger one', () => {
  for (const settings of [
    { MIDTURN_TURN_MAX_CONCURRENCY: '30', MIDTURN_TURN_RESERVED_CONCURRENCY: '30' },
    { MIDTURN_TURN_POLLERS_MIN: '4', MIDTURN_TURN_POLLERS_MAX: '4' },
  ])
    expect(() => from(settings)).not.toThrow();
});

it('checks a prop with the same words as its setting', () => {
  expect(() => checkProps({ model: 'demo', auth: 'none', visibilitySeconds: 9 })).toThrow(
    'MIDTURN_VISIBILITY_SECONDS is "9": it must be at least 10 on deploy.',
  );
  expect(() => checkProps({ model: 'demo', auth: 'none', logRetentionDays: 31 })).toThrow(
    'MIDTURN_LOG_RETENTION_DAYS is "31"',
  );
  expect(() => checkProps({ model: 'demo', auth: 'none', throttle: { rate: 0.5 } })).toThrow(
    'MIDTURN_THROTTLE_RATE is "0.5"',
  );
});

it('warns of a key that everybody who reads the template can read, and names what to use instead', () => {
  Annotations.fromStack(createStack({ model: 'anthropic:m', modelApiKey: 'sk-1' })).hasWarning(
    '/Midturn/Midturn',
    Match.stringLikeRegexp('can read modelApiKey: .* use modelApiKeySecret'),
  );
});

describe('P12: a stack without an authorizer', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const check = () => checkProps({ model: 'demo', auth: 'none', authorizer: false });

  it('is made for an emulator', () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://localhost:4566');
    expect(check).not.toThrow();
  });

  it.each<[string, Record<string, string>]>([
    ['no address', {}],
    ['an address of AWS', { AWS_ENDPOINT_URL: 'https://cloudformation.eu-west-1.amazonaws.com' }],
    [
      'an address that the SDK is told to ignore',
      { AWS_ENDPOINT_URL: 'http://localhost:4566', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
    ],
  ])('is refused for %s', (_, env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(check).toThrow(SettingError);
    expect(check).toThrow(/^MIDTURN_AUTHORIZER is "false": that is for emulators of AWS alone/);
  });
});

describe('P12: a deployment that anybody can use', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const none = { MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none' };
  const check = (settings: Record<string, string>) => () => checkProps(from(settings).props);

  it('is refused at synth where only one setting says so', () => {
    expect(check(none)).toThrow(SettingError);
    expect(check(none)).toThrow(
      'MIDTURN_AUTH is "none": anybody could use the agent, at your cost. If you mean it, set MIDTURN_OPEN_TO_ANYONE=true as well.',
    );
    expect(() => checkProps({ model: 'demo', auth: 'none', openToAnyone: false })).toThrow(SettingError);
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://cloudformation.eu-west-1.amazonaws.com');
    expect(check(none)).toThrow(SettingError);
  });

  it('is made where a second setting says so, with a warning', () => {
    expect(check({ ...none, MIDTURN_OPEN_TO_ANYONE: 'true' })).not.toThrow();
    Annotations.fromStack(createStack({ openToAnyone: true })).hasWarning(
      '/Midturn/Midturn',
      Match.stringLikeRegexp('^Anybody who finds the address can use the agent'),
    );
    const closed = { auth: 'jwt', jwtIssuer: 'https://i.example', jwtAudience: 'a' } as const;
    Annotations.fromStack(createStack({ ...closed, openToAnyone: true })).hasNoWarning(
      '*',
      Match.stringLikeRegexp('^Anybody'),
    );
  });

  it('is no concern of the local cloud and of emulators', () => {
    expect(check({ ...none, MIDTURN_STAGE: 'local' })).not.toThrow();
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://localhost:4566');
    expect(check(none)).not.toThrow();
  });

  it('where nobody has decided, is a template that cannot be deployed', () => {
    const { props, missing } = from({ MIDTURN_MODEL: 'demo' });
    expect(missing).toEqual(['MIDTURN_AUTH']);
    expect(() => checkProps(props)).not.toThrow();
  });
});

describe('P12: one principal cannot take every execution environment of turns', () => {
  const closed = { model: 'demo', auth: 'jwt', jwtIssuer: 'https://i.example', jwtAudience: 'a' } as const;

  it.each([
    [{ turnMaxConcurrency: 5 }, 'MIDTURN_TURN_MAX_CONCURRENCY'],
    [{ turnMaxConcurrency: 20 }, 'MIDTURN_TURN_MAX_CONCURRENCY'],
    [{ turnReservedConcurrency: 8, principalTurns: 8 }, 'MIDTURN_TURN_RESERVED_CONCURRENCY'],
  ])('%j is refused at synth', (props, named) => {
    expect(() => checkProps({ ...closed, ...props })).toThrow(SettingError);
    expect(() => checkProps({ ...closed, ...props })).toThrow(named);
  });

  it.each([
    { turnMaxConcurrency: 21 },
    { turnMaxConcurrency: 5, principalTurns: 4 },
    { turnMaxConcurrency: 5, principalTurns: 0 },
    { turnReservedConcurrency: 8, principalTurns: 7 },
    { turnPollers: { min: 2, max: 4 } },
  ])('%j is made', (props) => {
    expect(() => checkProps({ ...closed, ...props })).not.toThrow();
  });

  it('is no rule where nobody is counted', () => {
    expect(() =>
      checkProps({ model: 'demo', auth: 'none', openToAnyone: true, turnMaxConcurrency: 5 }),
    ).not.toThrow();
  });
});
