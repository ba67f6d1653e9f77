import { Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { MODEL_SETTINGS, readModels } from '../config/settings.ts';
import type { FunctionSpec } from './function-table.ts';
import type { Surroundings } from './functions.ts';
import type { MidturnProps } from './props.ts';
import { type FunctionSetting, toEnvironment } from './settings.ts';

/** A function's variables: where its surroundings are, and those of its settings that were chosen. */
export function environmentOf(
  scope: Construct,
  spec: FunctionSpec,
  props: MidturnProps,
  { table, queues, managementEndpoint }: Surroundings,
): Record<string, string> {
  const variables: Record<string, string> = {};
  if (spec.table.length > 0) variables.MIDTURN_TABLE_NAME = table.tableName;
  if (spec.sends.includes('turn')) variables.MIDTURN_TURN_QUEUE_URL = queues.turn.queueUrl;
  if (spec.sends.includes('deadline')) variables.MIDTURN_DEADLINE_QUEUE_URL = queues.deadline.queueUrl;
  if (spec.sends.includes('deadTurn')) variables.MIDTURN_DEAD_TURN_QUEUE_URL = queues.deadTurn.queueUrl;
  if (spec.connections.length > 0) variables.MIDTURN_MANAGEMENT_ENDPOINT = managementEndpoint;
  // The dimension of the metrics that it emits, by which dashboard and alarms find them.
  if (spec.table.length > 0) variables.MIDTURN_STACK = Stack.of(scope).stackName;
  const settings = toEnvironment(props);
  const unused = unusedSettings(props);
  for (const setting of spec.settings) {
    const value = settings[setting];
    if (value !== undefined && !unused.has(setting)) variables[setting] = value;
  }
  return variables;
}

/** Of another provider or way to authorize than the chosen one: a function may not read that secret either. */
function unusedSettings(props: MidturnProps): ReadonlySet<FunctionSetting> {
  const unused = new Set<FunctionSetting>();
  const models = readModels(toEnvironment(props));
  for (const [i, setting] of MODEL_SETTINGS.entries()) {
    const provider = models[i]?.choice.provider;
    if (provider === 'openai-compatible' || provider === 'anthropic') continue;
    unused.add(`${setting}_API_KEY`).add(`${setting}_API_KEY_SECRET`).add(`${setting}_BASE_URL`);
  }
  if (props.auth !== 'tokens') unused.add('MIDTURN_TOKENS').add('MIDTURN_TOKENS_SECRET');
  if (props.auth !== 'jwt') {
    unused.add('MIDTURN_JWT_ISSUER').add('MIDTURN_JWT_AUDIENCE');
    unused.add('MIDTURN_JWT_JWKS_URI').add('MIDTURN_JWT_TENANT_CLAIM');
  }
  return unused;
}
