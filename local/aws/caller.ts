import { LocalCloudError } from '../errors.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import { ACCOUNT, PARTITION } from '../world.ts';

/** The caller of an AWS service: a function with its role, or a service that acts for a resource. */
export type AwsCaller = FunctionCaller | ServiceCaller;

export interface FunctionCaller {
  kind: 'function';
  /** The name of its bundle, for display: `turn`. */
  name: string;
  /** Logical id of its role. */
  role: string;
  roleArn: string;
  functionArn: string;
  /** The ARN in AWS's error messages: `arn:aws:sts::…:assumed-role/…` */
  userArn: string;
}

/** Who signs with an access key, and with which secret. */
export interface KeyHolder {
  caller: FunctionCaller;
  secretAccessKey: string;
}

interface ServiceCaller {
  kind: 'service';
  /** The name for display: `API Gateway`, `EventBridge`. */
  name: string;
  /** `apigateway.amazonaws.com` */
  service: string;
  /** The resource that the service acts for. */
  sourceArn: string;
}

export function functionCaller(stack: Stack, resource: StackResource, name: string): FunctionCaller {
  const roleArn = resource.properties.text('Role');
  const role = stack
    .ofType('AWS::IAM::Role')
    .find((candidate) => stack.attribute(candidate, 'Arn') === roleArn);
  if (!role) throw new LocalCloudError(`${resource.logicalId}: the template has no role ${roleArn}.`);
  return {
    kind: 'function',
    name,
    role: role.logicalId,
    roleArn,
    functionArn: stack.attribute(resource, 'Arn'),
    userArn: `arn:${PARTITION}:sts::${ACCOUNT}:assumed-role/${stack.ref(role)}/${stack.ref(resource)}`,
  };
}
