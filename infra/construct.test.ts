import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { UserPool, UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { App, ArnFormat, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import { TEST_BUNDLES } from '../test/support/bundles.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { LONG_TEST_MS } from '../test/support/timeouts.ts';
import { FUNCTIONS } from './function-table.ts';
import { Midturn, MidturnAuth, type MidturnProps } from './index.ts';
import { functionNamed, statementsOf, variablesOf } from './testing.ts';

/** A stack of somebody else's, in an app that knows nothing of ours. */
function theirStack(): Stack {
  // The stack is `Theirs`; the template's own validation, which takes seconds, is for `npm run synth`.
  const context = { '@aws-cdk/core:validateAgainstDefaultRules': false };
  return new Stack(new App({ context, outdir: temporaryFolder() }), 'Theirs');
}

const PROPS = {
  model: 'demo',
  auth: MidturnAuth.none({ openToAnyone: true }),
  bundles: TEST_BUNDLES,
} as const satisfies MidturnProps;

describe('the construct in another app’s stack', () => {
  it('stands beside the app’s own resources, which can use its functions', () => {
    const stack = theirStack();
    const topic = new Topic(stack, 'Ops');
    const orders = new Table(stack, 'Orders', { partitionKey: { name: 'id', type: AttributeType.STRING } });
    const midturn = new Midturn(stack, 'Chat', { ...PROPS, alarmTopicArn: topic.topicArn });
    orders.grantReadData(midturn.functions.turn);
    midturn.functions.turn.addEnvironment('ORDERS', orders.tableName);

    const template = Template.fromStack(stack);
    // What the agent's tools need, added to the turn function's role.
    const [granted] = Object.values(template.findResources('AWS::IAM::Policy'));
    expect(granted?.Properties.PolicyDocument.Statement[0].Action).toContain('dynamodb:Query');
    expect(JSON.stringify(granted?.Properties.Roles)).toContain('ChatTurnRole');
    expect(variablesOf(template, 'turn').ORDERS).toEqual(stack.resolve(orders.tableName));
    // A reference to a resource of the same app, not an ARN that was written down.
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [stack.resolve(topic.topicArn)],
    });
    expect(stack.resolve(midturn.url)).toBeDefined();
    expect(midturn.table.tableName).toBeDefined();
    expect(Object.keys(midturn.queues)).toEqual(['turn', 'deadTurn', 'deadline', 'deadDeadline']);
  });

  it('tells a bus of the app, by its ARN, and refuses a reference that may be a name', () => {
    const stack = theirStack();
    const bus = new EventBus(stack, 'Bus');
    new Midturn(stack, 'Chat', { ...PROPS, eventBus: bus });
    const template = Template.fromStack(stack);
    expect(variablesOf(template, 'turn').MIDTURN_EVENT_BUS).toEqual(stack.resolve(bus.eventBusArn));
    const puts = statementsOf(template, 'turn').filter(({ Action }) => Action === 'events:PutEvents');
    expect(puts.map(({ Resource }) => Resource)).toEqual([stack.resolve(bus.eventBusArn)]);
    expect(() => new Midturn(theirStack(), 'Chat', { ...PROPS, eventBus: bus.eventBusName })).toThrow(
      'eventBus is a reference to the name of a bus: give the bus itself',
    );
    expect(() => new Midturn(theirStack(), 'Chat', { ...PROPS, eventBus: 'a bus' })).toThrow(
      'MIDTURN_EVENT_BUS is "a bus": it must be the name or the ARN of an event bus.',
    );
  });

  it('is reached under a host name of the app, at a path of its own, and under no other if that is said', () => {
    const stack = theirStack();
    const domainName = DomainName.fromDomainNameAttributes(stack, 'Domain', {
      name: 'api.example.com',
      regionalDomainName: 'd-1.execute-api.eu-west-1.amazonaws.com',
      regionalHostedZoneId: 'Z1',
    });
    const chat = new Midturn(stack, 'Chat', {
      ...PROPS,
      domain: { domainName, mappingKey: 'chat' },
      defaultEndpoint: false,
    });
    expect(chat.url).toBe('wss://api.example.com/chat');
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::ApiGatewayV2::DomainName', 0);
    template.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      DomainName: 'api.example.com',
      ApiMappingKey: 'chat',
      Stage: stack.resolve(chat.stage.stageName),
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    expect(variablesOf(template, 'turn').MIDTURN_MANAGEMENT_ENDPOINT).toBe('https://api.example.com/chat');
    const whole = new Midturn(theirStack(), 'Chat', { ...PROPS, domain: { domainName } });
    expect(whole.url).toBe('wss://api.example.com');
    const refused = (props: Partial<MidturnProps>) => () =>
      new Midturn(theirStack(), 'Chat', { ...PROPS, domain: { domainName }, ...props });
    expect(refused({ domain: { domainName, mappingKey: 'a/b' } })).toThrow(
      'domain.mappingKey is "a/b": it must be one part of a path, such as chat.',
    );
    const webAclArn = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/w/1';
    expect(refused({ edge: { webAclArn }, originSecret: 's', defaultEndpoint: false })).toThrow(
      'domain is a host name of the app: CloudFront needs one that is made here',
    );
  });

  it('stands twice in a stack: each counts for itself, and the account’s role for logs is set once', () => {
    const stack = theirStack();
    for (const id of ['Support', 'Sales']) new Midturn(stack, id, { ...PROPS, nameQueues: true });
    const template = Template.fromStack(stack);
    const names = new Set(
      Object.values(template.findResources('AWS::Lambda::Function')).map(
        ({ Properties }) => Properties.Environment?.Variables.MIDTURN_STACK,
      ),
    );
    expect([...names].sort()).toEqual(['Theirs-Sales', 'Theirs-Support', undefined]);
    const alarms = JSON.stringify(template.findResources('AWS::CloudWatch::Alarm'));
    for (const name of ['Theirs-Sales', 'Theirs-Support'])
      expect(alarms).toContain(`{"Name":"stack","Value":"${name}"}`);
    const queues = Object.values(template.findResources('AWS::SQS::Queue')).map(
      ({ Properties }) => Properties.QueueName,
    );
    expect(new Set(queues).size).toBe(8);
    template.resourceCountIs('AWS::ApiGateway::Account', 1);
  });

  it('refuses a name that another of the stack has', () => {
    const stack = theirStack();
    new Midturn(stack, 'Support', { ...PROPS, name: 'chat' });
    expect(() => new Midturn(stack, 'Sales', { ...PROPS, name: 'chat' })).toThrow(
      'name is "chat": Theirs/Support of the same stack has it.',
    );
  });

  it('runs in their network, with their tags, layer and permissions boundary, and with log groups of its own', () => {
    const stack = theirStack();
    const vpc = new Vpc(stack, 'Net');
    const chat = new Midturn(stack, 'Chat', {
      ...PROPS,
      vpc: vpc as IVpc,
      vpcSubnets: { subnets: vpc.privateSubnets.slice(0, 1) },
      securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1')],
    });
    Tags.of(chat).add('team', 'support');
    const layerArn = 'arn:aws:lambda:eu-west-1:111122223333:layer:agent:1';
    chat.functions.turn.addLayers(LayerVersion.fromLayerVersionArn(stack, 'Layer', layerArn));
    PermissionsBoundary.of(chat).apply(ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'));
    const template = Template.fromStack(stack);
    expect(functionNamed(template, 'turn').Properties).toMatchObject({
      VpcConfig: {
        SubnetIds: [stack.resolve(vpc.privateSubnets[0]?.subnetId)],
        SecurityGroupIds: ['sg-1'],
      },
      Tags: [{ Key: 'team', Value: 'support' }],
      Layers: [layerArn],
      LoggingConfig: { LogGroup: stack.resolve(chat.functions.turn.logGroup.logGroupName) },
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', { Tags: [{ Key: 'team', Value: 'support' }] });
    const roles = Object.entries(template.findResources('AWS::IAM::Role')).filter(([id]) =>
      id.startsWith('Chat'),
    );
    expect(roles).toHaveLength(7);
    for (const [, { Properties }] of roles) expect(Properties).toHaveProperty('PermissionsBoundary');
  });

  it('there Lambda makes interfaces in the name of each role, which the function’s own code cannot', () => {
    const stack = theirStack();
    new Midturn(stack, 'Chat', {
      ...PROPS,
      outsideMessages: true,
      httpApi: true,
      vpc: new Vpc(stack, 'Net') as IVpc,
    });
    const template = Template.fromStack(stack);
    const functions = stack.resolve(
      stack.formatArn({
        service: 'lambda',
        resource: 'function',
        resourceName: '*',
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );
    for (const name of FUNCTION_NAMES) {
      const [allowed, denied, ...more] = statementsOf(template, name).filter(({ Action }) =>
        JSON.stringify(Action).includes('ec2:'),
      );
      expect(allowed).toMatchObject({ Effect: 'Allow', Resource: '*' });
      expect(denied).toEqual({
        Effect: 'Deny',
        Action: allowed?.Action,
        Resource: '*',
        // Requests of the code have the key. Those of Lambda itself do not, and the condition does not match then.
        Condition: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
      });
      expect(more).toEqual([]);
    }
  });

  it('takes subnets only with their network', () => {
    expect(() => new Midturn(theirStack(), 'Chat', { ...PROPS, securityGroups: [] })).toThrow(
      'vpc is not set: vpcSubnets and securityGroups need it.',
    );
  });
});

describe('auth in one line (P12)', () => {
  it('of a user pool of the same stack: its issuer, its client, its access tokens', () => {
    const stack = theirStack();
    const users = new UserPool(stack, 'Users');
    const client = users.addClient('Web');
    new Midturn(stack, 'Chat', { ...PROPS, auth: MidturnAuth.cognito(users, client) });
    const variables = variablesOf(Template.fromStack(stack), 'authorizer');
    expect(variables).toMatchObject({
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_AUDIENCE: stack.resolve(client.userPoolClientId),
      MIDTURN_JWT_TOKEN_USE: 'access',
    });
    expect(variables.MIDTURN_JWT_ISSUER).toEqual({
      'Fn::Join': ['', ['https://', stack.resolve(users.userPoolProviderName)]],
    });
  });

  it('of a pool that is imported from another region: the issuer is the pool’s', () => {
    const stack = theirStack();
    const arn = 'arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Abc';
    const users = UserPool.fromUserPoolArn(stack, 'Users', arn);
    const client = UserPoolClient.fromUserPoolClientId(stack, 'Web', 'web');
    new Midturn(stack, 'Chat', { ...PROPS, auth: MidturnAuth.cognito(users, client) });
    expect(variablesOf(Template.fromStack(stack), 'authorizer').MIDTURN_JWT_ISSUER).toEqual({
      'Fn::Join': ['', ['https://cognito-idp.us-east-1.', { Ref: 'AWS::URLSuffix' }, '/us-east-1_Abc']],
    });
  });

  it('of any issuer, with the claims that the agent is given', () => {
    const auth = MidturnAuth.jwt({
      issuer: 'https://issuer.example.com/',
      audience: 'chat',
      tenantClaim: 'org.id',
      claims: ['plan', 'roles'],
    });
    const stack = theirStack();
    new Midturn(stack, 'Chat', { ...PROPS, auth });
    expect(variablesOf(Template.fromStack(stack), 'authorizer')).toMatchObject({
      MIDTURN_JWT_ISSUER: 'https://issuer.example.com/',
      MIDTURN_JWT_AUDIENCE: 'chat',
      MIDTURN_JWT_TENANT_CLAIM: 'org.id',
      MIDTURN_JWT_CLAIMS: 'plan,roles',
    });
  });

  it('of a user pool that is made for it: without a secret, kept like the table, with the ids as outputs', () => {
    const stack = theirStack();
    const chat = new Midturn(stack, 'Chat', {
      ...PROPS,
      auth: MidturnAuth.newUserPool({ claims: ['email'] }),
    });
    const template = Template.fromStack(stack);
    template.hasResource('AWS::Cognito::UserPool', {
      DeletionPolicy: 'Retain',
      Properties: {
        DeletionProtection: 'ACTIVE',
        AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
        UsernameAttributes: ['email'],
      },
    });
    template.hasResourceProperties('AWS::Cognito::UserPoolClient', {
      GenerateSecret: false,
      PreventUserExistenceErrors: 'ENABLED',
      ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      AllowedOAuthFlowsUserPoolClient: false,
    });
    template.resourceCountIs('AWS::Cognito::UserPoolDomain', 0);
    expect(variablesOf(template, 'authorizer')).toMatchObject({
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_AUDIENCE: stack.resolve(chat.users?.client.userPoolClientId),
      MIDTURN_JWT_ISSUER: stack.resolve(`https://${chat.users?.pool.userPoolProviderName}`),
      MIDTURN_JWT_TOKEN_USE: 'access',
      MIDTURN_JWT_CLAIMS: 'email',
    });
    const outputs = Object.keys(template.findOutputs('*'));
    expect(outputs.map((id) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual([
      'ChatUserPoolClientId',
      'ChatUserPoolId',
    ]);
  });

  it('of a new user pool with Cognito’s login page: the code flow, to the callbacks alone', () => {
    const stack = theirStack();
    const auth = MidturnAuth.newUserPool({
      selfSignUp: true,
      callbackUrls: ['https://chat.example.com/'],
      domainPrefix: 'our-chat',
    });
    new Midturn(stack, 'Chat', { ...PROPS, auth, removalPolicy: RemovalPolicy.DESTROY });
    const template = Template.fromStack(stack);
    template.hasResource('AWS::Cognito::UserPool', {
      DeletionPolicy: 'Delete',
      Properties: { AdminCreateUserConfig: { AllowAdminCreateUserOnly: false } },
    });
    template.hasResourceProperties('AWS::Cognito::UserPoolClient', {
      AllowedOAuthFlows: ['code'],
      CallbackURLs: ['https://chat.example.com/'],
      GenerateSecret: false,
    });
    template.hasResourceProperties('AWS::Cognito::UserPoolDomain', { Domain: 'our-chat' });
  });

  it('of tokens in a secret, which the authorizer alone may read', () => {
    const stack = theirStack();
    new Midturn(stack, 'Chat', { ...PROPS, auth: MidturnAuth.tokens('chat/tokens') });
    const template = Template.fromStack(stack);
    const reads = (name: 'authorizer' | 'turn') =>
      JSON.stringify(statementsOf(template, name)).includes('chat/tokens');
    expect([reads('authorizer'), reads('turn')]).toEqual([true, false]);
  });

  it('of nobody is refused, unless it is meant', () => {
    const auth = MidturnAuth.none();
    expect(() => new Midturn(theirStack(), 'Chat', { ...PROPS, auth })).toThrow('MIDTURN_AUTH is "none"');
  });
});

describe('the prop `agent`', () => {
  function synthesizeWith(agent: string): { template: Template; outdir: string } {
    const stack = theirStack();
    new Midturn(stack, 'Chat', { ...PROPS, agent });
    const app = stack.node.root as App;
    return { template: Template.fromStack(stack), outdir: app.outdir };
  }

  function agentIn(folder: string, text: string, name = 'my-agent.mjs'): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  it('puts their agent into the turn function, and its hash is that of the bundle', {
    timeout: LONG_TEST_MS,
  }, () => {
    const folder = temporaryFolder();
    const text = (words: string) =>
      `export const agent = { instructions: ${JSON.stringify(words)}, tools: {} };`;
    const path = agentIn(folder, text('You sell umbrellas.'));
    const keyOf = ({ template }: { template: Template }) => functionNamed(template, 'turn').Properties.Code;
    const first = synthesizeWith(path);
    const asset = readdirSync(first.outdir).find((name) => {
      const file = join(first.outdir, name, 'index.mjs');
      return existsSync(file) && readFileSync(file, 'utf8').includes('You sell umbrellas.');
    });
    expect(JSON.stringify(keyOf(first))).toContain(asset?.replace('asset.', ''));
    expect(keyOf(synthesizeWith(path))).toEqual(keyOf(first));
    agentIn(folder, text('You sell parasols.'));
    expect(keyOf(synthesizeWith(path))).not.toEqual(keyOf(first));
  });

  it('puts each agent of a folder into its own turn function, in one stack and in two of one app', {
    timeout: LONG_TEST_MS,
  }, () => {
    const folder = temporaryFolder();
    const agentNamed = (name: string) =>
      agentIn(folder, `export const agent = { instructions: 'You are ${name}.', tools: {} };`, `${name}.mjs`);
    const first = theirStack();
    const second = new Stack(first.node.root as App, 'Second');
    new Midturn(first, 'Support', { ...PROPS, agent: agentNamed('support') });
    new Midturn(first, 'Sales', { ...PROPS, agent: agentNamed('sales') });
    new Midturn(second, 'Orders', { ...PROPS, agent: agentNamed('orders') });
    const assembly = (first.node.root as App).synth();
    const deployed = [first, second].flatMap((stack) =>
      Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'))
        .filter(({ Properties }) =>
          Properties.Description?.startsWith(`Midturn: ${FUNCTIONS.turn.description}`),
        )
        .map(({ Properties }) => String(Properties.Code.S3Key).replace('.zip', '')),
    );
    const said = deployed.map((hash) => {
      const text = readFileSync(join(assembly.directory, `asset.${hash}`, 'index.mjs'), 'utf8');
      return text.match(/You are (\w+)\./)?.[1];
    });
    expect(said).toEqual(['support', 'sales', 'orders']);
  });

  it.each([
    ['export const agent = ;', /my-agent\.mjs:1:22: Unexpected ";"/],
    ['export const other = {};', /my-agent\.mjs has no export "agent"/],
  ])('stops the synth in one line if the module is %j', (text, complaint) => {
    const path = agentIn(temporaryFolder(), text);
    expect(() => synthesizeWith(path)).toThrow(complaint);
  });

  it('stops the synth in one line if there is no such file', () => {
    expect(() => synthesizeWith('agent/nobody.ts')).toThrow('agent is "agent/nobody.ts": there is no file');
  });
});
