import { LocalCloudError } from '../errors.ts';
import { MalformedPolicy, readPolicy, type Statement } from '../iam/statement.ts';
import { isMap } from '../template/resolve.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import type { Value } from '../template/template.ts';
import { managedPolicy } from './managed-policies.ts';

/** A statement and its place in the template. */
export interface PlacedStatement extends Statement {
  /** `TurnRole/Function[2]`: the role or resource, the policy, and the statement's index or Sid. */
  id: string;
  /** Logical id of the role. Absent for a resource policy. */
  role?: string;
}

/** The roles of functions, which are the only callers. */
export interface Roles {
  /** Logical ids. */
  names: readonly string[];
  /** All statements of a role. */
  statementsOf(role: string): readonly PlacedStatement[];
  /** All statements of resource policies. */
  ofResources: readonly PlacedStatement[];
}

/**
 * Reads the functions' roles and the resource policies.
 * @param unknown is told of each role's policy whose content the template does not have. @default - such a template is refused
 * @throws {LocalCloudError}
 */
export function readRoles(stack: Stack, unknown: (text: string) => void = refuse): Roles {
  const assumed = new Set(
    stack.ofType('AWS::Lambda::Function').map(({ properties }) => properties.text('Role')),
  );
  const roles = new Map(
    stack
      .ofType('AWS::IAM::Role')
      .filter((role) => assumed.has(stack.attribute(role, 'Arn')))
      .map(
        (role) =>
          [role.logicalId, [...inlineOf(role, unknown), ...attachedTo(role, stack, unknown)]] as const,
      ),
  );
  return {
    names: [...roles.keys()],
    statementsOf(role) {
      const statements = roles.get(role);
      if (!statements) throw new LocalCloudError(`The template has no role ${role}.`);
      return statements;
    },
    ofResources: [
      ...stack.ofType('AWS::Lambda::Permission').flatMap((permission) => invocationsBy(permission, stack)),
      ...['AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy'].flatMap((type) =>
        stack.ofType(type).flatMap((policy) => read(policy.logicalId, policy)),
      ),
    ],
  };
}

function refuse(text: string): never {
  throw new LocalCloudError(text);
}

function inlineOf(role: StackResource, unknown: (text: string) => void): PlacedStatement[] {
  const { properties, logicalId } = role;
  if ('PermissionsBoundary' in properties.all)
    unknown(
      `${logicalId}: the local cloud does not know permissions boundaries. What it forbids is allowed here.`,
    );
  return properties.list('Policies').flatMap((policy) => {
    if (!isMap(policy)) throw new LocalCloudError(`${logicalId}: a policy is an object.`);
    return place(`${logicalId}/${policy.PolicyName}`, policy.PolicyDocument, logicalId);
  });
}

function attachedTo(role: StackResource, stack: Stack, unknown: (text: string) => void): PlacedStatement[] {
  const ref = stack.ref(role);
  const managed = stack.ofType('AWS::IAM::ManagedPolicy');
  const own = [...stack.ofType('AWS::IAM::Policy'), ...managed].filter(({ properties }) =>
    properties.list('Roles').includes(ref),
  );
  const ofAws: PlacedStatement[] = [];
  for (const arn of role.properties.list('ManagedPolicyArns')) {
    const policy = managed.find((candidate) => stack.ref(candidate) === arn);
    const document = policy ? undefined : managedPolicy(String(arn));
    if (policy) own.push(policy);
    else if (document) ofAws.push(...place(`${role.logicalId}/${arn}`, document, role.logicalId));
    else
      unknown(
        `${role.logicalId}: the local cloud does not know the policy ${arn}. What it allows is denied here.`,
      );
  }
  const statements = [...new Set(own)].flatMap((policy) =>
    read(`${role.logicalId}/${policy.logicalId}`, policy, role.logicalId),
  );
  return [...statements, ...ofAws];
}

function read(where: string, { properties }: StackResource, role?: string): PlacedStatement[] {
  return place(where, properties.all.PolicyDocument, role);
}

/** Converts a permission into a statement of its function's policy. */
function invocationsBy({ logicalId, properties }: StackResource, stack: Stack): PlacedStatement[] {
  const named = properties.text('FunctionName');
  const sourceArn = properties.optionalText('SourceArn');
  const sourceAccount = properties.optionalText('SourceAccount');
  return place(logicalId, {
    Statement: {
      // Names the route or authorizer, for display.
      ...(sourceArn && { Sid: sourceArn.split(':').at(-1) ?? '' }),
      Effect: 'Allow',
      Principal: { Service: properties.text('Principal') },
      Action: properties.text('Action'),
      Resource: stack.attribute(stack.find('AWS::Lambda::Function', named), 'Arn'),
      Condition: {
        ...(sourceArn && { ArnLike: { 'AWS:SourceArn': sourceArn } }),
        ...(sourceAccount && { StringEquals: { 'AWS:SourceAccount': sourceAccount } }),
      },
    },
  });
}

function place(where: string, document: Value | undefined, role?: string): PlacedStatement[] {
  try {
    return readPolicy(document).map((statement, index) => ({
      ...statement,
      id: `${where}[${statement.sid ?? index}]`,
      ...(role !== undefined && { role }),
    }));
  } catch (error) {
    if (error instanceof MalformedPolicy) throw new LocalCloudError(`${where}: ${error.message}`);
    throw error;
  }
}
