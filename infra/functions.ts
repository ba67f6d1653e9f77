import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type CfnFunction,
  Code,
  EventSourceMapping,
  type EventSourceMappingOptions,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { readTurnSettings, SettingError } from '../config/settings.ts';
import { environmentOf } from './environment.ts';
import { type ConnectionMethod, FUNCTIONS, type FunctionName } from './function-table.ts';
import { createLogGroup } from './log-group.ts';
import { acknowledge, acknowledgeWildcards } from './nag.ts';
import { type Permission, permissionsOf } from './permissions.ts';
import type { Queues } from './queues.ts';
import { type MidturnProps, toEnvironment } from './settings.ts';

/** What the functions act on. */
export interface Surroundings {
  table: Table;
  queues: Queues;
  /** ARN pattern of this API's and stage's connections. */
  connectionsArns: Readonly<Record<ConnectionMethod, string>>;
  managementEndpoint: string;
}

export type Functions = Readonly<Record<FunctionName, LambdaFunction>>;

/** Of an account's 1,000 environments and 10,000 requests a second, this leaves most to whoever takes messages in. */
const TURN_CONCURRENCY = 200;

export function turnTimeout(props: MidturnProps): Duration {
  return Duration.seconds(readTurnSettings(toEnvironment(props)).turnTimeoutSeconds);
}

/** The functions of the table, each with a log group, a role and an environment of its own. */
export function createFunctions(
  scope: Construct,
  props: MidturnProps,
  surroundings: Surroundings,
): Functions {
  const create = (name: FunctionName) => createFunction(scope, name, props, surroundings);
  return {
    authorizer: create('authorizer'),
    connection: create('connection'),
    inbound: create('inbound'),
    turn: create('turn'),
    deadline: create('deadline'),
    redrive: create('redrive'),
  };
}

function createFunction(
  scope: Construct,
  name: FunctionName,
  props: MidturnProps,
  surroundings: Surroundings,
): LambdaFunction {
  const spec = FUNCTIONS[name];
  const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const logGroup = createLogGroup(scope, `${id}Logs`, props);
  const role = createRole(scope, `${id}Role`, permissionsOf(scope, spec, props, surroundings, logGroup));
  const reserved = name === 'turn' ? props.turnReservedConcurrency : undefined;
  const fn = new LambdaFunction(scope, `${id}Function`, {
    description: `Midturn: ${spec.description}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: Code.fromAsset(bundle(name, props), { exclude: ['*.map'] }),
    handler: 'index.handler',
    memorySize: spec.memoryMb,
    timeout: spec.timeout === 'turn' ? turnTimeout(props) : spec.timeout,
    environment: environmentOf(scope, spec, props, surroundings),
    role,
    logGroup,
    ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
    // Turns that wait for one another pass tokens on through the queue, which Lambda would take for a runaway loop
    // and cut after 16 rounds.
    ...(spec.consumes && { recursiveLoop: RecursiveLoop.ALLOW }),
  });
  if (props.tracing ?? true) {
    // Set here and not by the construct's own prop, which would hang a second policy beside the role's.
    (fn.node.defaultChild as CfnFunction).tracingConfig = { mode: 'Active' };
  }
  acknowledge(fn, {
    'Serverless-LambdaDLQ': spec.consumes
      ? 'It is invoked by a queue, which has a dead-letter queue of its own or is one.'
      : 'It is invoked by API Gateway, which waits for its answer: nothing is left to be put aside.',
  });
  if (spec.consumes) {
    const source = new EventSourceMapping(scope, `${id}Source`, {
      target: fn,
      eventSourceArn: surroundings.queues[spec.consumes].queueArn,
      // A FIFO batch may mix groups, and one message in flight blocks its group: a batch would tie sessions together.
      batchSize: 1,
      reportBatchItemFailures: true,
      ...(name === 'turn' && turnPolling(props)),
    });
    acknowledge(source, {
      'Serverless-LambdaEventSourceMappingDestination':
        'Destinations are for streams: a message that keeps failing is moved by its queue’s redrive policy.',
    });
  }
  return fn;
}

function createRole(scope: Construct, id: string, permissions: readonly Permission[]): Role {
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: {
      Function: new PolicyDocument({ statements: permissions.map(({ statement }) => statement) }),
    },
  });
  for (const { statement, wildcard } of permissions) {
    if (wildcard) acknowledgeWildcards(role, statement, wildcard);
  }
  acknowledge(role, {
    'Serverless-LambdaStarPermissions':
      'Its wildcards are the ones that are explained by AwsSolutions-IAM5, resource by resource.',
  });
  return role;
}

/** How many turns run at once, and who fetches them. Lambda takes a maximum concurrency or pollers of one's own. */
function turnPolling(props: MidturnProps): EventSourceMappingOptions {
  const { turnPollers, turnMaxConcurrency, turnReservedConcurrency = Number.POSITIVE_INFINITY } = props;
  if (turnPollers) {
    return { provisionedPollerConfig: { minimumPollers: turnPollers.min, maximumPollers: turnPollers.max } };
  }
  return { maxConcurrency: turnMaxConcurrency ?? Math.min(TURN_CONCURRENCY, turnReservedConcurrency) };
}

const defaultBundles = join(import.meta.dirname, '..', 'dist', 'functions');

/** @throws {SettingError} if nobody has built it. */
function bundle(name: FunctionName, { bundles = defaultBundles }: MidturnProps): string {
  const folder = join(bundles, name);
  if (!existsSync(join(folder, 'index.mjs'))) {
    throw new SettingError(`MIDTURN_BUNDLES: ${folder} has no bundle; npm run build:functions makes it.`);
  }
  return folder;
}
