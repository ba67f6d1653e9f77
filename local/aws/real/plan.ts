import { LocalCloudError } from '../../errors.ts';
import type { Template } from '../../template/template.ts';
import type { Upstream } from '../forward.ts';
import type { JsonAnswer } from '../json-service.ts';
import type { Account } from './account.ts';
import type { RealService } from './services.ts';

/** What a local cloud uses of an AWS account. */
export interface RealAws {
  /** Names of the app's own tables and secrets in the account, by their logical ids. */
  physicalIds: ReadonlyMap<string, string>;
  /** For tables that are not here. @default - there are none */
  tables?: Upstream;
  /** Answers `GetSecretValue`. @default - all secrets are here */
  secrets?: (request: Readonly<Record<string, unknown>>) => Promise<JsonAnswer>;
  bedrock?: Upstream;
}

/** Where an app is deployed. */
export interface Deployment {
  stackName: string;
  /** Undefined where the app leaves it open. */
  account?: string;
  region?: string;
}

interface Wish {
  services: ReadonlySet<RealService>;
  deployment: Deployment;
  template: Template;
  /** Paths of the Midturns of the template. What is theirs stays local. */
  midturns: readonly string[];
}

const TYPES: Readonly<Record<string, { service: RealService; what: string }>> = {
  'AWS::DynamoDB::Table': { service: 'dynamodb', what: 'table' },
  'AWS::DynamoDB::GlobalTable': { service: 'dynamodb', what: 'table' },
  'AWS::SecretsManager::Secret': { service: 'secretsmanager', what: 'secret' },
};

/**
 * Finds the app's own resources in the account, by the stack that it is deployed as.
 * @returns with `lines`, which say what of which account is used
 * @throws {LocalCloudError} for another account than that of the app, or if its stack is not there
 */
export async function planRealAws(
  account: Account,
  { services, deployment, template, midturns }: Wish,
): Promise<{ aws: RealAws; lines: string[] }> {
  const { stackName } = deployment;
  if (deployment.account !== undefined && deployment.account !== account.id)
    throw new LocalCloudError(
      `AWS_ACCOUNT_MISMATCH: the stack ${stackName} is of account ${deployment.account}, and the credentials of ${account.userArn}.`,
    );
  const lines = [
    `aws ${[...services].join(', ')} of account ${account.id} in ${account.region}, as ${account.userArn}`,
  ];
  const wanted = Object.entries(template.Resources).flatMap(([id, { Type, Metadata }]) => {
    const path = String(Metadata?.['aws:cdk:path'] ?? '');
    const type = Object.hasOwn(TYPES, Type) ? TYPES[Type] : undefined;
    const isOurs = midturns.some((midturn) => path.startsWith(`${midturn}/`));
    return type && services.has(type.service) && !isOurs ? [{ id, what: type.what }] : [];
  });
  const deployed = wanted.length > 0 ? await account.resourcesOf(stackName) : new Map<string, string>();
  const physicalIds = new Map<string, string>();
  for (const { id, what } of wanted) {
    const physical = deployed.get(id);
    if (physical !== undefined) physicalIds.set(id, physical);
    lines.push(
      physical === undefined
        ? `aws ${what} ${id} is local: the stack ${stackName} has none`
        : `aws ${what} ${id} is ${physical} of the stack ${stackName}`,
    );
  }
  return {
    aws: {
      physicalIds,
      ...(services.has('dynamodb') && { tables: account.upstream('dynamodb') }),
      ...(services.has('secretsmanager') && {
        secrets: (request) => account.ask('secretsmanager', 'secretsmanager.GetSecretValue', request),
      }),
      ...(services.has('bedrock') && { bedrock: account.upstream('bedrock') }),
    },
    lines,
  };
}
