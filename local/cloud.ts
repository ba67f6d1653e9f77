import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { checkSettings } from '../config/settings/check.ts';
import { LOCAL_SETTINGS } from '../config/settings/local.ts';
import { HTTP_SETTINGS } from '../config/settings/stack.ts';
import { LOCAL_DEFAULTS } from '../config/settings/table.ts';
import { readApi } from './api.ts';
import { createAccess, type Permissions } from './aws/access.ts';
import { type AccessKey, newAccessKey } from './aws/access-key.ts';
import { createUpstream } from './aws/forward.ts';
import { createFront } from './aws/front.ts';
import { createLambda } from './aws/lambda.ts';
import type { RealAws } from './aws/real/plan.ts';
import { createRealTables } from './aws/real/tables.ts';
import { readRoles } from './aws/roles.ts';
import { createSecrets } from './aws/secrets.ts';
import { consoleLog } from './console-log.ts';
import { holdDataFolder } from './data-folder.ts';
import { LocalCloudError, messageOf } from './errors.ts';
import type { Ramp } from './event-source.ts';
import { startEventSources } from './event-sources.ts';
import { createEventBridge, type EventBridge } from './eventbridge/event-bridge.ts';
import { asynchronousInvocations } from './functions/asynchronous.ts';
import { createLocalFunctions, type Functions } from './functions/functions.ts';
import { createGateway } from './gateway/gateway.ts';
import { createHttpGateway } from './gateway/http/gateway.ts';
import type { Gateway, GatewayLimits } from './gateway/types.ts';
import { readHttpApi } from './http-api.ts';
import type { Log } from './log.ts';
import { holdOwnBundles } from './own-bundles.ts';
import { createPageHandler } from './page.ts';
import { ROOT } from './places.ts';
import { startQueues } from './queues.ts';
import { openBuckets } from './s3/buckets.ts';
import { synthesizeTemplate } from './synth.ts';
import { localTables, startTables, type TableServer } from './tables.ts';
import { describedIn } from './template/described.ts';
import { readStack } from './template/stack.ts';
import type { Resource, Template } from './template/template.ts';
import { createVisitors } from './visitors.ts';
import { startTraces, type Traces } from './xray.ts';

export interface LocalCloudOptions {
  /** @default 0, any free one */
  port?: number;
  /**
   * Settings of the stack by name. They override the local defaults (`MIDTURN_MODEL=demo`, `MIDTURN_AUTH=none`).
   * `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, which is no setting of the stack, is Bedrock's address for the functions.
   */
  settings?: Readonly<Record<string, string>>;
  /** Content of Secrets Manager: secret strings by name. @default - nothing */
  secrets?: Readonly<Record<string, string>>;
  /** Folder for tables and queues that are kept across restarts. @default - in memory */
  dataDir?: string;
  /** Receives the functions' output and errors. @default - warnings and errors are printed to standard error */
  log?: Log;
  /** Origins of pages that may use it, beside its own page: `http://localhost:5173`. @default - none */
  origins?: readonly string[];
  /** API Gateway's quotas, lowered for tests. */
  gatewayLimits?: Partial<GatewayLimits>;
  /**
   * Folder with the functions' bundles, one folder per function. A test run bundles once for all its clouds. @default - the
   * project's functions are bundled into a folder of this cloud's own
   */
  bundles?: string;
  /** Maximum of execution environments of one function. Further invocations wait. @default 64 */
  maxEnvironments?: number;
  /** An app of somebody else's. @default - the one of this project */
  app?: LocalApp;
  /** What is used of an AWS account. @default - nothing: all is on this machine */
  aws?: RealAws;
  /** How fast event sources reach their concurrency. `LAMBDA_RAMP` is Lambda's. @default - at once */
  pollerRamp?: Ramp;
}

/** A CDK app with a Midturn in it, synthesized for the local cloud. */
export interface LocalApp {
  /** The template for these settings. */
  template(settings: Readonly<Record<string, string>>): Template;
  /** The module that exports the agent. */
  agent: string;
  /** Folder with the page. @default - the one that comes with Midturn */
  page?: string;
  /** Whether a resource is not run. @default - all are */
  leftOut?(resource: Resource): boolean;
}

export interface LocalCloud {
  /** `ws://127.0.0.1:PORT/local` */
  url: string;
  /** `http://127.0.0.1:PORT/` */
  pageUrl: string;
  /** `http://127.0.0.1:PORT`, to which a path such as `/api/sessions` is added. Undefined without `MIDTURN_HTTP`. */
  httpUrl: string | undefined;
  /** `http://127.0.0.1:PORT/local`: the address at which functions, and operators, post to connections and close them. */
  managementEndpoint: string;
  /** Access for operators, without a function's role and with a key of this start, and what a test may ask of the table. */
  dynamodb: { tableName: string } & Pick<
    TableServer,
    'endpoint' | 'credentials' | 'limitWrites' | 'removeExpired'
  >;
  /** Access for operators. */
  sqs: { endpoint: string; credentials: AccessKey; deadlineQueueUrl: string };
  /** The functions' permissions, and the calls that they made. */
  permissions: Permissions;
  functions: Functions;
  /** What its event buses were told, and a refusal of theirs. */
  eventBridge: Pick<EventBridge, 'taken' | 'refuse' | 'lose' | 'settled'>;
  gateway: Gateway;
  /** What functions send to X-Ray, while somebody listens. */
  traces: Pick<Traces, 'listen'>;
  /**
   * Bundles the agent again. Further invocations run the new code, and running turns are handed over to it, as after a deployment.
   * Only of a cloud that bundles by itself.
   * @returns whether the code has changed
   * @throws the bundler's errors; the code stays as it was
   */
  reload(): Promise<boolean>;
  /** Absolute paths of the modules of the agent, as the last build has read them. */
  agentSources(): readonly string[];
  close(): Promise<void>;
}

const STAGE = 'local';
const PAGE_FOLDER = join(ROOT, 'web', 'dist');

/** What every app is synthesized with for the local cloud. */
export const settingsOfTheCloud = (managementEndpoint: string): Record<string, string> => ({
  MIDTURN_STAGE: STAGE,
  MIDTURN_MANAGEMENT_ENDPOINT: managementEndpoint,
});

/** The address of Bedrock, the only service that may be outside this machine. */
export const BEDROCK_ENDPOINT = LOCAL_SETTINGS.bedrockUrl.name;

/**
 * Synthesizes the CDK app and runs its template on this machine: tables, queues, functions in execution environments,
 * event sources, and the WebSocket API with its management API.
 * @throws {SettingError} for an invalid setting
 * @throws {LocalCloudError} for a port in use, or a template that cannot run
 */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const {
    port = 0,
    log = consoleLog({ verbose: false }),
    gatewayLimits = {},
    maxEnvironments = 64,
    secrets = {},
    origins = [],
  } = options;
  const { pollerRamp, aws } = options;
  const dataDir = options.dataDir && resolve(options.dataDir);
  const { [BEDROCK_ENDPOINT]: bedrock, ...given } = options.settings ?? {};
  const settings = {
    ...LOCAL_DEFAULTS,
    ...(origins.length > 0 && { [HTTP_SETTINGS.httpOrigins.name]: origins.join(',') }),
    ...given,
  };
  checkSettings(settings);

  // Closed in reverse order, also if a later part fails to start: first event sources and connections, which start
  // work, then
  // the functions, which are killed, then the services that they used.
  const parts: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const part of parts.splice(0).reverse()) await part();
  };
  try {
    // First, because the functions' environment names the port.
    const entrance = await openEntrance(port);
    parts.push(() => entrance.close());
    if (dataDir) parts.push(await holdDataFolder(dataDir));
    const own = options.bundles === undefined ? await holdOwnBundles(options.app?.agent) : undefined;
    if (own) parts.push(() => own.release());
    const bundles = options.bundles ?? own?.folder ?? '';
    const origin = `http://127.0.0.1:${entrance.port}`;
    const visitors = createVisitors({ port: entrance.port, origins, log });
    const operator = newAccessKey();
    const managementEndpoint = `${origin}/${STAGE}`;
    const asked = { ...settings, MIDTURN_BUNDLES: bundles, ...settingsOfTheCloud(managementEndpoint) };
    const settled = await Promise.allSettled([
      options.app ? options.app.template(asked) : synthesizeTemplate(asked),
      startTables(dataDir && join(dataDir, 'tables'), log, operator),
      startQueues(dataDir && join(dataDir, 'queues'), log, operator),
      own?.build(),
    ]);
    const [synthesized, startedTables, startedQueues, built] = settled;
    for (const started of [startedTables, startedQueues]) {
      if (started.status === 'fulfilled') parts.push(() => started.value.close());
    }
    const template = valueOrThrow(synthesized);
    valueOrThrow(built);
    const tables = valueOrThrow(startedTables);
    const queues = valueOrThrow(startedQueues);
    const midturn = describedIn(template);
    const stack = readStack(template, {
      sqsEndpoint: origin,
      ...(options.app && { unknown: (resource) => nameOnce(resource, log) }),
      ...(options.app?.leftOut && { leftOut: options.app.leftOut }),
      ...(aws && { physicalIds: aws.physicalIds }),
    });
    const named = (text: string) => log({ level: 'error', source: 'stack', text });
    await Promise.all([tables.create(stack), queues.create(stack)]);
    const model = aws?.bedrock ?? (bedrock ? createUpstream(bedrock) : undefined);
    parts.push(async () => {
      // Requests that killed functions left behind are rejected.
      entrance.shut();
      model?.close();
      aws?.tables?.close();
    });

    const access = createAccess(readRoles(stack, options.app && named), log);
    const traces = await startTraces();
    parts.push(() => traces.close());
    const functions = await createLocalFunctions({
      stack,
      endpoints: { AWS_ENDPOINT_URL: origin, ...(model && { [BEDROCK_ENDPOINT]: origin }) },
      access,
      traces,
      maxEnvironments,
      log,
    });
    parts.push(() => functions.close());
    const gateway = createGateway(readApi(stack, functions, access, log), {
      limits: gatewayLimits,
      refusal: visitors.refusal,
      log: (text) => log({ level: 'info', source: 'gateway', text }),
    });
    parts.push(() => gateway.close());
    gateway.attach(entrance.server);
    const http =
      midturn.httpApi === undefined
        ? undefined
        : createHttpGateway(readHttpApi(stack, midturn.httpApi, functions, access, log), (text) =>
            log({ level: 'info', source: 'gateway', text }),
          );
    const asynchronous = asynchronousInvocations({ stack, functions, queues: queues.client, access });
    const lambda = createLambda({ stack, functions, asynchronous, log });
    const eventBridge = createEventBridge({ stack, asynchronous, queues: queues.client, access, log });
    parts.push(async () => {
      await Promise.all([eventBridge.settled(), lambda.settled()]);
    });
    const here = new Set(localTables(stack).map((table) => stack.ref(table)));
    const isHere = (name: string) => here.has(name);
    const front = createFront({
      holderOf: (accessKeyId) => functions.holderOf(accessKeyId),
      access,
      operator,
      services: {
        ...(model && { bedrock: model }),
        dynamodb: tables.handle,
        ...(aws?.tables && { realTables: createRealTables(isHere, aws.tables) }),
        sqs: queues.handle,
        management: (request, response) => gateway.handleManagement(request, response),
        secrets: createSecrets(secrets, aws?.secrets),
        events: eventBridge,
        lambda,
      },
    });
    const buckets = await openBuckets({
      stack,
      folder: dataDir && join(dataDir, 'buckets'),
      access,
      holderOf: (accessKeyId) => functions.holderOf(accessKeyId),
      log,
    });
    parts.push(() => buckets.close());
    const page = createPageHandler(options.app?.page ?? PAGE_FOLDER, `/${STAGE}`, origin);
    entrance.serve((request, response) => {
      const refusal = visitors.refusal(request);
      if (refusal !== undefined) {
        request.resume();
        response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' }).end(refusal);
        return;
      }
      if (buckets.serve(request, response) || front(request, response)) return;
      if (http?.handle(request, response)) return;
      page(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    const sources = startEventSources(stack, functions, queues, access, log, {
      ...(pollerRamp && { ramp: pollerRamp }),
    });
    parts.push(async () => {
      await Promise.all(sources.map((source) => source.stop()));
    });

    const table = stack.withId(midturn.table);
    const deadlines = stack.withId(midturn.deadlineQueue);
    return {
      url: `ws://127.0.0.1:${entrance.port}/${STAGE}`,
      pageUrl: `${origin}/`,
      httpUrl: http && origin,
      managementEndpoint,
      dynamodb: {
        endpoint: tables.endpoint,
        credentials: operator,
        tableName: stack.ref(table),
        limitWrites: tables.limitWrites,
        removeExpired: tables.removeExpired,
      },
      sqs: {
        endpoint: queues.endpoint,
        credentials: operator,
        deadlineQueueUrl: new URL(new URL(stack.ref(deadlines)).pathname, queues.endpoint).href,
      },
      permissions: access,
      functions,
      eventBridge,
      gateway,
      traces,
      async reload() {
        const hasChanged = (await own?.rebuild()) ?? false;
        if (hasChanged) await functions.renew('turn');
        return hasChanged;
      },
      agentSources: () => own?.sources() ?? [],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function nameOnce({ logicalId, type }: { logicalId: string; type: string }, log: Log): void {
  const text =
    type === 'AWS::Lambda::EventSourceMapping'
      ? `The local cloud has no source for ${logicalId}: nothing invokes its function.`
      : `The local cloud has no ${type} (${logicalId}): its names lead nowhere. Code that uses it needs a check, or a stand-in whose address is in a variable of the function.`;
  log({ level: 'error', source: 'stack', text });
}

function valueOrThrow<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

interface Entrance {
  server: Server;
  port: number;
  /** Starts serving. Before, every request is answered with 503. */
  serve(listener: RequestListener): void;
  /** Stops serving: every request is answered with 503, and requests that are being read are cut. */
  shut(): void;
  close(): Promise<void>;
}

/** The one port of the WebSocket API, AWS's services and the page. */
async function openEntrance(port: number): Promise<Entrance> {
  const unavailable: RequestListener = (_, response) => response.writeHead(503).end();
  let serving = unavailable;
  const server = createServer((request, response) => serving(request, response));
  // Longer than an environment is frozen, so that its pooled connections stay valid.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const inUse = 'code' in error && error.code === 'EADDRINUSE';
      reject(
        new LocalCloudError(inUse ? `Port ${port} is in use: set PORT to another, or 0.` : messageOf(error)),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    serve(listener) {
      serving = listener;
    },
    shut() {
      serving = unavailable;
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
