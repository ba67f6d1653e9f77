import { secretArn } from '../aws/secret-arn.ts';
import { LocalCloudError } from '../errors.ts';
import { ACCOUNT, arn, PARTITION, REGION, STACK } from '../world.ts';
import { type Properties, readProperties } from './properties.ts';
import { createResolver, isMap, type Resolver } from './resolve.ts';
import type { Resource, Template, Value } from './template.ts';

/** A resource of the template, with all values resolved. */
export interface StackResource {
  logicalId: string;
  type: string;
  properties: Properties;
  metadata: Readonly<Record<string, Value>>;
  /** It is in an AWS account, under this name. */
  physicalId?: string;
}

/** A resource's names here: `Ref` resolves to `ref`, `Fn::GetAtt` to `attributes`. */
interface Identity {
  ref: string;
  attributes: Readonly<Record<string, string>>;
}

export interface Stack {
  ofType(type: string): StackResource[];
  /** Returns the resource with this `Ref` or ARN. */
  find(type: string, refOrArn: string): StackResource;
  /** Returns the resource with this logical id. */
  withId(logicalId: string): StackResource;
  ref(resource: StackResource): string;
  attribute(resource: StackResource, name: string): string;
}

export const API_ID = 'midturnapi';

/** In the names of what is not here. */
const ABSENT = 'not-in-the-local-cloud';

/** What a resource is named by. */
interface Names extends Naming {
  /** Of a name that is put together. It refers to no resource. */
  resolve(value: Value): Value;
}

interface Naming {
  /** The queues' address for functions: the `Ref` of a queue is a URL. */
  sqsEndpoint: string;
  /**
   * Told of each resource that is not here. It still has names, which lead nowhere.
   * @default - such a template is refused
   */
  unknown?(resource: { logicalId: string; type: string }): void;
  /** Names of the tables and secrets that are in an AWS account, by logical ids. @default - none */
  physicalIds?: ReadonlyMap<string, string>;
  /** Whether a resource is left out. It still has names, which lead nowhere. @default - none is */
  leftOut?(resource: Resource): boolean;
}

/** Supported types, with the names that CloudFormation would give their resources. */
const IDENTITIES: Readonly<Record<string, (id: string, resource: Resource, names: Names) => Identity>> = {
  'AWS::DynamoDB::Table': (id, _, { physicalIds }) => {
    const name = physicalIds?.get(id) ?? `${STACK}-${id}`;
    const StreamArn = arn('dynamodb', `table/${name}/stream/${ABSENT}`);
    return { ref: name, attributes: { Arn: arn('dynamodb', `table/${name}`), StreamArn } };
  },
  'AWS::SQS::Queue': (id, resource, { sqsEndpoint }) => {
    const name = `${STACK}-${id}${resource.Properties?.FifoQueue === true ? '.fifo' : ''}`;
    const url = `${sqsEndpoint}/${ACCOUNT}/${name}`;
    return { ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } };
  },
  'AWS::S3::Bucket': (id, resource, { resolve }) => {
    const name = String(resolve(resource.Properties?.BucketName ?? `${STACK}-${id}`.toLowerCase()));
    return {
      ref: name,
      attributes: {
        Arn: `arn:${PARTITION}:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${REGION}.amazonaws.com`,
      },
    };
  },
  'AWS::S3::BucketPolicy': (id) => ({ ref: id, attributes: {} }),
  'AWS::Lambda::Function': (id) => ({
    ref: `${STACK}-${id}`,
    attributes: { Arn: arn('lambda', `function:${STACK}-${id}`) },
  }),
  'AWS::SecretsManager::Secret': (id, resource, { physicalIds }) => {
    const secret = physicalIds?.get(id) ?? secretArn(String(resource.Properties?.Name ?? id));
    return { ref: secret, attributes: { Id: secret } };
  },
  'AWS::Events::EventBus': (id, resource) => {
    const name = String(resource.Properties?.Name ?? `${STACK}-${id}`);
    return { ref: name, attributes: { Arn: arn('events', `event-bus/${name}`), Name: name } };
  },
  'AWS::Events::Rule': (id) => ({
    ref: `${STACK}-${id}`,
    attributes: { Arn: arn('events', `rule/${STACK}-${id}`) },
  }),
  'AWS::Lambda::EventSourceMapping': (id) => ({ ref: id, attributes: { Id: id } }),
  'AWS::Lambda::Permission': (id) => ({ ref: id, attributes: {} }),
  'AWS::IAM::Role': (id) => ({
    ref: `${STACK}-${id}`,
    attributes: { Arn: `arn:${PARTITION}:iam::${ACCOUNT}:role/${STACK}-${id}`, RoleId: id },
  }),
  'AWS::IAM::Policy': (id) => ({ ref: id, attributes: { Id: id } }),
  'AWS::IAM::ManagedPolicy': (id) => {
    const policyArn = `arn:${PARTITION}:iam::${ACCOUNT}:policy/${STACK}-${id}`;
    return { ref: policyArn, attributes: { PolicyArn: policyArn } };
  },
  'AWS::SQS::QueuePolicy': (id) => ({ ref: id, attributes: { Id: id } }),
  'AWS::Logs::LogGroup': (id) => ({
    ref: `${STACK}-${id}`,
    attributes: { Arn: arn('logs', `log-group:${STACK}-${id}:*`) },
  }),
  'AWS::ApiGatewayV2::Api': (id, resource) => {
    const ref = resource.Properties?.ProtocolType === 'HTTP' ? `http-${id}`.toLowerCase() : API_ID;
    return {
      ref,
      attributes: { ApiId: ref, ApiEndpoint: `https://${ref}.execute-api.${REGION}.amazonaws.com` },
    };
  },
  'AWS::ApiGatewayV2::Stage': (id, resource) => ({
    ref: String(resource.Properties?.StageName ?? id),
    attributes: {},
  }),
  'AWS::ApiGatewayV2::Route': (id) => ({ ref: id, attributes: { RouteId: id } }),
  'AWS::ApiGatewayV2::Integration': (id) => ({ ref: id, attributes: { IntegrationId: id } }),
  'AWS::ApiGatewayV2::Authorizer': (id) => ({ ref: id, attributes: { AuthorizerId: id } }),
};

/** Types that only observe or describe, or do something at the end of a stack, so that they can be ignored here. */
const INERT =
  /^(AWS::(CDK::Metadata|CloudWatch::|SNS::|Logs::|ResourceGroups::|ApiGateway::Account$)|Custom::S3AutoDeleteObjects$)/;

/** Types with the same properties, as far as they are read here. */
const ALIASES: Readonly<Record<string, string>> = { 'AWS::DynamoDB::GlobalTable': 'AWS::DynamoDB::Table' };

const TO_FUNCTIONS = new Set(['AWS::Lambda::EventSourceMapping', 'AWS::Lambda::Permission']);

/** Functions are threads of Node here, which load a file. Those without a runtime are of tests. */
function canRun({ Type, Properties = {}, Metadata = {} }: Resource): boolean {
  if (Type !== 'AWS::Lambda::Function' || Properties.Runtime === undefined) return true;
  return /^nodejs/.test(String(Properties.Runtime)) && typeof Metadata['aws:asset:path'] === 'string';
}

const absentIdentity = (id: string): Identity => ({
  ref: `${ABSENT}-${id}`,
  attributes: new Proxy<Record<string, string>>(
    {},
    { get: (_, name) => `${String(name) === 'Arn' ? arn('local', `${ABSENT}/${id}`) : `${ABSENT}-${id}`}` },
  ),
});

const PSEUDO = {
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': PARTITION,
  'AWS::StackName': STACK,
  'AWS::StackId': arn('cloudformation', `stack/${STACK}/local`),
  'AWS::URLSuffix': 'amazonaws.com',
} as const;

/** @throws {LocalCloudError} for an unsupported resource or reference */
export function readStack(template: Template, naming: Naming): Stack {
  const identities = new Map<string, Identity>();
  const resolver: Resolver = createResolver(template, {
    pseudo: PSEUDO,
    ref: (id) => identity(id).ref,
    attribute: (id, name) => {
      const value = identity(id).attributes[name];
      if (value === undefined) {
        throw new LocalCloudError(
          `The local cloud does not know ${template.Resources[id]?.Type} ${id}.${name}.`,
        );
      }
      return value;
    },
  });

  function identity(id: string): Identity {
    const found = identities.get(id);
    if (!found) throw new LocalCloudError(`The template has no resource ${id}.`);
    return found;
  }

  const present = Object.entries(template.Resources)
    .filter(([, { Condition }]) => Condition === undefined || resolver.condition(Condition))
    .map(([id, resource]) => [id, { ...resource, Type: ALIASES[resource.Type] ?? resource.Type }] as const);
  const names: Names = { ...naming, resolve: resolver.resolve };
  const isLeftOut = (resource: Resource) => naming.leftOut?.(resource) ?? false;
  const isHere = (resource: Resource) =>
    resource.Type in IDENTITIES && canRun(resource) && !isLeftOut(resource);
  for (const [id, resource] of present) {
    const { Type: type } = resource;
    const identify = IDENTITIES[type];
    if (isLeftOut(resource)) identities.set(id, absentIdentity(id));
    else if (identify && isHere(resource)) identities.set(id, identify(id, resource, names));
    else if (INERT.test(type)) identities.set(id, { ref: id, attributes: { Arn: arn('local', id) } });
    else if (naming.unknown) {
      identities.set(id, absentIdentity(id));
      naming.unknown({ logicalId: id, type });
    } else throw new LocalCloudError(`The local cloud has no ${type} (${id}).`);
  }
  const isAbsent = (name: Value = '') => String(resolver.resolve(name)).includes(ABSENT);
  /** A permission for a function that is not here, or a mapping to it or from such a source, has nothing to do. */
  const isIdle = ({ Type, Properties = {} }: Resource) =>
    TO_FUNCTIONS.has(Type) && (isAbsent(Properties.FunctionName) || isAbsent(Properties.EventSourceArn));
  for (const [logicalId, { Type, Properties = {} }] of present) {
    const isWaiting = Type === 'AWS::Lambda::EventSourceMapping' && !isAbsent(Properties.FunctionName);
    if (isWaiting && isAbsent(Properties.EventSourceArn)) naming.unknown?.({ logicalId, type: Type });
  }
  const resources: StackResource[] = present
    .filter(([, resource]) => isHere(resource) && !isIdle(resource))
    .map(([logicalId, { Type, Properties = {}, Metadata = {} }]) => {
      const properties = resolver.resolve(Properties);
      const physicalId = naming.physicalIds?.get(logicalId);
      return {
        logicalId,
        type: Type,
        properties: readProperties(logicalId, isMap(properties) ? properties : {}),
        metadata: Metadata,
        ...(physicalId !== undefined && { physicalId }),
      };
    });
  const ref = ({ logicalId }: StackResource) => identity(logicalId).ref;
  return {
    ofType: (type) => resources.filter((resource) => resource.type === type),
    find(type, refOrArn) {
      const found = resources.find(
        (resource) =>
          resource.type === type &&
          [ref(resource), identity(resource.logicalId).attributes.Arn].includes(refOrArn),
      );
      if (!found) throw new LocalCloudError(`The template has no ${type} ${refOrArn}.`);
      return found;
    },
    withId(id) {
      const found = resources.find(({ logicalId }) => logicalId === id);
      if (!found) throw new LocalCloudError(`The template has no resource ${id}.`);
      return found;
    },
    ref,
    attribute(resource, name) {
      const value = identity(resource.logicalId).attributes[name];
      if (value === undefined) throw new LocalCloudError(`${resource.logicalId} has no attribute ${name}.`);
      return value;
    },
  };
}
