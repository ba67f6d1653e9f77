import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Stack, type StackOptions, startStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';
import { type ProviderServer, type Reply, type SeenCall, startProviderServer } from './provider-server.ts';
import type { Wire } from './wires/wire.ts';

/** The product on a local cloud whose model is a provider on loopback. */
export interface ProvidedStack {
  readonly cloud: Stack['cloud'];
  script(replies: readonly Reply[]): readonly SeenCall[];
  newSession(): string;
  connect(session: string): Promise<WsClient>;
  readonly stored: Stack['stored'];
  /** What functions and cloud have logged since the test began. */
  log(): string;
  /** What the provider would not have taken since it was last asked: a test that expects none fails otherwise. */
  takeComplaints(): string[];
}

/** The last model call in a row that a user set off must answer: see `MIDTURN_MAX_STEPS`. */
export const MAX_STEPS = 3;

type Settings = Readonly<Record<string, string>>;

/** Starts one for the tests of this `describe`; after each, every client's promises are checked. */
export function givenProvider(
  wire: Wire,
  settings: Settings | (() => Settings) = {},
  options: Pick<StackOptions, 'bundles'> = {},
): ProvidedStack {
  let provider: ProviderServer | undefined;
  let stack: Stack | undefined;
  let logged: string[] = [];
  let sessions = 0;
  const running = <T>(part: T | undefined): T => {
    if (!part) throw new Error('the stack runs inside tests only');
    return part;
  };
  const log = () => {
    logged.push(...running(stack).takeLog());
    return logged.join('\n');
  };
  beforeAll(async () => {
    provider = await startProviderServer(wire);
    stack = await startStack({
      ...options,
      settings: {
        MIDTURN_MODEL: `${wire.name}:${wire.model}`,
        MIDTURN_MAX_STEPS: String(MAX_STEPS),
        ...wire.settings(provider.origin),
        ...(typeof settings === 'function' ? settings() : settings),
      },
    });
  });
  afterEach(async ({ task }) => {
    if (!stack || !provider) return;
    // Without it, a failure in a function would be a riddle.
    if (task.result?.state === 'fail') console.error(log(), provider.takeComplaints());
    log();
    logged = [];
    provider.takeComplaints();
    await stack.settleClients();
  });
  afterAll(async () => {
    await stack?.close();
    await provider?.close();
  });
  return {
    script: (replies) => running(provider).script(replies),
    newSession: () => `session-${++sessions}`,
    connect: (session) => running(stack).connect(session),
    get cloud() {
      return running(stack).cloud;
    },
    get stored() {
      return running(stack).stored;
    },
    log,
    takeComplaints: () => running(provider).takeComplaints(),
  };
}

/** The same, with a provider of another wire format behind its fallback model. */
export function givenFallback(
  wire: Wire,
  other: Wire,
  options: Pick<StackOptions, 'bundles'> = {},
): { stack: ProvidedStack; fallback: Pick<ProviderServer, 'script' | 'takeComplaints'> } {
  let server: ProviderServer | undefined;
  const running = () => {
    if (!server) throw new Error('the fallback runs inside tests only');
    return server;
  };
  beforeAll(async () => {
    server = await startProviderServer(other);
  });
  afterAll(() => server?.close());
  const settings = () => {
    const {
      MIDTURN_MODEL_BASE_URL: url = '',
      MIDTURN_MODEL_API_KEY: key = '',
      ...rest
    } = other.settings(running().origin);
    return {
      ...rest,
      MIDTURN_FALLBACK_MODEL: `${other.name}:${other.model}`,
      MIDTURN_FALLBACK_MODEL_BASE_URL: url,
      MIDTURN_FALLBACK_MODEL_API_KEY: key,
    };
  };
  return {
    stack: givenProvider(wire, settings, options),
    fallback: {
      script: (replies) => running().script(replies),
      takeComplaints: () => running().takeComplaints(),
    },
  };
}
