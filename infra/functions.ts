import { join } from 'node:path';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  EventSourceMapping,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { readTurnSettings } from '../lambdas/settings.ts';
import { FUNCTIONS, type FunctionName, type FunctionSpec } from './function-table.ts';
import { modelStatements, secretStatement } from './model-access.ts';
import type { Queues } from './queues.ts';
import { type MidturnProps, toEnvironment } from './settings.ts';

/** What the functions act on. */
export interface Surroundings {
  table: Table;
  queues: Queues;
  /** ARN pattern of this API's and stage's connections. */
  connectionsArns: string[];
  managementEndpoint: string;
}

export type Functions = Readonly<Record<FunctionName, LambdaFunction>>;

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
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    retention: (props.logRetentionDays ?? 30) as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: {
      Function: new PolicyDocument({
        statements: [
          new PolicyStatement({
            actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            resources: [logGroup.logGroupArn],
          }),
          ...statements(scope, name, spec, props, surroundings),
        ],
      }),
    },
  });
  const fn = new LambdaFunction(scope, `${id}Function`, {
    description: `Midturn: ${spec.description}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: Code.fromAsset(join(props.bundles ?? defaultBundles, name), { exclude: ['*.map'] }),
    handler: 'index.handler',
    memorySize: spec.memoryMb,
    timeout: spec.timeout === 'turn' ? turnTimeout(props) : spec.timeout,
    environment: environment(spec, props, surroundings),
    role,
    logGroup,
    // Turns that wait for one another pass tokens on through the queue, which Lambda would take for a runaway loop
    // and cut after 16 rounds.
    ...(spec.consumes && { recursiveLoop: RecursiveLoop.ALLOW }),
  });
  if (spec.consumes) {
    new EventSourceMapping(scope, `${id}Source`, {
      target: fn,
      eventSourceArn: surroundings.queues[spec.consumes].queueArn,
      // A FIFO batch may mix groups, and one message in flight blocks its group: a batch would tie sessions together.
      batchSize: 1,
      reportBatchItemFailures: true,
    });
  }
  return fn;
}

const defaultBundles = join(import.meta.dirname, '..', 'dist', 'functions');

function statements(
  scope: Construct,
  name: FunctionName,
  spec: FunctionSpec,
  props: MidturnProps,
  { table, queues, connectionsArns }: Surroundings,
): PolicyStatement[] {
  const allowed: PolicyStatement[] = [];
  const allow = (actions: string[], resources: string[]) => {
    if (actions.length > 0 && resources.length > 0) allowed.push(new PolicyStatement({ actions, resources }));
  };
  allow(
    spec.table.map((action) => `dynamodb:${action}`),
    [table.tableArn],
  );
  allow(
    ['sqs:SendMessage'],
    spec.sends.map((queue) => queues[queue].queueArn),
  );
  if (spec.consumes) {
    allow(
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
      [queues[spec.consumes].queueArn],
    );
  }
  if (spec.posts) allow(['execute-api:ManageConnections'], connectionsArns);
  if (spec.callsModel) allowed.push(...modelStatements(scope, props));
  if (name === 'authorizer' && props.auth === 'tokens' && props.tokensSecret) {
    allowed.push(secretStatement(scope, props.tokensSecret));
  }
  return allowed;
}

function environment(
  spec: FunctionSpec,
  props: MidturnProps,
  { table, queues, managementEndpoint }: Surroundings,
): Record<string, string> {
  const variables: Record<string, string> = {};
  if (spec.table.length > 0) variables.MIDTURN_TABLE_NAME = table.tableName;
  if (spec.sends.includes('turn')) variables.MIDTURN_TURN_QUEUE_URL = queues.turn.queueUrl;
  if (spec.sends.includes('deadline')) variables.MIDTURN_DEADLINE_QUEUE_URL = queues.deadline.queueUrl;
  if (spec.sends.includes('deadTurn')) variables.MIDTURN_DEAD_TURN_QUEUE_URL = queues.deadTurn.queueUrl;
  if (spec.posts) variables.MIDTURN_MANAGEMENT_ENDPOINT = managementEndpoint;
  const settings = toEnvironment(props);
  for (const setting of spec.settings) {
    const value = settings[setting];
    if (value !== undefined) variables[setting] = value;
  }
  return variables;
}
