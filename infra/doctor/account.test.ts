import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Account, accountChecks, type DeployedStack } from './account.ts';
import { type Check, Fault, type Finding, lineOf, NotChecked, runChecks } from './check.ts';

const STACK: DeployedStack = {
  url: 'wss://chat.example.com',
  httpUrl: undefined,
  alarmTopic: undefined,
  functions: new Map([['MidturnTurnFunction1', 'turn']]),
};

interface World {
  all?: number;
  unreserved?: number;
  turns?: number;
  source?: object | undefined;
  stack?: Partial<DeployedStack> | undefined;
}

/** What the checks find in an account that answers so. */
async function findingsIn({
  all,
  unreserved,
  turns,
  stack = {},
  ...world
}: World): Promise<Map<string, string>> {
  const source =
    'source' in world ? world.source : { State: 'Enabled', ScalingConfig: { MaximumConcurrency: turns } };
  const answers: Record<string, object> = {
    GetAccountSettingsCommand: {
      AccountLimit: { ConcurrentExecutions: all, UnreservedConcurrentExecutions: unreserved },
    },
    ListEventSourceMappingsCommand: { EventSourceMappings: source === undefined ? [] : [source] },
    GetFunctionConfigurationCommand: {},
  };
  const client = { send: async (command: object) => answers[command.constructor.name] };
  const account = { lambda: client, secrets: client, topics: client } as unknown as Account;
  const findings = await runChecks(accountChecks(account, { ...STACK, ...stack }), () => {});
  return new Map(findings.map((finding) => [finding.name, lineOf(finding)]));
}

describe('the environments that turns leave to frames', () => {
  it.each([
    [1000, 1000, 200, 'ok', 800],
    [210, 210, 200, 'ok', 10],
    [209, 209, 200, 'failed', 9],
    [100, 100, 200, 'failed', 0],
    // Reserved for turns: the others are already without them.
    [1000, 900, 500, 'ok', 900],
    [1000, 10, 500, 'ok', 10],
    [1000, 9, 500, 'failed', 9],
    // Of fewer than twenty, half.
    [10, 10, 5, 'ok', 5],
    [10, 10, 6, 'failed', 4],
  ])(
    'of %d, %d of them unreserved, with %d turns at once: %s, %d',
    async (all, unreserved, turns, outcome, left) => {
      const line = (await findingsIn({ all, unreserved, turns })).get('quotas');
      expect(line).toMatch(new RegExp(`^${outcome} .* turns leave ${left}\\b`));
    },
  );

  it('are not known where AWS names no limit, or turns have none', async () => {
    expect((await findingsIn({ turns: 5 })).get('quotas')).toMatch(/^not checked/);
    expect((await findingsIn({ all: 10, unreserved: 10 })).get('quotas')).toMatch(/^not checked/);
  });
});

it.each<[World, RegExp]>([
  [{ source: { State: 'Enabled' } }, /^ok/],
  [{ source: { State: 'Updating' } }, /^failed .* is Updating\./],
  [{ source: {} }, /^failed .* is unknown\./],
  [{ source: undefined }, /^failed .* has no event source\./],
  [
    { stack: { functions: new Map([['MidturnInboundFunction1', 'inbound']]) } },
    /^not checked .* no turn function/,
  ],
])('turns are taken from the queue, or not: %j', async (world, line) => {
  expect((await findingsIn(world)).get('turn queue')).toMatch(line);
});

it.each([
  [401, /^ok .* demands a token/],
  [200, /^ok .* Anybody may use it/],
  [403, /^ok .* only what comes through its front/],
  [404, /^failed .* answers 404/],
  [500, /^failed .* answers 500/],
])('an HTTP API that answers %d to a request without a token', async (status, line) => {
  const asked: (string | undefined)[] = [];
  const server = createServer(({ url, headers }, response) => {
    asked.push(url, headers.authorization);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const httpUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect((await findingsIn({ stack: { httpUrl } })).get('http api')).toMatch(line);
  expect(asked).toEqual(['/api/sessions', undefined]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect((await findingsIn({ stack: { httpUrl } })).get('http api')).toMatch(/^failed .* does not answer/);
});

describe('a check', () => {
  const run = async (...checks: Check[]) => {
    const reported: Finding[] = [];
    const found = await runChecks(checks, (finding) => void reported.push(finding));
    expect(reported).toEqual(found);
    return found.map(({ name, outcome }) => `${outcome} ${name}`);
  };
  const check = (name: string, error?: Error, needs?: string): Check => ({
    name,
    ...(needs !== undefined && { needs }),
    run: async () => {
      if (error) throw error;
      return 'seen';
    },
  });

  it('is not made where the one that it needs failed, or was not made', async () => {
    const fault = new Fault('no', 'docs/deploy.md#choose');
    for (const [error, outcome] of [
      [fault, 'failed'],
      [new NotChecked('unknown'), 'not checked'],
    ] as const)
      expect(
        await run(check('a', error), check('b', undefined, 'a'), check('c', undefined, 'b'), check('d')),
      ).toEqual([`${outcome} a`, 'not checked b', 'not checked c', 'ok d']);
    expect(await run(check('a'), check('b', undefined, 'a'))).toEqual(['ok a', 'ok b']);
  });

  it('that breaks for a reason of its own is a failure of the program', async () => {
    await expect(run(check('a', new TypeError('ours')))).rejects.toThrow('ours');
  });
});
