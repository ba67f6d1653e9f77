import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { readModelChoice } from '../lambdas/settings.ts';
import type { Permission } from './permissions.ts';
import { type MidturnProps, toEnvironment } from './settings.ts';

/** What calling the chosen model takes: exactly that model on Bedrock, or reading exactly that key. */
export function modelPermissions(scope: Construct, props: MidturnProps): Permission[] {
  const choice = readModelChoice(toEnvironment(props));
  switch (choice.provider) {
    case 'demo':
      return [];
    case 'bedrock':
      return [
        {
          statement: new PolicyStatement({
            actions: ['bedrock:InvokeModelWithResponseStream'],
            resources: bedrockArns(scope, choice.modelId),
          }),
          wildcard: 'An inference profile calls its model in a region of its own choice.',
        },
      ];
    case 'openai-compatible':
    case 'anthropic':
      return props.modelApiKeySecret ? [secretPermission(scope, props.modelApiKeySecret)] : [];
  }
}

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
