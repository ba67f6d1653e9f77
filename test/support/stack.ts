import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Principal } from '../../core/store/items.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/cloud.ts';
import { TEST_BUNDLES } from './bundles.ts';
import type { Script } from './model-server.ts';
import { expectPromisesKept } from './promises.ts';
import { type Scripted, type ScriptedModel, startScriptedModel } from './scripted-model.ts';
import { ANONYMOUS, readStored, type Stored } from './stored.ts';
import { type ConnectOptions, connect, type WsClient } from './ws-client.ts';

export interface StackOptions {
  /** Over the scripted model and auth `none`. */
  settings?: Readonly<Record<string, string>>;
  gatewayLimits?: LocalCloudOptions['gatewayLimits'];
  /** Bundles of other functions than the project's: their folder. */
  bundles?: () => Promise<string>;
  /** Origins of pages that may use it, beside its own page. */
  origins?: LocalCloudOptions['origins'];
  /** What Secrets Manager holds. */
  secrets?: LocalCloudOptions['secrets'];
  pollerRamp?: LocalCloudOptions['pollerRamp'];
  /** A team's app, in the place of this project's own. */
  app?: LocalCloudOptions['app'];
}

export interface ClientOptions extends ConnectOptions {
  /** Beside `session_id`: `token`, `name`. */
  query?: Readonly<Record<string, string>>;
  /** Whom the connection proves to be. Default: nobody has to prove anything. */
  principal?: Principal;
}

/** The product on a local cloud, with a scripted model behind it. */
export interface Stack {
  readonly cloud: LocalCloud;
  readonly model: ScriptedModel;
  readonly stored: Stored;
  /** What functions and cloud have logged since it was last taken. */
  takeLog(): string[];
  connect(sessionId: string, options?: ClientOptions): Promise<WsClient>;
  /** Checks what every client must have seen (P3, P9, P13), and closes them all. */
  settleClients(): Promise<void>;
  close(): Promise<void>;
}

/** A burst of frames shall not start an environment for each: two cores run them no faster. */
const MAX_ENVIRONMENTS = 6;

export async function startStack({
  settings,
  gatewayLimits,
  secrets,
  origins,
  bundles,
  pollerRamp,
  app,
}: StackOptions = {}): Promise<Stack> {
  const model = await startScriptedModel();
  const log: string[] = [];
  const cloud = await startLocalCloud({
    settings: {
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: model.baseUrl,
      ...settings,
    },
    ...(gatewayLimits && { gatewayLimits }),
    ...(secrets && { secrets }),
    ...(pollerRamp && { pollerRamp }),
    ...(origins && { origins }),
    ...(app && { app }),
    bundles: bundles ? await bundles() : TEST_BUNDLES,
    maxEnvironments: MAX_ENVIRONMENTS,
    log: ({ level, source, text }) => log.push(`${level} ${source}: ${text}`),
  });
  const stored = readStored(cloud.dynamodb);
  const clients: { client: WsClient; sessionId: string; principal: Principal }[] = [];

  return {
    cloud,
    model,
    stored,
    takeLog: () => log.splice(0),
    async connect(sessionId, { query = {}, principal = ANONYMOUS, ...options } = {}) {
      const parameters = new URLSearchParams({ session_id: sessionId, ...query });
      const client = await connect(`${cloud.url}?${parameters}`, options);
      clients.push({ client, sessionId, principal });
      return client;
    },
    async settleClients() {
      const open = clients.splice(0);
      for (const { client, ...where } of open) await expectPromisesKept(client, { stored, ...where });
      await Promise.all(open.map(({ client }) => client.close()));
    },
    async close() {
      await cloud.close();
      await model.close();
      stored.close();
    },
  };
}

/** What the tests of one file share: a stack of their own, a script and a session for each test. */
export interface SharedStack extends Pick<Stack, 'connect'> {
  readonly stored: Stored;
  readonly cloud: LocalCloud;
  script(script: Script): Scripted;
  /** The id of a session that no other test knows. */
  newSession(): string;
  /** What functions and cloud have logged since it was last taken. */
  takeLog(): string[];
}

/**
 * Starts a stack before the tests of this file or `describe`; after each of them every client's promises are checked.
 * @param options a function of them, where they are known only when earlier hooks have run
 */
export function givenStack(options: StackOptions | (() => StackOptions) = {}): SharedStack {
  let running: Stack | undefined;
  let sessions = 0;
  const stack = (): Stack => {
    if (!running) throw new Error('the stack runs inside tests only');
    return running;
  };
  beforeAll(async () => {
    running = await startStack(typeof options === 'function' ? options() : options);
  });
  afterEach(async ({ task }) => {
    const log = running?.takeLog() ?? [];
    // Without it, a failure in a function would be a riddle.
    if (task.result?.state === 'fail') console.error(log.join('\n'));
    await running?.settleClients();
  });
  afterAll(() => running?.close());
  return {
    get stored() {
      return stack().stored;
    },
    get cloud() {
      return stack().cloud;
    },
    connect: (sessionId, clientOptions) => stack().connect(sessionId, clientOptions),
    script: (script) => stack().model.script(script),
    takeLog: () => stack().takeLog(),
    newSession: () => `session-${++sessions}`,
  };
}
