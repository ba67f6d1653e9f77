import { Match } from 'aws-cdk-lib/assertions';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import { describe, expect, it, vi } from 'vitest';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import { SettingError } from '../config/settings/setting.ts';
import { functionNamed, synthesize, variablesOf } from './testing.ts';

describe('the WebSocket API', () => {
  it('has API Gateway’s own three routes, created one after the other, and then the stage', () => {
    const template = synthesize();
    const routes = Object.entries(template.findResources('AWS::ApiGatewayV2::Route'));
    const created = new Map(routes.map(([id, { Properties, DependsOn }]) => [id, { Properties, DependsOn }]));
    expect(routes.map(([, { Properties }]) => Properties.RouteKey).toSorted()).toEqual([
      '$connect',
      '$default',
      '$disconnect',
    ]);
    const idOf = (key: string) => routes.find(([, { Properties }]) => Properties.RouteKey === key)?.[0] ?? '';
    expect(created.get(idOf('$disconnect'))?.DependsOn).toContain(idOf('$connect'));
    expect(created.get(idOf('$default'))?.DependsOn).toContain(idOf('$disconnect'));
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    expect(stage?.DependsOn).toContain(idOf('$default'));
  });

  it('asks the authorizer for every handshake: an identity source would refuse tokens in other places', () => {
    const template = synthesize();
    template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'REQUEST',
      IdentitySource: [],
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
      RouteKey: '$connect',
      AuthorizationType: 'CUSTOM',
    });
  });

  it('accepts a thousand frames a second, or what is set', () => {
    const throttled = (rate: number, burst: number) => ({
      DefaultRouteSettings: { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst },
    });
    synthesize().hasResourceProperties('AWS::ApiGatewayV2::Stage', throttled(1000, 2000));
    synthesize({ throttle: { rate: 7 } }).hasResourceProperties(
      'AWS::ApiGatewayV2::Stage',
      throttled(7, 2000),
    );
  });

  it('throttles handshakes apart from frames, so that strangers cannot use up what users need', () => {
    const throttled = (rate: number, burst: number, detailed = false) => ({
      RouteSettings: {
        $connect: {
          ThrottlingRateLimit: rate,
          ThrottlingBurstLimit: burst,
          DetailedMetricsEnabled: detailed,
        },
      },
    });
    synthesize().hasResourceProperties('AWS::ApiGatewayV2::Stage', throttled(250, 500));
    synthesize({
      throttle: { connectRate: 5, connectBurst: 9 },
      detailedMetrics: true,
    }).hasResourceProperties('AWS::ApiGatewayV2::Stage', throttled(5, 9, true));
  });

  it('logs each request without what the client sent', () => {
    const [stage] = Object.values(synthesize().findResources('AWS::ApiGatewayV2::Stage'));
    const format = JSON.parse(stage?.Properties.AccessLogSettings.Format);
    expect(format).toMatchObject({
      requestId: '$context.requestId',
      connectionId: '$context.connectionId',
      routeKey: '$context.routeKey',
      status: '$context.status',
      integrationError: '$context.integration.error',
      authorizerError: '$context.authorizer.error',
    });
    expect(JSON.stringify(format)).not.toMatch(/query|path|header|override|identity|principal|claims/i);
  });

  it('can log at the first deploy into an account: the account gets its role before', () => {
    const template = synthesize();
    const [account] = Object.keys(template.findResources('AWS::ApiGateway::Account'));
    template.hasResource('AWS::ApiGatewayV2::Stage', { DependsOn: Match.arrayWith([account]) });
    template.hasResource('AWS::ApiGateway::Account', { DeletionPolicy: 'Retain' });
    synthesize({ apiLogsRole: 'existing' }).resourceCountIs('AWS::ApiGateway::Account', 0);
    const silent = synthesize({ accessLog: false });
    silent.resourceCountIs('AWS::ApiGateway::Account', 0);
    silent.hasResourceProperties('AWS::ApiGatewayV2::Stage', { AccessLogSettings: Match.absent() });
  });

  it('answers under its own host name, which is entered in the zone', () => {
    const template = synthesize({
      domain: {
        name: 'chat.example.com',
        certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
        hostedZoneId: 'Z0123',
      },
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', { DomainName: 'chat.example.com' });
    template.resourceCountIs('AWS::ApiGatewayV2::ApiMapping', 1);
    template.hasResourceProperties('AWS::Route53::RecordSet', {
      HostedZoneId: 'Z0123',
      Name: 'chat.example.com',
    });
    template.hasOutput('Url', { Value: 'wss://chat.example.com' });
  });
});

describe('the turn queue', () => {
  it('orders messages within a session only, and hides one as long as its function may run', () => {
    synthesize({ turnTimeoutSeconds: 120 }).hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      ContentBasedDeduplication: false,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      VisibilityTimeout: 120,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 1000 }),
    });
  });

  it('delivers one message at a time, and takes back single failures, like every queue', () => {
    const mappings = Object.values(synthesize().findResources('AWS::Lambda::EventSourceMapping'));
    expect(mappings).toHaveLength(3);
    for (const { Properties } of mappings) {
      expect(Properties).toMatchObject({ BatchSize: 1, FunctionResponseTypes: ['ReportBatchItemFailures'] });
    }
  });
});

describe('every queue', () => {
  it('is encrypted, and accepts TLS only', () => {
    const template = synthesize();
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
    template.resourceCountIs('AWS::SQS::Queue', 4);
    template.resourceCountIs('AWS::SQS::QueuePolicy', 4);
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ],
      },
    });
  });

  it('hides a message at least as long as its function may run', () => {
    const template = synthesize({ turnTimeoutSeconds: 900 });
    const functions = template.findResources('AWS::Lambda::Function');
    const queues = template.findResources('AWS::SQS::Queue');
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))) {
      const queue = queues[Properties.EventSourceArn['Fn::GetAtt'][0]];
      const fn = functions[Properties.FunctionName.Ref];
      expect(fn?.Properties.Timeout).toBeGreaterThan(0);
      expect(queue?.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(fn?.Properties.Timeout);
    }
  });

  it('is named by CloudFormation, or after the stack with the suffix that FIFO needs', () => {
    const names = (nameQueues: boolean) =>
      Object.values(synthesize({ nameQueues }).findResources('AWS::SQS::Queue')).map(
        ({ Properties }) => Properties.QueueName,
      );
    expect(names(false)).toEqual([undefined, undefined, undefined, undefined]);
    expect(names(true).sort()).toEqual([
      'Midturn-dead-deadline',
      'Midturn-dead-turn.fifo',
      'Midturn-deadline',
      'Midturn-turn.fifo',
    ]);
  });
});

describe('the table', () => {
  it('keeps its data: it has recovery and protection, and stays when the stack is deleted', () => {
    const template = synthesize();
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      SSESpecification: Match.absent(),
    });
  });

  it('is deleted with the stack if that is set', () => {
    const template = synthesize({ removalPolicy: RemovalPolicy.DESTROY });
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' });
    template.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
  });

  it('is encrypted with the key that is set', () => {
    const tableKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/k';
    synthesize({ tableKeyArn }).hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: tableKeyArn },
    });
  });
});

describe('turns', () => {
  const turnSource = (props: Parameters<typeof synthesize>[0]) => {
    const sources = Object.values(synthesize(props).findResources('AWS::Lambda::EventSourceMapping'));
    return sources.find(
      ({ Properties }) =>
        JSON.stringify(Properties.EventSourceArn).includes('TurnQueue') &&
        !JSON.stringify(Properties.EventSourceArn).includes('Dead'),
    )?.Properties;
  };

  it('run two hundred at once, or as many as is set', () => {
    expect(turnSource({})).toMatchObject({ ScalingConfig: { MaximumConcurrency: 200 } });
    expect(turnSource({ turnMaxConcurrency: 5 })).toMatchObject({ ScalingConfig: { MaximumConcurrency: 5 } });
  });

  it('are not received for environments that are not reserved', () => {
    const props = { turnReservedConcurrency: 20 };
    expect(turnSource(props)).toMatchObject({ ScalingConfig: { MaximumConcurrency: 20 } });
    expect(functionNamed(synthesize(props), 'turn').Properties).toMatchObject({
      ReservedConcurrentExecutions: 20,
    });
    expect(functionNamed(synthesize(props), 'inbound').Properties).not.toHaveProperty(
      'ReservedConcurrentExecutions',
    );
  });

  it('are received by provisioned pollers if they are set, without the maximum that AWS refuses beside them', () => {
    const source = turnSource({ turnPollers: { min: 2, max: 10 } });
    expect(source).toMatchObject({ ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 10 } });
    expect(source).not.toHaveProperty('ScalingConfig');
  });
});

describe('functions', () => {
  it('run on Node 24 and arm64, each with its own role', () => {
    const functions = Object.values(synthesize().findResources('AWS::Lambda::Function'));
    expect(functions).toHaveLength(6);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      });
    }
    expect(new Set(functions.map(({ Properties }) => JSON.stringify(Properties.Role))).size).toBe(6);
  });

  it('get only the settings that they read', () => {
    const template = synthesize({
      auth: 'jwt',
      jwtIssuer: 'https://issuer.example',
      jwtAudience: 'chat',
      model: 'anthropic:some-model',
      modelApiKeySecret: 'provider-key',
      maxSteps: 4,
      modelStallSeconds: 20,
      contextTokens: 8000,
    });
    expect(Object.keys(variablesOf(template, 'authorizer')).sort()).toEqual(
      ['MIDTURN_AUTH', 'MIDTURN_JWT_AUDIENCE', 'MIDTURN_JWT_ISSUER'].sort(),
    );
    expect(Object.keys(variablesOf(template, 'redrive')).sort()).toEqual([
      'MIDTURN_STACK',
      'MIDTURN_TURN_QUEUE_URL',
    ]);
    expect(variablesOf(template, 'turn')).toMatchObject({
      MIDTURN_MAX_STEPS: '4',
      MIDTURN_MODEL_STALL_SECONDS: '20',
      MIDTURN_CONTEXT_TOKENS: '8000',
    });
    expect(variablesOf(template, 'inbound')).not.toHaveProperty('MIDTURN_MAX_STEPS');
  });

  it('post to the stage, or to the endpoint that is set', () => {
    const endpoint = (managementEndpoint: string) =>
      variablesOf(synthesize({ stageName: 'live', managementEndpoint }), 'inbound')
        .MIDTURN_MANAGEMENT_ENDPOINT;
    expect(endpoint('http://127.0.0.1:1/live')).toBe('http://127.0.0.1:1/live');
    expect(endpoint('http://emulator:4566/_aws/execute-api/{api}/{stage}')).toEqual({
      'Fn::Join': [
        '',
        ['http://emulator:4566/_aws/execute-api/', { Ref: expect.stringMatching(/^MidturnApi/) }, '/live'],
      ],
    });
  });

  it('that emit metrics get the stack’s name', () => {
    const template = synthesize({ outsideMessages: true, httpApi: true });
    for (const name of ['connection', 'inbound', 'turn', 'deadline', 'redrive', 'send', 'http'] as const) {
      expect(variablesOf(template, name)).toHaveProperty('MIDTURN_STACK', 'Midturn');
    }
  });

  it('all get the log level', () => {
    const template = synthesize({ logLevel: 'WARN', outsideMessages: true, httpApi: true });
    for (const name of FUNCTION_NAMES) {
      expect(variablesOf(template, name)).toHaveProperty('MIDTURN_LOG_LEVEL', 'WARN');
    }
  });

  it('that count frames and connections get the rates', () => {
    const template = synthesize({ framesPerMinute: 10, connectionsPerMinute: 0 });
    expect(variablesOf(template, 'inbound')).toHaveProperty('MIDTURN_FRAMES_PER_MINUTE', '10');
    expect(variablesOf(template, 'inbound')).not.toHaveProperty('MIDTURN_CONNECTIONS_PER_MINUTE');
    expect(variablesOf(template, 'connection')).toHaveProperty('MIDTURN_CONNECTIONS_PER_MINUTE', '0');
  });

  it('get a secret’s name only if the chosen model or way to authorize uses it', () => {
    const secrets = { modelApiKeySecret: 'key', tokensSecret: 'tokens' };
    const used = synthesize({ ...secrets, model: 'anthropic:m', auth: 'tokens' });
    expect(variablesOf(used, 'turn')).toHaveProperty('MIDTURN_MODEL_API_KEY_SECRET', 'key');
    expect(variablesOf(used, 'authorizer')).toHaveProperty('MIDTURN_TOKENS_SECRET', 'tokens');
    const unused = synthesize({ ...secrets, model: 'demo', auth: 'none' });
    expect(variablesOf(unused, 'turn')).not.toHaveProperty('MIDTURN_MODEL_API_KEY_SECRET');
    const second = { model: 'demo', fallbackModel: 'anthropic:m', fallbackModelApiKeySecret: 'own' };
    expect(variablesOf(synthesize(second), 'turn')).toMatchObject({
      MIDTURN_FALLBACK_MODEL: 'anthropic:m',
      MIDTURN_FALLBACK_MODEL_API_KEY_SECRET: 'own',
    });
    expect(variablesOf(unused, 'authorizer')).not.toHaveProperty('MIDTURN_TOKENS_SECRET');
  });

  it('are traced if they send spans, and keep their logs for a month, unless other values are set', () => {
    const template = synthesize();
    const traced = template.findResources('AWS::Lambda::Function', {
      Properties: { TracingConfig: { Mode: 'Active' } },
    });
    expect(Object.keys(traced).map((id) => /^Midturn(\w+)Function/.exec(id)?.[1])).toEqual([
      'Inbound',
      'Turn',
      'Deadline',
    ]);
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    const other = synthesize({ tracing: false, logRetentionDays: 7 });
    other.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: Match.absent() });
    other.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });

  it('encrypt all of their logs, and the access log, with the key that is set', () => {
    const logKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/l';
    const template = synthesize({ logKeyArn });
    template.resourceCountIs('AWS::Logs::LogGroup', 7);
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: logKeyArn });
    synthesize().allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: Match.absent() });
  });
});

describe('settings', () => {
  it('with a bad value stop the synth by name', () => {
    expect(() => synthesize({ maxSteps: 0 })).toThrow(SettingError);
    expect(() => synthesize({ maxSteps: 0 })).toThrow(/^maxSteps: MIDTURN_MAX_STEPS is "0"/);
  });

  it('of bundles that are missing say what makes them', () => {
    expect(() => synthesize({ bundles: '/nowhere' })).toThrow(
      /has no bundle; npm run build:functions makes it/,
    );
  });

  it('that a deployment must choose become parameters without a value, which no deployment passes', () => {
    synthesize({}, ['MIDTURN_AUTH']).templateMatches({
      Parameters: { MidturnAuthIsNotSet: { Default: Match.absent() } },
    });
    expect(synthesize().findParameters('*')).not.toHaveProperty('MidturnAuthIsNotSet');
  });
});

describe('for an emulator of AWS', () => {
  it('a stack has no alarms, and a dashboard without them', () => {
    const template = synthesize({ alarms: false });
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
    const dashboard = JSON.stringify(template.findResources('AWS::CloudWatch::Dashboard'));
    expect(dashboard).toContain('Turns by outcome');
    expect(dashboard).not.toContain('Alarms');
  });

  it('a stack has no authorizer, and tells the function that handshakes reach', () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://localhost:4566');
    const template = synthesize({ authorizer: false });
    vi.unstubAllEnvs();
    template.resourceCountIs('AWS::ApiGatewayV2::Authorizer', 0);
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
      RouteKey: '$connect',
      AuthorizationType: 'NONE',
    });
    expect(variablesOf(template, 'connection')).toMatchObject({ MIDTURN_AUTHORIZER: 'false' });
    expect(variablesOf(template, 'inbound')).not.toHaveProperty('MIDTURN_AUTHORIZER');
  });
});
