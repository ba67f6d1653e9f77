import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { FunctionSpec } from './function-table.ts';
import type { Surroundings } from './functions.ts';
import { mcpPermissions, modelPermissions, tokensPermissions } from './model-access.ts';
import type { MidturnProps } from './props.ts';
import { tableKeyStatement } from './table.ts';

export interface Permission {
  statement: PolicyStatement;
  /** Why a resource of it has a `*`, where one has. */
  wildcard?: string;
}

/** All that a function's role allows: its row of the function table, on exactly these resources. */
export function permissionsOf(
  scope: Construct,
  spec: FunctionSpec,
  props: MidturnProps,
  { table, queues, connectionsArns }: Surroundings,
  logGroup: LogGroup,
): Permission[] {
  const allowed: Permission[] = [];
  const allow = (actions: string[], resources: string[], wildcard?: string) => {
    if (actions.length === 0 || resources.length === 0) return;
    allowed.push({ statement: new PolicyStatement({ actions, resources }), ...(wildcard && { wildcard }) });
  };
  allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]);
  if (props.tracing ?? true) {
    allow(
      ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      ['*'],
      'X-Ray has no resources: its actions take * alone.',
    );
  }
  allow(
    spec.table.map((action) => `dynamodb:${action}`),
    [table.tableArn],
  );
  if (spec.table.length > 0 && props.tableKeyArn) {
    allowed.push({ statement: tableKeyStatement(scope, props.tableKeyArn) });
  }
  allow(
    ['sqs:SendMessage'],
    spec.sends.map((queue) => queues[queue].queueArn),
  );
  if (spec.consumes) {
    allow(
      [
        'sqs:ReceiveMessage',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        ...(spec.holdsMessage ? ['sqs:ChangeMessageVisibility'] : []),
      ],
      [queues[spec.consumes].queueArn],
    );
  }
  if (spec.connections.length > 0) {
    allow(
      ['execute-api:ManageConnections'],
      spec.connections.map((method) => connectionsArns[method]),
      'Connections come and go: every one of this API and stage, by one method.',
    );
  }
  if (spec.callsModel) allowed.push(...modelPermissions(scope, props), ...mcpPermissions(scope, props));
  if (spec.authorizes) allowed.push(...tokensPermissions(scope, props));
  return allowed;
}
