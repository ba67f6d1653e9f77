import { RemovalPolicy } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { checkSchemas, type Template } from '../test/support/resource-schemas.ts';
import { synthesize } from './testing.ts';

/** Choices that make every resource and property of the stack, in as few templates as AWS's rules between them allow. */
const SETTINGS: readonly (readonly [choice: string, props: Parameters<typeof synthesize>[0]])[] = [
  ['nothing but what must be chosen', {}],
  [
    'everything',
    {
      model: 'bedrock:eu.anthropic.some-model',
      fallbackModel: 'anthropic:some-model',
      fallbackModelApiKeySecret: 'team/key',
      auth: 'jwt',
      jwtIssuer: 'https://issuer.example.com/',
      jwtAudience: 'chat',
      mcpTokensSecret: 'team/mcp',
      stageName: 'live',
      domain: {
        name: 'chat.example.com',
        certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
        hostedZoneId: 'Z0123',
      },
      throttle: { rate: 10, burst: 20 },
      detailedMetrics: true,
      turnReservedConcurrency: 40,
      logKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/l',
      tableKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      alarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:ops',
      page: true,
      nameQueues: true,
    },
  ],
  [
    'as little as can be',
    {
      accessLog: false,
      apiLogsRole: 'existing',
      tracing: false,
      removalPolicy: RemovalPolicy.DESTROY,
      turnPollers: { min: 2, max: 4 },
    },
  ],
  [
    'CloudFront in front',
    {
      originSecret: 'midturn/origin',
      defaultEndpoint: false,
      domain: { name: 'api.example.com', certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c' },
      edge: {
        webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/chat/a-b',
        domainName: 'chat.example.com',
        certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/e',
        hostedZoneId: 'Z0123',
      },
    },
  ],
];

const templateOf = (props: Parameters<typeof synthesize>[0]) => synthesize(props).toJSON() as Template;

describe('the template', () => {
  it.each(SETTINGS)('with %s is what the schemas of its resource types say', (_, props) => {
    const { checked, faults } = checkSchemas(templateOf(props));
    expect(faults).toEqual([]);
    expect(checked.resources).toBeGreaterThan(50);
    expect(checked.properties).toBeGreaterThan(400);
    expect(checked.references).toBeGreaterThan(200);
  });
});

describe('the check of schemas', () => {
  const template = templateOf({});
  const idOf = (type: string) =>
    Object.keys(template.Resources).find((id) => template.Resources[id]?.Type === type) ?? '';

  /** The faults of the template with properties of one resource changed. `undefined` removes a property. */
  function faultsWith(type: string, change: Record<string, unknown>): readonly string[] {
    const id = idOf(type);
    const changed = { Type: type, Properties: { ...template.Resources[id]?.Properties, ...change } };
    const Resources = { ...template.Resources, [id]: JSON.parse(JSON.stringify(changed)) };
    return checkSchemas({ ...template, Resources }).faults.map((fault) => fault.replace(id, 'it'));
  }

  it.each([
    ['an unknown property', 'AWS::SQS::Queue', { Nickname: 'q' }, 'it.Nickname is no property of this type'],
    ['a text for a number', 'AWS::SQS::Queue', { VisibilityTimeout: '60' }, 'it must be integer'],
    [
      'a value that is not allowed',
      'AWS::Lambda::Function',
      { TracingConfig: { Mode: 'Always' } },
      'it.TracingConfig.Mode is "Always": it must be one of Active, PassThrough',
    ],
    ['a missing property', 'AWS::ApiGatewayV2::Stage', { StageName: undefined }, 'it.StageName is missing'],
    [
      'a missing property inside another',
      'AWS::DynamoDB::Table',
      { TimeToLiveSpecification: { AttributeName: 'expires' } },
      'it.TimeToLiveSpecification.Enabled is missing',
    ],
    [
      'a reference to nothing',
      'AWS::SQS::Queue',
      { QueueName: { Ref: 'Nobody' } },
      'it refers to "Nobody", which the template does not have',
    ],
    [
      'a reference to an attribute that the target lacks',
      'AWS::SQS::Queue',
      { QueueName: { 'Fn::GetAtt': [idOf('AWS::DynamoDB::Table'), 'QueueUrl'] } },
      '.QueueUrl, which AWS::DynamoDB::Table does not have',
    ],
    ['one text where a list belongs', 'AWS::Lambda::Function', { Architectures: 'arm64' }, 'a list'],
  ])('finds %s', (_, type, change, fault) => {
    expect(faultsWith(type, change)).toEqual([expect.stringContaining(fault)]);
  });

  it('finds a resource type that does not exist', () => {
    const { faults } = checkSchemas({ Resources: { Odd: { Type: 'AWS::SQS::Line' } } });
    expect(faults).toEqual(['Odd: there is no resource type AWS::SQS::Line']);
  });
});
