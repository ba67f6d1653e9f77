import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { type ModelAccess, readModels } from '../config/settings.ts';
import type { Permission } from './permissions.ts';
import { type MidturnProps, toEnvironment } from './settings.ts';

/** What calling the chosen models takes: exactly those models on Bedrock, or reading exactly those keys. */
export function modelPermissions(scope: Construct, props: MidturnProps): Permission[] {
  const models = readModels(toEnvironment(props));
  const secrets = new Set(models.flatMap((access) => secretOf(access) ?? []));
  return [
    ...models.flatMap(({ choice }) =>
      choice.provider === 'bedrock' ? bedrockPermission(scope, choice.modelId) : [],
    ),
    ...[...secrets].map((secret) => secretPermission(scope, secret)),
  ];
}

const bedrockPermission = (scope: Construct, modelId: string): Permission => ({
  statement: new PolicyStatement({
    actions: ['bedrock:InvokeModelWithResponseStream'],
    resources: bedrockArns(scope, modelId),
  }),
  wildcard: 'An inference profile calls its model in a region of its own choice.',
});

const secretOf = ({ choice: { provider }, apiKeySecret }: ModelAccess): string | undefined =>
  provider === 'openai-compatible' || provider === 'anthropic' ? apiKeySecret : undefined;

/** Areas that a cross-region inference profile's id begins with. */
const PROFILE = /^(us|eu|apac|us-gov|jp|au|ca|global)\.(.+)$/;

/**
 * A model id names a foundation model of the stack's region. An inference profile (`eu.anthropic.…`) is a resource of
 * the account that calls the same foundation model in a region of its own choice, so both need to be allowed, the
 * model in every region of the profile. A full ARN is taken as it is.
 */
function bedrockArns(scope: Construct, modelId: string): string[] {
  const { partition, region } = Stack.of(scope);
  if (modelId.startsWith('arn:')) return [modelId];
  const profile = PROFILE.exec(modelId);
  if (!profile) return [`arn:${partition}:bedrock:${region}::foundation-model/${modelId}`];
  return [
    Stack.of(scope).formatArn({ service: 'bedrock', resource: 'inference-profile', resourceName: modelId }),
    `arn:${partition}:bedrock:*::foundation-model/${profile[2]}`,
  ];
}

/** What calling the agent's MCP servers takes: reading exactly the secret that holds their tokens. */
export function mcpPermissions(scope: Construct, { mcpTokensSecret }: MidturnProps): Permission[] {
  return mcpTokensSecret ? [secretPermission(scope, mcpTokensSecret)] : [];
}

/** What comparing tokens takes: reading exactly the secret that holds them. */
export function tokensPermissions(scope: Construct, { auth, tokensSecret }: MidturnProps): Permission[] {
  return auth === 'tokens' && tokensSecret ? [secretPermission(scope, tokensSecret)] : [];
}

/** Secrets Manager puts six random characters behind a secret's name to make its ARN. */
function secretPermission(scope: Construct, nameOrArn: string): Permission {
  const arn = nameOrArn.startsWith('arn:')
    ? nameOrArn
    : Stack.of(scope).formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: `${nameOrArn}-??????`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
  return {
    statement: new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [arn] }),
  };
}
