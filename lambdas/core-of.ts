import { managementGateway } from '../aws/api-gateway/gateway.ts';
import { errorFields } from '../aws/cloudwatch/error-fields.ts';
import type { Instruments } from '../aws/cloudwatch/instruments.ts';
import { dynamoStore } from '../aws/dynamodb/store.ts';
import { eventBridgeBus } from '../aws/eventbridge/bus.ts';
import { s3Files } from '../aws/s3/files.ts';
import { sqsQueues } from '../aws/sqs/queues.ts';
import { randomId, systemClock } from '../aws/system.ts';
import { readEventBus } from '../config/settings/bus.ts';
import { readLimits, readRates, readRetention } from '../config/settings/limits.ts';
import { readSessionSettings } from '../config/settings/sessions.ts';
import type { Environment } from '../config/settings/setting.ts';
import { milliseconds } from '../config/units.ts';
import type { Core } from '../core/core.ts';
import { asConnectionId } from '../core/ids.ts';
import type { EventBus, Files, Gateway } from '../core/ports.ts';
import { connectionKey } from '../core/store/keys.ts';
import { noSpan } from '../core/tracing.ts';

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

function busOf(env: Environment): { bus?: EventBus } {
  const bus = readEventBus(env);
  return bus === undefined ? {} : { bus: eventBridgeBus({ bus, midturn: required(env, 'MIDTURN_STACK') }) };
}

function filesOf(env: Environment): { files?: Files } {
  const bucket = env.MIDTURN_FILES_BUCKET;
  return bucket ? { files: s3Files(bucket) } : {};
}

/** Composes a function's core of the ports on AWS. Call it once per execution environment. */
export const coreOf = (env: Environment, { log, metrics, milestones }: Instruments): Core => ({
  store: dynamoStore(required(env, 'MIDTURN_TABLE_NAME')),
  // Functions that do not use a queue have neither its address nor the permission.
  queues: sqsQueues(env.MIDTURN_TURN_QUEUE_URL ?? '', env.MIDTURN_DEADLINE_QUEUE_URL ?? ''),
  gateway: env.MIDTURN_MANAGEMENT_ENDPOINT
    ? managementGateway(env.MIDTURN_MANAGEMENT_ENDPOINT, metrics)
    : noGateway,
  ...busOf(env),
  ...filesOf(env),
  clock: systemClock,
  newId: randomId,
  log,
  metrics,
  milestones,
  // Of an invocation: `traced`.
  tracer: noSpan,
  limits: readLimits(env),
  sessionSettings: readSessionSettings(env),
  rates: readRates(env),
  retention: readRetention(env),
});

/** Usual are 50 to 150 ms. What takes longer goes on beside the first invocation. */
const BESIDE_START_MS = milliseconds(1000);
/** API Gateway's ids are longer, so the table never has it. */
const NO_CONNECTION = connectionKey(asConnectionId('-'));

/**
 * For functions that a person waits for: composes the core, and makes the first request to the table while the execution
 * environment starts. It opens the connection and compiles the SDK's code, which takes ten times a later request. Lambda
 * gives an environment two processors while it starts, and a function of 256 MB a seventh of one afterwards
 * (speedrun.nobackspacecrew.com, "The Fastest Node 22 Lambda Coldstart Configuration"). It is one read unit.
 */
export async function startCore(env: Environment, instruments: Instruments): Promise<Core> {
  const core = coreOf(env, instruments);
  await besideStart(core, 'the first request to the table failed', core.store.get(NO_CONNECTION));
  return core;
}

/** Work that makes a later invocation quicker. It holds the start up for a second at most. One that fails is only logged. */
export async function besideStart(
  { clock, log }: Pick<Core, 'clock' | 'log'>,
  failure: string,
  work: Promise<unknown>,
): Promise<void> {
  const isOver = new AbortController();
  const done = work.catch((error) => log.warn(failure, errorFields(error)));
  await Promise.race([done, clock.sleep(BESIDE_START_MS, isOver.signal)]);
  isOver.abort();
}
