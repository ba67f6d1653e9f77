import { expect, it } from 'vitest';
import { APP_SETTINGS } from './app.ts';
import { parse, settingsIn } from './read.ts';
import { type Setting, SettingError } from './setting.ts';
import { FUNCTION_SETTINGS, STACK_SETTINGS } from './table.ts';

/** Texts of a setting that are taken, and texts that are refused: at the limits of what its entry says. */
interface Forms {
  good: readonly string[];
  bad: readonly string[];
}

const times = (count: number, text: string): string => Array(count).fill(text).join(',');
const ARN = (service: string, region: string, rest: string) =>
  `arn:aws-us-gov:${service}:${region}:111122223333:${rest}`;
const HOST: Forms = {
  good: ['a.b', 'chat.example.com', 'a-1.b2.example'],
  bad: ['localhost', 'Chat.example.com', 'chat..example', '.example.com', 'example.com.', 'a.b:80', 'a_b.c'],
};
const ZONE: Forms = {
  good: ['Z1', `Z${'A'.repeat(31)}`],
  bad: ['Z', 'A1', 'Z1a', `Z${'A'.repeat(32)}`, 'hostedzone/Z1'],
};
const KMS: Forms = { good: [ARN('kms', 'eu-west-1', 'key/k')], bad: [ARN('sns', 'eu-west-1', 'k'), 'key/k'] };
const MODEL: Forms = {
  good: ['demo', 'agent', 'agent:big', 'bedrock:a:b/c', 'openai-compatible:m', 'google:g', 'anthropic:a'],
  bad: ['Demo', 'demo:x', 'agent:', 'bedrock', 'bedrock:', 'mistral:m', ':m', 'x bedrock:m', 'openai:a\nb'],
};
const MONEY: Forms = {
  good: ['0.000001', '999999999.999999', '1'],
  bad: ['0', '0.000000', '1234567890', '1.1234567', '+1', '1.', ' 1'],
};

const FORMS: Readonly<Record<string, Forms>> = {
  MIDTURN_STACK_NAME: {
    good: ['M', `M${'x'.repeat(99)}`, 'My-chat-2'],
    bad: [`M${'x'.repeat(100)}`, '1M', '-m', 'a_b', 'a b'],
  },
  MIDTURN_STAGE: { good: ['s', 'x'.repeat(128), 'A_b-1'], bad: ['x'.repeat(129), 'a.b', '$default', 'a b'] },
  MIDTURN_DOMAIN_NAME: HOST,
  MIDTURN_EDGE_DOMAIN_NAME: HOST,
  MIDTURN_DOMAIN_ZONE_ID: ZONE,
  MIDTURN_EDGE_ZONE_ID: ZONE,
  MIDTURN_DOMAIN_CERTIFICATE_ARN: {
    good: [ARN('acm', 'eu-west-1', 'certificate/c')],
    bad: [ARN('iam', 'eu-west-1', 'certificate/c'), 'certificate/c', 'arn:aws:acm:'],
  },
  MIDTURN_EDGE_CERTIFICATE_ARN: {
    good: [ARN('acm', 'us-east-1', 'certificate/c')],
    bad: [ARN('acm', 'us-east-2', 'certificate/c'), ARN('iam', 'us-east-1', 'c')],
  },
  MIDTURN_EDGE_WEB_ACL_ARN: {
    good: [ARN('wafv2', 'us-east-1', 'global/webacl/chat/a-b')],
    bad: [
      ARN('wafv2', 'us-east-1', 'regional/webacl/chat/a-b'),
      ARN('wafv2', 'eu-west-1', 'global/webacl/chat/a-b'),
      ARN('waf', 'us-east-1', 'global/webacl/chat/a-b'),
      ARN('wafv2', 'us-east-1', 'global/webacl/'),
    ],
  },
  MIDTURN_EDGE_SECRET_VERSION: {
    good: ['v'.repeat(32), 'a1b2c3d4-0000-4000-8000-000000000000', 'v'.repeat(64)],
    bad: ['v'.repeat(31), 'v'.repeat(65), `${'v'.repeat(32)}.`],
  },
  MIDTURN_MANAGEMENT_ENDPOINT: {
    good: ['http://127.0.0.1:1/live', 'https://emulator/{api}/{stage}'],
    bad: ['ws://emulator/live', 'https://', 'https://a b', 'emulator/live'],
  },
  MIDTURN_HTTP_ORIGINS: {
    good: ['*', 'https://a.example', 'http://localhost:5173,https://b.example'],
    bad: [
      'a.example',
      'https://a.example/',
      'https://*.example',
      '*,https://a.example',
      'https://a.example,',
      'https://a.example, https://b.example',
    ],
  },
  MIDTURN_LOG_KEY_ARN: KMS,
  MIDTURN_TABLE_KEY_ARN: KMS,
  MIDTURN_ALARM_TOPIC_ARN: {
    good: [ARN('sns', 'eu-west-1', 'ops')],
    bad: [ARN('sqs', 'eu-west-1', 'ops'), 'ops'],
  },
  MIDTURN_MODEL: MODEL,
  MIDTURN_FALLBACK_MODEL: MODEL,
  MIDTURN_AGENT_SECRETS: {
    good: ['a', 'a=b', `groq=${ARN('secretsmanager', 'eu-west-1', 'secret:x-1')} , team/key`],
    bad: ['a,', ',a', 'a=', '=a', 'a=b=c', 'a b', 'a;b'],
  },
  MIDTURN_AGENT_BEDROCK_MODELS: {
    good: ['eu.anthropic.m-v1:0', `a , ${ARN('bedrock', 'eu-west-1', 'inference-profile/x')}`],
    bad: ['a,', ',a', 'a b', 'a=b'],
  },
  MIDTURN_JWT_CLAIMS: {
    good: ['c'.repeat(128), times(32, 'c'), 'https://a.example/role,custom:tenant'],
    bad: ['c'.repeat(129), times(33, 'c'), 'a, b', 'a,', ',a'],
  },
  MIDTURN_FORWARD_TOKEN_KEY: {
    good: [`MCowBQYDK2VuAyEA${'A'.repeat(43)}=`],
    bad: [
      `MCowBQYDK2VwAyEA${'A'.repeat(43)}=`,
      `MCowBQYDK2VuAyEA${'A'.repeat(42)}=`,
      `MCowBQYDK2VuAyEA${'A'.repeat(43)}`,
      `MCowBQYDK2VuAyEA${'A'.repeat(44)}=`,
    ],
  },
  MIDTURN_AGENTS: {
    good: ['a', 'a'.repeat(64), times(32, 'a_b-1')],
    bad: ['a'.repeat(65), times(33, 'a'), 'a, b', 'a,', 'a.b'],
  },
  MIDTURN_PRINCIPAL_DAY_COST: MONEY,
  MIDTURN_TENANT_DAY_COST: MONEY,
  MIDTURN_EVENT_BUS: {
    good: ['default', 'b'.repeat(256), 'a.b-c_D1', ARN('events', 'eu-west-1', 'event-bus/team')],
    bad: [
      'b'.repeat(257),
      'a b',
      'a/b',
      ARN('events', 'eu-west-1', 'rule/team'),
      ARN('sns', 'eu-west-1', 'x'),
    ],
  },
};

const WITH_FORM = [FUNCTION_SETTINGS, STACK_SETTINGS, APP_SETTINGS].flatMap((table) =>
  settingsIn(table).flatMap(({ setting }): [string, Setting][] =>
    'pattern' in setting && setting.pattern ? [[setting.name, setting]] : [],
  ),
);

it.each(WITH_FORM)('%s is taken in its form, up to its limits, and in no other', (name, setting) => {
  const { good = [], bad = [] } = FORMS[name] ?? {};
  expect(good).not.toEqual([]);
  for (const text of good) expect(parse(setting, text), text).toBe(text);
  for (const text of bad) {
    expect(() => parse(setting, text), text).toThrow(SettingError);
    expect(() => parse(setting, text), text).toThrow(`${name} is "${text}": it must be `);
  }
});
