import { RemovalPolicy } from 'aws-cdk-lib/core';
import { expect, it } from 'vitest';
import { FUNCTION_SETTINGS } from '../config/settings/table.ts';
import { MidturnAuth } from './auth.ts';
import { synthesize } from './testing.ts';

/** Names of bundled files: they change with every change of a function. */
const ASSET = /\b[0-9a-f]{64}(?=\.zip\b)/g;

type Props = NonNullable<Parameters<typeof synthesize>[0]>;

const USUAL: Props = {
  model: 'bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
  auth: 'jwt',
  jwtIssuer: 'https://issuer.example.com/',
  jwtAudience: 'chat',
  alarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:ops',
};

/** The settings of functions at their defaults, but chosen: each is in the environment of those functions that read it. */
const SETTINGS: Props = Object.fromEntries(
  Object.entries(FUNCTION_SETTINGS).flatMap(([prop, setting]) =>
    'default' in setting ? [[prop, setting.default]] : [],
  ),
);

/** Choices that change resources, in as few templates as the rules between them allow. */
const CHOICES: Readonly<Record<string, Props>> = {
  everything: {
    ...SETTINGS,
    flushMs: 100,
    agents: 'travel,orders',
    modelMaxOutputTokens: 1000,
    principalDayTurns: 1,
    principalDayTokens: 2,
    principalDayCost: '3',
    tenantDayTurns: 4,
    tenantDayTokens: 5,
    tenantDayCost: '6',
    mcpUrls: 'docs=https://docs.example.com/mcp',
    model: 'agent',
    agentSecrets: 'team/openai,team/groq',
    agentBedrockModels: 'one.model,arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/a1b2',
    fallbackModel: 'anthropic:small',
    fallbackModelApiKeySecret: 'team/fallback',
    mcpTokensSecret: 'team/mcp',
    forwardTokenKey: `MCowBQYDK2VuAyEA${'A'.repeat(43)}=`,
    forwardTokenPrivateKeySecret: 'team/private',
    auth: MidturnAuth.newUserPool({
      callbackUrls: ['https://chat.example.com/'],
      logoutUrls: ['https://chat.example.com/bye'],
      domainPrefix: 'our-chat',
    }),
    stageName: 'live',
    nameQueues: true,
    httpApi: true,
    httpOrigins: 'https://a.example.com,https://b.example.com',
    outsideMessages: true,
    eventBus: 'team',
    greetSilent: true,
    page: true,
    defaultEndpoint: false,
    originSecret: 'team/origin',
    domain: {
      name: 'api.example.com',
      certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
      hostedZoneId: 'Z0123',
    },
    edge: {
      webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/chat/a-b',
      domainName: 'chat.example.com',
      certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/e',
      hostedZoneId: 'Z0123',
    },
    throttle: { rate: 11, burst: 12, connectRate: 13, connectBurst: 14 },
    detailedMetrics: true,
    turnTimeoutSeconds: 120,
    turnReservedConcurrency: 40,
    retentionDays: 90,
    logRetentionDays: 7,
    logLevel: 'WARN',
    framesPerMinute: 60,
    logKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000001',
    tableKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000002',
  },
  'as little as can be': {
    auth: 'tokens',
    tokensSecret: 'team/tokens',
    model: 'openai:some-model',
    modelApiKeySecret: 'team/key',
    accessLog: false,
    alarms: false,
    alarmTopicArn: '',
    tracing: false,
    fileBytes: 0,
    removalPolicy: RemovalPolicy.DESTROY,
    turnPollers: { min: 2, max: 4 },
  },
};

const written = (value: unknown): string =>
  `${JSON.stringify(value, undefined, 2).replaceAll(ASSET, 'ASSET')}\n`;

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** What an object has that another one has not, or has otherwise, so many levels deep. `null`: what it lacks. */
function difference(given: object, usual: object, levels: number): Record<string, unknown> {
  const before = new Map<string, unknown>(Object.entries(usual));
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const changed = Object.entries(given).flatMap(([name, value]) => {
    const old = before.get(name);
    if (isSame(value, old)) return [];
    const inside = levels > 1 && isObject(value) && isObject(old);
    return [[name, inside ? difference(value, old as object, levels - 1) : value]];
  });
  const gone = [...before.keys()].filter((name) => !Object.hasOwn(given, name)).map((name) => [name, null]);
  return Object.fromEntries([...changed, ...gone]);
}

it('the template of a usual deployment is the one that was reviewed', async () => {
  await expect(written(synthesize(USUAL).toJSON())).toMatchFileSnapshot('./template.snapshot.txt');
});

it('and so is what other choices change in it', async () => {
  const usual = synthesize(USUAL).toJSON();
  const changes = Object.entries(CHOICES).map(([choice, props]) => [
    choice,
    // Of a resource: its properties.
    difference(synthesize({ ...USUAL, ...props }).toJSON(), usual, 4),
  ]);
  await expect(written(Object.fromEntries(changes))).toMatchFileSnapshot('./template-choices.snapshot.txt');
});
