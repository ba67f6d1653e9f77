import { managementGateway } from '../aws/api-gateway/gateway.ts';
import type { Instruments } from '../aws/cloudwatch/instruments.ts';
import { dynamoStore } from '../aws/dynamodb/store.ts';
import { sqsQueues } from '../aws/sqs/queues.ts';
import { randomId, systemClock } from '../aws/system.ts';
import { readLimits, readRates, readRetention } from '../config/settings/limits.ts';
import { readSessionSettings } from '../config/settings/sessions.ts';
import type { Environment } from '../config/settings/setting.ts';
import type { Core } from '../core/core.ts';
import type { Gateway } from '../core/ports.ts';

const notSet = (name: string) =>
  new Error(`${name} is not set: the stack sets it for each function that needs it.`);

/** Reads a variable that the stack sets. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (!value) throw notSet(name);
  return value;
}

const noAccess = async (): Promise<never> => {
  throw notSet('MIDTURN_MANAGEMENT_ENDPOINT');
};
/** For functions that do not post to connections. */
const noGateway: Gateway = { post: noAccess, disconnect: noAccess };

/** Composes a function's core of the ports on AWS. Call it once per execution environment. */
export const coreOf = (env: Environment, { log, metrics, milestones }: Instruments): Core => ({
  store: dynamoStore(required(env, 'MIDTURN_TABLE_NAME')),
  // Functions that do not use a queue have neither its address nor the permission.
  queues: sqsQueues(env.MIDTURN_TURN_QUEUE_URL ?? '', env.MIDTURN_DEADLINE_QUEUE_URL ?? ''),
  gateway: env.MIDTURN_MANAGEMENT_ENDPOINT
    ? managementGateway(env.MIDTURN_MANAGEMENT_ENDPOINT, metrics)
    : noGateway,
  clock: systemClock,
  newId: randomId,
  log,
  metrics,
  milestones,
  limits: readLimits(env),
  sessionSettings: readSessionSettings(env),
  rates: readRates(env),
  retention: readRetention(env),
});
