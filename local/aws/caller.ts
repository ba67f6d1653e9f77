import { LocalCloudError } from '../errors.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import { ACCOUNT, PARTITION } from '../world.ts';

/** Who asks for something: a function by its role, or a service of AWS that acts for a resource. */
export type Caller = FunctionCaller | ServiceCaller;

export interface FunctionCaller {
  kind: 'function';
  /** For people, and the name of its bundle: `turn`. */
  name: string;
  /** Logical id of its role. */
  role: string;
  roleArn: string;
  functionArn: string;
  /** As error messages of AWS name it: `arn:aws:sts::…:assumed-role/…` */
  userArn: string;
}

interface ServiceCaller {
  kind: 'service';
  /** For people: `API Gateway`. */
  name: string;
  /** `apigateway.amazonaws.com` */
  service: string;
  /** The resource that it acts for. */
  sourceArn: string;
}

/** A key of its own for each function: what a request may do can be told from who signed it. */
export function accessKeyIdOf({ logicalId }: StackResource): string {
  return `LOCAL${logicalId.toUpperCase()}`;
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
