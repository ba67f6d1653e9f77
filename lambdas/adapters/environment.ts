import type { Core } from '../core/core.ts';
import type { Environment } from '../settings.ts';
import { readLimits, readRates, readRetention } from '../settings.ts';
import { managementGateway } from './api-gateway/gateway.ts';
import { dynamoStore } from './dynamodb/store.ts';
import type { Instruments } from './instruments/instruments.ts';
import { sqsQueues } from './sqs/queues.ts';
import { randomId, systemClock } from './system/system.ts';

/** A variable that the stack sets. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: the stack sets it for each function that needs it.`);
  return value;
}

/** The core of a function: AWS's services behind its ports, made once per environment. */
export const coreOf = (env: Environment, { log, metrics }: Instruments): Core => ({
  store: dynamoStore(required(env, 'MIDTURN_TABLE_NAME')),
  queues: sqsQueues(required(env, 'MIDTURN_TURN_QUEUE_URL'), required(env, 'MIDTURN_DEADLINE_QUEUE_URL')),
  gateway: managementGateway(required(env, 'MIDTURN_MANAGEMENT_ENDPOINT'), metrics),
  clock: systemClock,
  newId: randomId,
  log,
  metrics,
  limits: readLimits(env),
  rates: readRates(env),
  retention: readRetention(env),
});
