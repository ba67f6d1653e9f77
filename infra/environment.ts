import type { Construct } from 'constructs';
import type { FunctionName } from '../config/function-names.ts';
import { FUNCTIONS } from './function-table.ts';
import { nameOf } from './name.ts';
import type { PlainProps } from './plain-props.ts';
import { sendsOf } from './sends.ts';
import { settingsFor } from './settings.ts';
import type { Surroundings } from './surroundings.ts';

/** A function's environment variables: the resources that it uses, and its settings. */
export function environmentOf(
  scope: Construct,
  name: FunctionName,
  props: PlainProps,
  { table, queues, files, managementEndpoint }: Surroundings,
): Record<string, string> {
  const spec = FUNCTIONS[name];
  const variables: Record<string, string> = {};
  if (spec.table.length > 0) variables.MIDTURN_TABLE_NAME = table.tableName;
  if (files && spec.files.length > 0) variables.MIDTURN_FILES_BUCKET = files.bucketName;
  const sends = sendsOf(name, props);
  if (sends.includes('turn')) variables.MIDTURN_TURN_QUEUE_URL = queues.turn.queueUrl;
  if (sends.includes('deadline')) variables.MIDTURN_DEADLINE_QUEUE_URL = queues.deadline.queueUrl;
  if (sends.includes('deadTurn')) variables.MIDTURN_DEAD_TURN_QUEUE_URL = queues.deadTurn.queueUrl;
  if (spec.connections.length > 0) variables.MIDTURN_MANAGEMENT_ENDPOINT = managementEndpoint;
  // Functions emit metrics with this name as a dimension. Dashboard and alarms find the metrics by it.
  if (spec.table.length > 0 || spec.consumes) variables.MIDTURN_STACK = nameOf(scope);
  for (const { setting, text } of settingsFor(name, props)) variables[setting.name] = text;
  return variables;
}
