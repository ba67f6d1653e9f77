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
  ref(resource: StackResource): string;
  attribute(resource: StackResource, name: string): string;
}

export const API_ID = 'midturnapi';

interface Naming {
  /** The queues' address for functions: the `Ref` of a queue is a URL. */
  sqsEndpoint: string;
}

/** Supported types, with the names that CloudFormation would give their resources. */
const IDENTITIES: Readonly<Record<string, (id: string, resource: Resource, naming: Naming) => Identity>> = {
  'AWS::DynamoDB::Table': (id) => ({
    ref: `${STACK}-${id}`,
    attributes: { Arn: arn('dynamodb', `table/${STACK}-${id}`) },
  }),
  'AWS::SQS::Queue': (id, resource, { sqsEndpoint }) => {
    const name = `${STACK}-${id}${resource.Properties?.FifoQueue === true ? '.fifo' : ''}`;
    const url = `${sqsEndpoint}/${ACCOUNT}/${name}`;
    return { ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } };
  },
  'AWS::Lambda::Function': (id) => ({
    ref: `${STACK}-${id}`,
    attributes: { Arn: arn('lambda', `function:${STACK}-${id}`) },
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
  'AWS::ApiGatewayV2::Api': () => ({ ref: API_ID, attributes: { ApiId: API_ID } }),
  'AWS::ApiGatewayV2::Stage': (id, resource) => ({
    ref: String(resource.Properties?.StageName ?? id),
    attributes: {},
  }),
  'AWS::ApiGatewayV2::Route': (id) => ({ ref: id, attributes: { RouteId: id } }),
  'AWS::ApiGatewayV2::Integration': (id) => ({ ref: id, attributes: { IntegrationId: id } }),
  'AWS::ApiGatewayV2::Authorizer': (id) => ({ ref: id, attributes: { AuthorizerId: id } }),
};

/** Types that only observe or describe, so that they can be ignored here. */
const INERT = /^AWS::(CDK::Metadata|CloudWatch::|SNS::|Logs::|ResourceGroups::|ApiGateway::Account$)/;

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

  const present = Object.entries(template.Resources).filter(
    ([, { Condition }]) => Condition === undefined || resolver.condition(Condition),
  );
  for (const [id, resource] of present) {
    const identify = IDENTITIES[resource.Type];
    if (identify) identities.set(id, identify(id, resource, naming));
    else if (INERT.test(resource.Type))
      identities.set(id, { ref: id, attributes: { Arn: arn('local', id) } });
    else throw new LocalCloudError(`The local cloud has no ${resource.Type} (${id}).`);
  }
  const resources: StackResource[] = present
    .filter(([, { Type }]) => Type in IDENTITIES)
    .map(([logicalId, { Type, Properties = {}, Metadata = {} }]) => {
      const properties = resolver.resolve(Properties);
      return {
        logicalId,
        type: Type,
        properties: readProperties(logicalId, isMap(properties) ? properties : {}),
        metadata: Metadata,
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
    ref,
    attribute(resource, name) {
      const value = identity(resource.logicalId).attributes[name];
      if (value === undefined) throw new LocalCloudError(`${resource.logicalId} has no attribute ${name}.`);
      return value;
    },
  };
}
