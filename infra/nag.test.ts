import { ManagedPolicy, type Role } from 'aws-cdk-lib/aws-iam';
import { App, RemovalPolicy, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import type { MidturnProps } from './props.ts';
import { createStack } from './testing.ts';

const EVERYTHING = 'arn:aws:iam::aws:policy/AdministratorAccess';

/** Findings of both packs that nobody has explained, as `rule: construct`. */
function findings(props: Partial<MidturnProps>): string[] {
  const stack = createStack(props);
  return [new AwsSolutionsChecks(), new ServerlessChecks()].flatMap((pack) =>
    pack
      .validateScope(stack)
      .violations.flatMap(({ ruleName, violatingResources = [] }) =>
        violatingResources.map(({ constructPath }) => `${ruleName}: ${constructPath}`),
      ),
  );
}

it.each<[string, Partial<MidturnProps>]>([
  ['as it comes', {}],
  [
    'on Bedrock behind a JWT issuer',
    { model: 'bedrock:eu.anthropic.m', auth: 'jwt', jwtIssuer: 'https://i.example', jwtAudience: 'a' },
  ],
  [
    'with secrets',
    { model: 'anthropic:m', modelApiKeySecret: 'key', auth: 'tokens', tokensSecret: 'tokens' },
  ],
  [
    'with CloudFront in front',
    {
      domain: { name: 'api.example.com', certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c' },
      defaultEndpoint: false,
      originSecret: 'origin',
      edge: { webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/chat/a-b' },
    },
  ],
  [
    'with everything that can be chosen',
    {
      domain: {
        name: 'chat.example.com',
        certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
        hostedZoneId: 'Z0123',
      },
      logKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/l',
      tableKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      alarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:ops',
      turnPollers: { min: 2, max: 4 },
      nameQueues: true,
      detailedMetrics: true,
      httpApi: true,
      removalPolicy: RemovalPolicy.DESTROY,
      page: true,
      model: 'bedrock:arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/a1b2c3',
    },
  ],
])('cdk-nag finds nothing that is not explained: %s', (_, props) => {
  expect(findings(props)).toEqual([]);
});

it('each explanation is for one rule and one construct', () => {
  const stack = createStack({ model: 'bedrock:eu.anthropic.m' });
  const reasons = stack.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) => Object.entries(data as object).map(([rule]) => ({ rule, path: node.path }))),
    );
  expect(reasons.length).toBeGreaterThan(0);
  for (const { path } of reasons) expect(path.split('/').length).toBeGreaterThan(2);
});

it('finds a permission without an explanation', () => {
  const stack = createStack();
  const role = stack.node.findChild('Midturn').node.findChild('TurnRole') as Role;
  role.addManagedPolicy(ManagedPolicy.fromManagedPolicyArn(stack, 'Everything', EVERYTHING));
  const { violations } = new AwsSolutionsChecks(new App({ outdir: temporaryFolder() })).validateScope(stack);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual([`AwsSolutions-IAM4[Policy::${EVERYTHING}]`]);
});
