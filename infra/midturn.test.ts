import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { App } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { CLIENT_FRAMES } from '../lambdas/protocol/client-frames.ts';
import { SettingError } from '../lambdas/settings.ts';
import { FUNCTIONS } from './function-table.ts';
import type { MidturnProps, RequiredSetting } from './settings.ts';
import { MidturnStack } from './stack.ts';

const bundles = mkdtempSync(join(tmpdir(), 'midturn-bundles-'));
for (const name of Object.keys(FUNCTIONS)) {
  mkdirSync(join(bundles, name));
  writeFileSync(join(bundles, name, 'index.mjs'), 'export const handler = async () => {};');
}

function synthesize(props: Partial<MidturnProps> = {}, missing: RequiredSetting[] = []): Template {
  const app = new App();
  const midturn = { model: 'demo', auth: 'none', bundles, ...props };
  return Template.fromStack(new MidturnStack(app, 'Midturn', { midturn, missing }));
}

type Properties = Record<string, unknown>;

function functionNamed(template: Template, name: string): { Properties: Properties } {
  const description = `Midturn: ${FUNCTIONS[name as keyof typeof FUNCTIONS].description}`;
  const [found] = Object.values(
    template.findResources('AWS::Lambda::Function', { Properties: { Description: description } }),
  );
  if (!found) throw new Error(`no function ${name}`);
  return found as { Properties: Properties };
}

function variablesOf(template: Template, name: string): string[] {
  const { Variables } = functionNamed(template, name).Properties.Environment as { Variables: object };
  return Object.keys(Variables);
}

interface Statement {
  Action: string | string[];
  Resource: unknown;
}

function statements(template: Template): Statement[] {
  return Object.values(template.findResources('AWS::IAM::Role')).flatMap(({ Properties }) =>
    (Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(
      ({ PolicyDocument }) => PolicyDocument.Statement,
    ),
  );
}

describe('the WebSocket API', () => {
  it('has a route for each frame that clients send, and the three of its own', () => {
    const routes = Object.values(synthesize().findResources('AWS::ApiGatewayV2::Route'));
    expect(routes.map(({ Properties }) => Properties.RouteKey).sort()).toEqual(
      ['$connect', '$disconnect', '$default', ...Object.keys(CLIENT_FRAMES)].sort(),
    );
  });

  it('asks the authorizer whatever the request brings: an identity source would refuse tokens elsewhere', () => {
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
});

describe('the turn queue', () => {
  it('orders by session alone, and hides a message as long as its function may run', () => {
    synthesize({ turnTimeoutSeconds: 120 }).hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      ContentBasedDeduplication: false,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      VisibilityTimeout: 120,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 1000 }),
    });
  });

  it('hands over one message at a time and takes failures back one by one, like every queue', () => {
    const mappings = Object.values(synthesize().findResources('AWS::Lambda::EventSourceMapping'));
    expect(mappings).toHaveLength(3);
    for (const { Properties } of mappings) {
      expect(Properties).toMatchObject({ BatchSize: 1, FunctionResponseTypes: ['ReportBatchItemFailures'] });
    }
  });
});

describe('functions', () => {
  it('run on Node 24 and arm64, each under a role of its own', () => {
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

  it('know only what they need', () => {
    const template = synthesize({
      auth: 'jwt',
      jwtIssuer: 'https://issuer.example',
      jwtAudience: 'chat',
      model: 'anthropic:some-model',
      modelApiKeySecret: 'provider-key',
      maxSteps: 4,
    });
    expect(variablesOf(template, 'authorizer').sort()).toEqual(
      ['MIDTURN_AUTH', 'MIDTURN_JWT_AUDIENCE', 'MIDTURN_JWT_ISSUER'].sort(),
    );
    expect(variablesOf(template, 'redrive')).toEqual(['MIDTURN_TURN_QUEUE_URL']);
    expect(variablesOf(template, 'turn')).toContain('MIDTURN_MAX_STEPS');
    expect(variablesOf(template, 'inbound')).not.toContain('MIDTURN_MAX_STEPS');
  });

  it('post to the stage, or to the endpoint that they are told', () => {
    const told = synthesize({ stageName: 'local', managementEndpoint: 'http://127.0.0.1:1/local' });
    expect(functionNamed(told, 'inbound').Properties.Environment).toMatchObject({
      Variables: { MIDTURN_MANAGEMENT_ENDPOINT: 'http://127.0.0.1:1/local' },
    });
  });
});

describe('roles', () => {
  it('name what they may do: no action and no resource is a bare wildcard', () => {
    for (const { Action, Resource } of statements(synthesize())) {
      expect([Action].flat().every((action) => /^[a-z-]+:[A-Za-z]+$/.test(action))).toBe(true);
      expect([Resource].flat()).not.toContain('*');
    }
  });

  it('invoke exactly the chosen model', () => {
    const allowed = statements(synthesize({ model: 'bedrock:some.model-v1:0' })).filter(
      ({ Action }) => Action === 'bedrock:InvokeModelWithResponseStream',
    );
    expect(allowed).toHaveLength(1);
    expect(JSON.stringify(allowed)).toContain('::foundation-model/some.model-v1:0');
  });

  it('read exactly the secret that holds the key', () => {
    const allowed = statements(
      synthesize({ model: 'anthropic:m', modelApiKeySecret: 'provider-key' }),
    ).filter(({ Action }) => Action === 'secretsmanager:GetSecretValue');
    expect(allowed).toHaveLength(1);
    expect(JSON.stringify(allowed)).toContain('secret:provider-key-??????');
  });
});

describe('settings', () => {
  it('that cannot be stop the synth by name', () => {
    expect(() => synthesize({ maxSteps: 0 })).toThrow(SettingError);
    expect(() => synthesize({ maxSteps: 0 })).toThrow(/^MIDTURN_MAX_STEPS is "0"/);
  });

  it('that nobody chose become parameters without a value, which no deployment passes', () => {
    synthesize({}, ['MIDTURN_AUTH']).templateMatches({
      Parameters: { MidturnAuthIsNotSet: { Default: Match.absent() } },
    });
    expect(synthesize().findParameters('*')).not.toHaveProperty('MidturnAuthIsNotSet');
  });
});
