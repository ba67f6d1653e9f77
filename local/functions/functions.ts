import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FUNCTION_NAMES } from '../../config/function-names.ts';
import type { Access } from '../aws/access.ts';
import { type AccessKey, newAccessKey } from '../aws/access-key.ts';
import { type FunctionCaller, functionCaller, type KeyHolder } from '../aws/caller.ts';
import { LocalCloudError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isMap } from '../template/resolve.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import { REGION } from '../world.ts';
import type { Traces } from '../xray.ts';
import { compileRuntime, type EnvironmentSpec } from './environment.ts';
import { type EnvironmentState, FunctionPool } from './pool.ts';
import { createTelemetry } from './telemetry.ts';

interface FunctionState {
  /** The name of its bundle, e.g. `turn`. */
  name: string;
  environments: EnvironmentState[];
}

/** A finished invocation. */
export interface Invocation {
  /** The function's name. */
  function: string;
  /** Duration from the event to the answer, without the environment's start. */
  ms: number;
  memoryMb: number;
  /** X-Ray traces it. */
  traced: boolean;
}

/** The template's functions, by the names of their bundles. */
export interface Functions {
  list(): FunctionState[];
  /** Invokes a function and returns its result. @throws {FunctionError} as Lambda reports it */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Runs further invocations of a function in its code as it is now; running ones are told to hand over. */
  renew(name: string): Promise<void>;
  /** Kills one execution environment. Returns whether there was one. */
  kill(environmentId: string): Promise<boolean>;
  /** Calls the observer after every invocation. @returns a function that stops it */
  onInvocation(listener: (invocation: Invocation) => void): () => void;
}

export interface FunctionPools extends Functions {
  pool(resource: StackResource): FunctionPool;
  /** The function as a caller of AWS services. */
  caller(resource: StackResource): FunctionCaller;
  /** Returns the function with this access key. */
  holderOf(accessKeyId: string): KeyHolder | undefined;
  close(): Promise<void>;
}

export interface FunctionsOptions {
  stack: Stack;
  /** Addresses of AWS services: each function's `AWS_ENDPOINT_URL…`. */
  endpoints: Readonly<Record<`AWS_ENDPOINT_URL${string}`, string>>;
  access: Access;
  /** Of functions that X-Ray traces. */
  traces: Pick<Traces, 'daemon' | 'header'>;
  maxEnvironments: number;
  log: Log;
}

/** A function with a time limit of at most this gets few environments: its invocations rather wait for a busy one. */
const SHORT_SECONDS = 30;
const SHORT_ENVIRONMENTS = 4 * availableParallelism();

export async function createLocalFunctions({
  stack,
  endpoints,
  access,
  traces,
  maxEnvironments,
  log,
}: FunctionsOptions): Promise<FunctionPools> {
  const runtime = await compileRuntime();
  const pools = new Map<string, FunctionPool>();
  const byName = new Map<string, FunctionPool>();
  const callers = new Map<string, FunctionCaller>();
  const holders = new Map<string, KeyHolder>();
  const observers = new Set<(invocation: Invocation) => void>();
  for (const resource of stack.ofType('AWS::Lambda::Function')) {
    // Its own, so that a request's key identifies its caller.
    const key = newAccessKey();
    const traced = resource.properties.nested('TracingConfig').optionalText('Mode') === 'Active';
    const spec = readSpec(stack, resource, key, {
      ...endpoints,
      ...(traced && { AWS_XRAY_DAEMON_ADDRESS: traces.daemon }),
    });
    if (traced) spec.trace = traces.header;
    const reservedConcurrency = resource.properties.number('ReservedConcurrentExecutions');
    const caller = functionCaller(stack, resource, spec.name);
    callers.set(resource.logicalId, caller);
    holders.set(key.accessKeyId, { caller, secretAccessKey: key.secretAccessKey });
    const telemetry = createTelemetry({
      access,
      caller,
      logGroupName: spec.logGroupName,
      traced,
      print(text) {
        for (const line of text.trimEnd().split('\n')) log({ level: 'info', source: spec.name, text: line });
      },
    });
    const isShort = spec.timeoutSeconds <= SHORT_SECONDS;
    const pool = new FunctionPool(spec, {
      maxEnvironments: isShort ? Math.min(maxEnvironments, SHORT_ENVIRONMENTS) : maxEnvironments,
      runtime,
      ...(reservedConcurrency !== undefined && { reservedConcurrency }),
      ...telemetry,
      onInvoked(environmentId, ms) {
        telemetry.onInvoked(environmentId);
        const invocation = { function: spec.name, ms, memoryMb: spec.memoryMb, traced };
        for (const listener of observers) listener(invocation);
      },
    });
    pools.set(resource.logicalId, pool);
    byName.set(spec.name, pool);
  }
  return {
    list: () => [...byName].map(([name, pool]) => ({ name, environments: pool.environments() })),
    async invoke(name, event) {
      const pool = byName.get(name);
      if (!pool) throw new LocalCloudError(`There is no function ${name}.`);
      return pool.invoke(event);
    },
    async renew(name) {
      await byName.get(name)?.renew();
    },
    async kill(environmentId) {
      const killed = await Promise.all([...byName.values()].map((pool) => pool.kill(environmentId)));
      return killed.includes(true);
    },
    onInvocation(listener) {
      observers.add(listener);
      return () => {
        observers.delete(listener);
      };
    },
    pool({ logicalId }) {
      const pool = pools.get(logicalId);
      if (!pool) throw new LocalCloudError(`${logicalId} is no function.`);
      return pool;
    },
    caller(resource) {
      const caller = callers.get(resource.logicalId);
      if (!caller) throw new LocalCloudError(`${resource.logicalId} is no function.`);
      return caller;
    },
    holderOf: (accessKeyId) => holders.get(accessKeyId),
    async close() {
      await Promise.all([...byName.values()].map((pool) => pool.close()));
    },
  };
}

function readSpec(
  stack: Stack,
  resource: StackResource,
  key: AccessKey,
  endpoints: Readonly<Record<string, string>>,
): EnvironmentSpec {
  const { logicalId, properties, metadata } = resource;
  const folder = metadata['aws:asset:path'];
  if (typeof folder !== 'string' || !isAbsolute(folder)) {
    throw new LocalCloudError(`${logicalId}: the template does not say where its code is.`);
  }
  const handler = properties.text('Handler');
  const dot = handler.lastIndexOf('.');
  const functionName = stack.ref(resource);
  const memoryMb = properties.number('MemorySize') ?? 128;
  const logGroupName =
    properties.nested('LoggingConfig').optionalText('LogGroup') ?? `/aws/lambda/${functionName}`;
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(properties.nested('Environment').nested('Variables').all)) {
    if (isMap(value) || Array.isArray(value) || value === null) {
      throw new LocalCloudError(`${logicalId}: variable ${name} is not a string.`);
    }
    variables[name] = String(value);
  }
  return {
    name: nameOf(folder, logicalId),
    functionName,
    arn: stack.attribute(resource, 'Arn'),
    bundle: pathToFileURL(moduleAt(join(folder, handler.slice(0, dot)))).href,
    exportName: handler.slice(dot + 1),
    memoryMb,
    timeoutSeconds: properties.number('Timeout') ?? 3,
    logGroupName,
    variables: {
      ...runtimeVariables({
        key,
        folder,
        handler,
        functionName,
        memoryMb,
        logGroupName,
      }),
      ...endpoints,
      ...variables,
    },
  };
}

/** Our functions are called by the folders of their bundles, a user's own by their logical ids: their folders are hashes. */
const nameOf = (folder: string, logicalId: string): string =>
  FUNCTION_NAMES.some((name) => name === basename(folder)) ? basename(folder) : logicalId;

/** In the order in which Lambda's runtime looks for a handler's module. */
const moduleAt = (path: string): string =>
  ['.js', '.mjs', '.cjs'].map((extension) => path + extension).find((file) => existsSync(file)) ??
  `${path}.mjs`;

/** Source: "Defined runtime environment variables", AWS Lambda developer guide. */
function runtimeVariables(about: {
  key: AccessKey;
  folder: string;
  handler: string;
  functionName: string;
  memoryMb: number;
  logGroupName: string;
}): Record<string, string> {
  return {
    _HANDLER: about.handler,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: about.functionName,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(about.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: about.logGroupName,
    LAMBDA_TASK_ROOT: about.folder,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    AWS_ACCESS_KEY_ID: about.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: about.key.secretAccessKey,
    AWS_SESSION_TOKEN: 'local',
    // On AWS a function finds no developer's configuration, so it does not find one here.
    AWS_CONFIG_FILE: `${about.folder}/no-aws-config`,
    AWS_SHARED_CREDENTIALS_FILE: `${about.folder}/no-aws-credentials`,
  };
}
