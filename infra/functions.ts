import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type CfnFunction,
  Code,
  EventSourceMapping,
  type EventSourceMappingOptions,
  type FunctionOptions,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { FunctionName } from '../config/function-names.ts';
import { SettingError } from '../config/settings/setting.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import { readTurnSettings } from '../config/settings/turns.ts';
import { agentCode } from './agent-code.ts';
import { environmentOf } from './environment.ts';
import { FUNCTIONS } from './function-table.ts';
import { createLogGroup } from './log-group.ts';
import { acknowledge, acknowledgeWildcards } from './nag.ts';
import type { Permission } from './permission.ts';
import { permissionsOf } from './permissions.ts';
import type { PlainProps } from './plain-props.ts';
import { queueOf } from './queues.ts';
import { toEnvironment } from './settings.ts';
import type { Surroundings } from './surroundings.ts';

/** `send` is there with `outsideMessages`, `http` with `httpApi`. */
export type Functions = Readonly<Record<Exclude<FunctionName, 'send' | 'http'>, LambdaFunction>> & {
  readonly send?: LambdaFunction;
  readonly http?: LambdaFunction;
};

/** An account has 1,000 execution environments and 10,000 requests a second: this leaves most of them to the other functions. */
const TURN_CONCURRENCY = 200;

export function turnTimeout(props: PlainProps): Duration {
  return Duration.seconds(readTurnSettings(toEnvironment(props)).turnTimeoutSeconds);
}

/** The functions of the function table. Each has its own log group, role and environment. */
export function createFunctions(scope: Construct, props: PlainProps, surroundings: Surroundings): Functions {
  const create = (name: FunctionName) => createFunction(scope, name, props, surroundings);
  return {
    authorizer: create('authorizer'),
    connection: create('connection'),
    inbound: create('inbound'),
    turn: create('turn'),
    deadline: create('deadline'),
    redrive: create('redrive'),
    ...((props.outsideMessages ?? STACK_SETTINGS.outsideMessages.default) && { send: create('send') }),
    ...((props.httpApi ?? STACK_SETTINGS.httpApi.default) && { http: create('http') }),
  };
}

function createFunction(
  scope: Construct,
  name: FunctionName,
  props: PlainProps,
  surroundings: Surroundings,
): LambdaFunction {
  const spec = FUNCTIONS[name];
  const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const logGroup = createLogGroup(scope, `${id}Logs`, props);
  const role = createRole(scope, `${id}Role`, permissionsOf(scope, name, props, surroundings, logGroup));
  const reserved = name === 'turn' ? props.turnReservedConcurrency : undefined;
  const fn = new LambdaFunction(scope, `${id}Function`, {
    description: `Midturn: ${spec.description}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: codeOf(name, props),
    handler: 'index.handler',
    memorySize: spec.memoryMb,
    timeout: spec.timeout === 'turn' ? turnTimeout(props) : spec.timeout,
    environment: environmentOf(scope, name, props, surroundings),
    role,
    logGroup,
    ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
    ...network(props),
    // Turns that wait for each other send jobs through the queue again and again. Lambda would take that for an endless loop
    // and stop it after 16 rounds.
    ...(spec.consumes && { recursiveLoop: RecursiveLoop.ALLOW }),
  });
  if (spec.spans && (props.tracing ?? STACK_SETTINGS.tracing.default)) {
    // Not with the construct's own prop, which would add a second policy to the role.
    (fn.node.defaultChild as CfnFunction).tracingConfig = { mode: 'Active' };
  }
  if (!spec.spans) {
    acknowledge(fn, {
      'Serverless-LambdaTracing':
        'It sends no spans, and strangers invoke it with tracing headers of their own.',
    });
  }
  if (spec.deadLetters) {
    const targetArn = queueOf(surroundings.queues, spec.deadLetters).queueArn;
    (fn.node.defaultChild as CfnFunction).deadLetterConfig = { targetArn };
  } else {
    acknowledge(fn, {
      'Serverless-LambdaDLQ': spec.consumes
        ? 'It is invoked by a queue, which has a dead-letter queue of its own or is one.'
        : 'It is invoked by API Gateway, which waits for its answer: no event is left over.',
    });
  }
  if (spec.consumes) {
    const source = new EventSourceMapping(scope, `${id}Source`, {
      target: fn,
      eventSourceArn: queueOf(surroundings.queues, spec.consumes).queueArn,
      // A batch can mix message groups, and a message in flight blocks its group: with batches, sessions would block each other.
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

/** How many turns run at the same time, and who polls the queue. Lambda accepts a maximum concurrency or provisioned pollers. */
function turnPolling(props: PlainProps): EventSourceMappingOptions {
  const { turnPollers, turnMaxConcurrency, turnReservedConcurrency = Number.POSITIVE_INFINITY } = props;
  if (turnPollers) {
    return { provisionedPollerConfig: { minimumPollers: turnPollers.min, maximumPollers: turnPollers.max } };
  }
  return { maxConcurrency: turnMaxConcurrency ?? Math.min(TURN_CONCURRENCY, turnReservedConcurrency) };
}

function network({
  vpc,
  vpcSubnets,
  securityGroups,
}: PlainProps): Pick<FunctionOptions, 'vpc' | 'vpcSubnets' | 'securityGroups'> {
  if (!vpc && (vpcSubnets || securityGroups)) {
    throw new SettingError('vpc is not set: vpcSubnets and securityGroups need it.');
  }
  return {
    ...(vpc && { vpc }),
    ...(vpcSubnets && { vpcSubnets }),
    ...(securityGroups && { securityGroups }),
  };
}

const defaultBundles = join(import.meta.dirname, '..', 'dist', 'functions');

/** The bundle that was built before, or the turn function with the team's agent, which is bundled now. */
function codeOf(name: FunctionName, props: PlainProps): Code {
  return name === 'turn' && props.agent !== undefined
    ? agentCode(props.agent, toEnvironment(props))
    : Code.fromAsset(bundle(name, props), { exclude: ['*.map'] });
}

/** @throws {SettingError} if the bundle was not built */
function bundle(name: FunctionName, { bundles = defaultBundles }: PlainProps): string {
  const folder = join(bundles, name);
  if (!existsSync(join(folder, 'index.mjs'))) {
    throw new SettingError(
      name === 'turn' && bundles === defaultBundles
        ? `agent is not set: name the module that exports the agent, such as 'agent/agent.ts'. (${folder} has no bundle, which npm run build:functions makes in a clone of Midturn.)`
        : `${STACK_SETTINGS.bundles.name}: ${folder} has no bundle; npm run build:functions makes it.`,
    );
  }
  return folder;
}
