import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { FunctionName } from '../config/function-names.ts';
import { BUS_SETTINGS } from '../config/settings/bus.ts';
import { secretNamesIn } from '../config/settings/models.ts';
import type { Setting } from '../config/settings/setting.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import { eventBusArn } from './event-bus.ts';
import { filesKeyStatement } from './files.ts';
import { FUNCTIONS } from './function-table.ts';
import { bedrockPermissions, secretPermission } from './model-access.ts';
import type { Permission } from './permission.ts';
import type { PlainProps } from './plain-props.ts';
import { queueOf } from './queues.ts';
import { sendsOf } from './sends.ts';
import { settingsFor } from './settings.ts';
import type { Surroundings } from './surroundings.ts';
import { tableKeyStatement } from './table.ts';

/** The secrets that a setting names. */
function secretsOf({ kind }: Setting, text: string): string[] {
  switch (kind) {
    case 'secret name':
      return [text];
    case 'secret names':
      return [...secretNamesIn(text).values()];
    default:
      return [];
  }
}

/** Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Lambda uses the role for these actions, and the function's code has the role too: it is denied them. Only requests of the code
 * have the key. A role cannot name its own function, which needs the role first: the pattern is of all functions here.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 * and https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
 */
function networkDenial(scope: Construct): PolicyStatement {
  const functions = Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return new PolicyStatement({
    effect: Effect.DENY,
    actions: NETWORK_ACTIONS,
    resources: ['*'],
    conditions: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
  });
}

/** All that a function's role allows: what its row of the function table says, on exactly these resources, and its secrets. */
export function permissionsOf(
  scope: Construct,
  name: FunctionName,
  props: PlainProps,
  { table, queues, files, connectionsArns }: Surroundings,
  logGroup: LogGroup,
): Permission[] {
  const spec = FUNCTIONS[name];
  const settings = settingsFor(name, props);
  const allowed: Permission[] = [];
  const allow = (actions: string[], resources: string[], wildcard?: string) => {
    if (actions.length === 0 || resources.length === 0) return;
    allowed.push({ statement: new PolicyStatement({ actions, resources }), ...(wildcard && { wildcard }) });
  };
  allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]);
  if (props.vpc) {
    allow(
      NETWORK_ACTIONS,
      ['*'],
      'Lambda makes a function’s network interfaces, which have no names before: it accepts only *.',
    );
    allowed.push({ statement: networkDenial(scope) });
  }
  if (spec.spans && (props.tracing ?? STACK_SETTINGS.tracing.default)) {
    allow(
      ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      ['*'],
      'X-Ray has no resources: its actions accept only *.',
    );
  }
  allow(
    spec.table.map((action) => `dynamodb:${action}`),
    [table.tableArn],
  );
  if (spec.table.length > 0 && props.tableKeyArn) {
    allowed.push({ statement: tableKeyStatement(scope, props.tableKeyArn) });
  }
  if (files && spec.files.length > 0) {
    allow(
      spec.files.map((action) => `s3:${action}`),
      [files.arnForObjects('*')],
      'The files of all sessions: each has a name of its own.',
    );
    const [reads, puts] = [spec.files.includes('GetObject'), spec.files.includes('PutObject')];
    if (props.tableKeyArn && (reads || puts))
      allowed.push({ statement: filesKeyStatement(scope, props.tableKeyArn, { reads, puts }) });
  }
  allow(
    ['sqs:SendMessage'],
    [...sendsOf(name, props), ...(spec.deadLetters ? [spec.deadLetters] : [])].map(
      (queue) => queueOf(queues, queue).queueArn,
    ),
  );
  if (spec.consumes) {
    allow(
      [
        'sqs:ReceiveMessage',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        ...(spec.holdsMessage ? ['sqs:ChangeMessageVisibility'] : []),
      ],
      [queueOf(queues, spec.consumes).queueArn],
    );
  }
  if (spec.connections.length > 0) {
    allow(
      ['execute-api:ManageConnections'],
      spec.connections.map((method) => connectionsArns[method]),
      'Connections have no lasting names: all of this API and stage, by one method.',
    );
  }
  const bus = settings.find(({ setting }) => setting === BUS_SETTINGS.eventBus);
  if (bus) allow(['events:PutEvents'], [eventBusArn(scope, bus.text)]);
  if (spec.callsModel) allowed.push(...bedrockPermissions(scope, props));
  const secrets = settings.flatMap(({ setting, text }) => secretsOf(setting, text));
  for (const secret of new Set(secrets)) {
    allowed.push(secretPermission(scope, secret));
  }
  return allowed;
}
