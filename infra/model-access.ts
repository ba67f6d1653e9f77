import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { readAgentBedrockModels, readModels } from '../config/settings/models.ts';
import type { Permission } from './permission.ts';
import type { PlainProps } from './plain-props.ts';
import { toEnvironment } from './settings.ts';

/**
 * Calling exactly the chosen models of Bedrock. Models of other providers need no permission, but a key. Subscribing to a
 * model in the Marketplace, which its first call in an account does, is an administrator's task (docs/deploy.md).
 */
export function bedrockPermissions(scope: Construct, props: PlainProps): Permission[] {
  const environment = toEnvironment(props);
  const chosen = readModels(environment).flatMap(({ choice }) =>
    choice.provider === 'bedrock' ? [choice.modelId] : [],
  );
  return [...new Set([...chosen, ...readAgentBedrockModels(environment)])].flatMap((id) =>
    permissionsFor(scope, id),
  );
}

/** Areas with which the id of a cross-region inference profile begins. */
const PROFILE = /^(us|eu|apac|us-gov|jp|au|ca|global)\./;
/** A profile's ARN: its kind and its id. */
const PROFILE_ARN = /:((?:application-)?inference-profile)\/(.+)$/;

/**
 * A call through an inference profile needs permission for the profile, and for the model behind it in each of the
 * profile's regions. Source: "Prerequisites for inference profiles", Bedrock user guide. A profile needs no permission to be
 * read: calls name it and do not look it up.
 */
function permissionsFor(scope: Construct, modelId: string): Permission[] {
  const { partition, region } = Stack.of(scope);
  const model = (where: string, id: string) => `arn:${partition}:bedrock:${where}::foundation-model/${id}`;
  const profile = PROFILE.test(modelId)
    ? Stack.of(scope).formatArn({ service: 'bedrock', resource: 'inference-profile', resourceName: modelId })
    : modelId;
  const [, kind, profileId = ''] = PROFILE_ARN.exec(profile) ?? [];
  if (kind === 'application-inference-profile') {
    return [
      invoking([modelId]),
      invoking([model('*', '*')], 'The ARN of an application profile does not say which model it calls.', {
        StringEquals: { 'bedrock:InferenceProfileArn': modelId },
      }),
    ];
  }
  if (kind === 'inference-profile') {
    // The profile's id is its area and the model's id.
    const behind = model('*', profileId.replace(/^[^.]+\./, ''));
    return [invoking([profile, behind], 'An inference profile calls its model in a region that it chooses.')];
  }
  return [invoking([modelId.startsWith('arn:') ? modelId : model(region, modelId)])];
}

const invoking = (
  resources: string[],
  wildcard?: string,
  conditions?: Record<string, Record<string, string>>,
): Permission => ({
  statement: new PolicyStatement({
    actions: ['bedrock:InvokeModelWithResponseStream'],
    resources,
    ...(conditions && { conditions }),
  }),
  ...(wildcard && { wildcard }),
});

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
