import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Stack, Validations } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';

/** Records why a rule of cdk-nag is not kept by one construct. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) Validations.of(construct).acknowledge({ id, reason });
}

/** Records the reason for each resource of the statement that contains a wildcard. */
export function acknowledgeWildcards(role: IConstruct, { resources }: PolicyStatement, reason: string): void {
  for (const resource of resources) {
    if (!resource.includes('*')) continue;
    acknowledge(role, {
      [`AwsSolutions-IAM5[Resource::${flatten(Stack.of(role).resolve(resource))}]`]: reason,
    });
  }
}

/** A resolved value as cdk-nag writes it: references as `<LogicalId>`. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument] = []] = Object.entries(value as object);
  switch (name) {
    case 'Ref':
      return `<${argument}>`;
    case 'Fn::GetAtt':
      return `<${argument.join('.')}>`;
    case 'Fn::Join':
      return argument[1].map(flatten).join(argument[0]);
    default:
      throw new Error(`${name} in a resource of a policy: teach flatten() to write it as cdk-nag does.`);
  }
}
