import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { accountChecks, findStack, openAccount } from '../../infra/doctor/account.ts';
import { type Finding, lineOf, runChecks } from '../../infra/doctor/check.ts';
import { conversationChecks } from '../../infra/doctor/conversation.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { startModelServer } from '../support/model-server.ts';
import { scaled } from '../support/timeouts.ts';
import { HEALTHY, type OperatorWorld, startOperatorAws } from './operator-aws.ts';

/** A deployment with the demo model, whose faults are injected one by one. */

const TOKEN = 'open-sesame';
const SETTINGS = { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS_SECRET: 'midturn/tokens', MIDTURN_HTTP: 'true' };
const SECRETS = { 'midturn/tokens': `${TOKEN}=acme/ann` };

const running: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of running.splice(0)) await close();
});

async function start(
  settings: Record<string, string>,
  secrets: Record<string, string> = {},
): Promise<LocalCloud> {
  const started = await startLocalCloud({ bundles: TEST_BUNDLES, log: () => {}, settings, secrets });
  running.push(() => started.close());
  return started;
}

let cloud: LocalCloud;
beforeAll(async () => {
  cloud = await start(SETTINGS, SECRETS);
});

const restoring: (() => void)[] = [];
afterEach(() => {
  for (const restore of restoring.splice(0)) restore();
});

/** Takes an action from a function's role until the test's end. */
function withhold(role: RegExp, action: string): void {
  const { permissions } = cloud;
  const statements = permissions
    .statements()
    .filter(({ id, actions }) => role.test(id) && actions.patterns.includes(action));
  expect(statements).not.toEqual([]);
  for (const { id } of statements) restoring.push(permissions.withhold(id, { action }));
}

/** The checks of a conversation. What never comes is waited for so long. @param fault happens as soon as the check of that name has been made */
async function examine(
  { url = cloud.url, token = TOKEN }: { url?: string; token?: string } = {},
  fault?: { after: string; inject: () => void },
): Promise<Finding[]> {
  const { short, full, close } = conversationChecks({ url, token, timeoutMs: scaled(3000) });
  try {
    return await runChecks([...short, ...full], ({ name }) => {
      if (name === fault?.after) fault.inject();
    });
  } finally {
    await close();
  }
}

const failures = (findings: readonly Finding[]): string[] =>
  findings.filter(({ outcome }) => outcome === 'failed').map(lineOf);

describe('a deployment that works', () => {
  it('passes every check, and keeps no session of them', async () => {
    const findings = await examine();
    expect(failures(findings)).toEqual([]);
    expect(findings.map(({ name, outcome }) => `${outcome} ${name}`)).toEqual([
      'ok handshake',
      'ok first message',
      'ok model',
      'ok steering',
      'ok refusal',
      'ok second message',
      'ok resume',
      'ok abort',
      'ok deletion',
    ]);
  });

  it('without authentication: nothing is refused, which is said', async () => {
    const open = await start({});
    const findings = await examine({ url: open.url, token: '' });
    expect(failures(findings)).toEqual([]);
    expect(findings.find(({ name }) => name === 'refusal')).toMatchObject({
      outcome: 'not checked',
      says: 'no token was given, and everybody may connect',
    });
    // With a token, its refusal is expected.
    expect(failures(await examine({ url: open.url }))).toEqual([
      'failed       refusal         A wrong token is accepted: everybody may connect. See docs/deploy.md#choose.',
    ]);
  });
});

describe('a fault is named by its check:', () => {
  it('a token that the deployment does not know', async () => {
    const findings = await examine({ token: 'guess' });
    expect(failures(findings)).toEqual([
      'failed       handshake       The handshake was refused with 401: the token is not one of this deployment. See docs/operations.md#authorizererrors.',
    ]);
    expect(findings.filter(({ outcome }) => outcome === 'not checked')).toHaveLength(8);
  });

  it('a secret that the authorizer cannot read', async () => {
    const { url } = await start(SETTINGS);
    expect(failures(await examine({ url }))).toEqual([
      'failed       handshake       The handshake was refused with 500: a secret or the issuer’s keys cannot be read, or a function fails. See docs/operations.md#authorizererrors.',
    ]);
  });

  it('an address at which nothing answers', async () => {
    const [line = ''] = failures(await examine({ url: 'ws://127.0.0.1:9/prod' }));
    expect(line).toMatch(
      /^failed {7}handshake {7}127\.0\.0\.1:9 cannot be reached: .* See docs\/deploy\.md#deploy\.$/,
    );
  });

  it('a turn function that cannot write to the table', async () => {
    withhold(/TurnRole/, 'dynamodb:UpdateItem');
    const lines = failures(await examine());
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^failed {7}first message {3}The message was accepted, and no turn began: .* See docs\/operations\.md#turnqueueage\.$/,
    );
  });

  it('a model whose key is refused', async () => {
    const model = await startModelServer(() => ({ status: 401, body: 'bad key' }));
    running.push(() => model.close());
    const { url } = await start({
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: model.baseUrl,
    });
    expect(failures(await examine({ url, token: '' }))).toEqual([
      'failed       model           The turn failed: AUTH_ERROR (unauthorised). Likely, the provider refuses the key, or the account has no access to the model. See docs/operations.md#failedturns.',
    ]);
  });

  it.each([
    ['model', 'steering', /InboundRole/, 'dynamodb:UpdateItem'],
    ['refusal', 'second message', /InboundRole/, 'dynamodb:UpdateItem'],
    ['second message', 'resume', /ConnectionRole/, 'dynamodb:PutItem'],
    ['resume', 'abort', /InboundRole/, 'dynamodb:UpdateItem'],
    ['abort', 'deletion', /InboundRole/, 'dynamodb:UpdateItem'],
  ])('after %s, %s fails when the role lacks its permission', async (after, failing, role, action) => {
    const lines = failures(await examine({}, { after, inject: () => withhold(role, action) }));
    expect(lines[0]).toMatch(new RegExp(`^failed {7}${failing} .* See docs/\\S+#\\w+\\.$`));
  });
});

describe('the stack in its account', () => {
  async function examineStack(change: Partial<OperatorWorld>): Promise<Finding[]> {
    const aws = await startOperatorAws({ url: cloud.url, ...HEALTHY, ...change });
    const saved = { ...process.env };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
    const account = openAccount();
    try {
      return await runChecks(accountChecks(account, await findStack(account, 'Midturn')), () => {});
    } finally {
      account.close();
      aws.close();
      process.env = saved;
    }
  }

  it('passes every check', async () => {
    expect((await examineStack({})).map(lineOf)).toEqual([
      'ok           secrets         There: midturn/groq, midturn/tokens.',
      'ok           turn queue      Turns are taken from the queue.',
      'ok           quotas          Of 1000 execution environments, 200 turns leave 800.',
      'not checked  http api        The stack has no HTTP API.',
      'ok           alarms          1 subscription of their topic.',
    ]);
  });

  it('asks the HTTP API where there is one, without a token, and names its address', async () => {
    const at = async (HttpUrl: string) => {
      const findings = await examineStack({ outputs: { ...HEALTHY.outputs, HttpUrl } });
      return lineOf(findings.find(({ name }) => name === 'http api') as Finding);
    };
    const url = cloud.httpUrl ?? '';
    expect(await at(url)).toBe(`ok           http api        It demands a token: ${url}.`);
    expect(await at(`${url}/api/sessions/none`)).toMatch(
      /^failed .+ answers 404 to a request without a token\./,
    );
  });

  it.each<[string, Partial<OperatorWorld>, string]>([
    [
      'a secret is missing',
      { secrets: { 'midturn/groq': 'there' } },
      'failed       secrets         There is no secret midturn/tokens. See docs/deploy.md#choose.',
    ],
    [
      'a secret of the agent’s code is missing',
      { secrets: { 'midturn/tokens': 'there' } },
      'failed       secrets         There is no secret midturn/groq. See docs/deploy.md#choose.',
    ],
    [
      'a secret is being deleted',
      { secrets: { 'midturn/groq': 'there', 'midturn/tokens': 'deleted' } },
      'failed       secrets         The secret midturn/tokens is being deleted. See docs/deploy.md#choose.',
    ],
    [
      'the event source is disabled',
      { sourceState: 'Disabled' },
      'failed       turn queue      Turns are not taken from the queue: its event source is Disabled. See docs/operations.md#turnqueueage.',
    ],
    [
      'the account is new',
      { environments: { all: 10, unreserved: 10 } },
      'failed       quotas          Of the 10 environments of this account, 200 turns leave 0 to frames and handshakes. See docs/deploy.md#how-many-turns-the-account-can-run.',
    ],
    [
      'the topic has no subscription',
      { subscriptions: [] },
      'failed       alarms          Nobody hears the alarms: their topic has no subscription. See docs/operations.md#alarms.',
    ],
    [
      'the subscription is not confirmed',
      { subscriptions: ['PendingConfirmation'] },
      'failed       alarms          Nobody hears the alarms: the subscription of their topic is not confirmed. See docs/operations.md#alarms.',
    ],
  ])('fails one check when %s', async (_, change, line) => {
    expect(failures(await examineStack(change))).toEqual([line]);
  });

  it('passes in a new account whose turns leave half of the environments', async () => {
    const findings = await examineStack({ environments: { all: 10, unreserved: 10 }, turnConcurrency: 5 });
    expect(failures(findings)).toEqual([]);
  });

  it('says of what the operator may not ask that it was not checked', async () => {
    const findings = await examineStack({ denied: true });
    expect(findings.map(({ outcome }) => outcome)).toEqual([
      'not checked',
      'not checked',
      'not checked',
      'not checked',
      'ok',
    ]);
    expect(findings[0]?.says).toContain('not authorized to perform this');
  });
});

describe('the commands', () => {
  const command = (args: string[], env: Record<string, string> = {}) =>
    promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, '../../infra/doctor/main.ts'), ...args],
      {
        env: { PATH: process.env.PATH, ...env },
      },
    );

  it('smoke gets a steered answer, with the token of the environment', async () => {
    const { stdout } = await command(['--short', cloud.url], { MIDTURN_TOKEN: TOKEN });
    expect(stdout).toMatch(
      /^ok {11}steering {8}A message in mid-answer is applied; \d+ characters were answered\.$/m,
    );
    expect(stdout).toMatch(/^4 checks: 0 failed, 0 not made\.$/m);
  });

  it('says in one line that it was refused, without a stack trace', async () => {
    await expect(command(['--short', cloud.url, 'guess'])).rejects.toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringMatching(
        /^failed {7}handshake .*\n(not checked .*\n){3}4 checks: 1 failed, 3 not made\.\n$/,
      ),
    });
  });

  it('doctor finds a stack, and writes JSON', async () => {
    const aws = await startOperatorAws({ url: cloud.url, ...HEALTHY, subscriptions: [] });
    running.push(() => aws.close());
    const failed = await command(['Midturn', '--json'], {
      MIDTURN_TOKEN: TOKEN,
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    }).catch((error: unknown) => error as { code: number; stdout: string });
    expect(failed).toMatchObject({ code: 1 });
    const { ok, findings } = JSON.parse(failed.stdout);
    expect(ok).toBe(false);
    expect(findings).toHaveLength(14);
    expect(findings.at(-1)).toEqual({
      name: 'alarms',
      outcome: 'failed',
      says: 'Nobody hears the alarms: their topic has no subscription.',
      advice: 'docs/operations.md#alarms',
    });
  });

  it.each<[string, string[], RegExp]>([
    ['no deployment', [], /^usage: npm run doctor/],
    ['an unknown option', ['Midturn', '--fast'], /^Unknown option '--fast'/],
    ['what is no address', ['wss://'], /is no URL\.$/m],
  ])('answer %s with exit status 2', async (_, args, complaint) => {
    await expect(command(args)).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(complaint) });
  });
});

it('every advice is a section of its page', async () => {
  const sources = ['check', 'conversation', 'account'].map((name) => `infra/doctor/${name}.ts`);
  const root = join(import.meta.dirname, '../..');
  const texts = await Promise.all(sources.map((file) => readFile(join(root, file), 'utf8')));
  const links = texts.flatMap((source) => [...source.matchAll(/'(docs\/\w+\.md)#([\w-]+)'/g)]);
  expect(links.length).toBeGreaterThan(5);
  for (const [, page = '', section] of links) {
    const headings = [...(await readFile(join(root, page), 'utf8')).matchAll(/^#+ (.+)$/gm)];
    expect(headings.map(([, heading = '']) => heading.toLowerCase().replaceAll(' ', '-'))).toContain(section);
  }
});
