import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { readModels } from '../config/settings/models.ts';
import type { Permission } from './permission.ts';
import type { MidturnProps } from './props.ts';
import { toEnvironment } from './settings.ts';

/** Calling exactly the chosen models of Bedrock. Models of other providers need no permission, but a key. */
export function bedrockPermissions(scope: Construct, props: MidturnProps): Permission[] {
  return readModels(toEnvironment(props)).flatMap(({ choice }) =>
    choice.provider === 'bedrock' ? [bedrockPermission(scope, choice.modelId)] : [],
  );
}

const bedrockPermission = (scope: Construct, modelId: string): Permission => ({
  statement: new PolicyStatement({
    actions: ['bedrock:InvokeModelWithResponseStream'],
    resources: bedrockArns(scope, modelId),
  }),
  wildcard: 'An inference profile calls its model in a region that it chooses.',
});

/** Areas with which the id of a cross-region inference profile begins. */
const PROFILE = /^(us|eu|apac|us-gov|jp|au|ca|global)\.(.+)$/;

/**
 * A model id names a foundation model of the stack's region. An inference profile (`eu.anthropic.…`) is a resource of the
 * account, and calls the foundation model of the same name in a region that it chooses: it needs permission for both, and
 * for the model in every region. A full ARN is used as it is.
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

/** Reading exactly this secret. Secrets Manager adds six random characters to a secret's name in its ARN. */
export function secretPermission(scope: Construct, nameOrArn: string): Permission {
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
