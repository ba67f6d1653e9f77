import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { buildKit } from '../../conformance/build.ts';
import { readCommand, selectRules, UsageError } from '../../conformance/command.ts';
import { Broken, meet, Skipped } from '../../conformance/outcome.ts';
import { json, table } from '../../conformance/report.ts';
import { GROUPS, groupOf, type Rule, type Scenario } from '../../conformance/rule.ts';
import { RULES } from '../../conformance/rules/rules.ts';
import { runRules } from '../../conformance/run.ts';
import { WAIT_MS } from '../support/timeouts.ts';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '../../conformance');

describe('the rules', () => {
  it('have names of their own, each in a group, and every group has some', () => {
    const names = RULES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(RULES.map(groupOf))).toEqual(new Set(GROUPS));
  });

  it('cite promises that there are, and say what they demand in one line (their points: coverage.test.ts)', () => {
    for (const { name, promise, says } of RULES) {
      expect(promise, name).toMatch(/^(wire|P([1-9]|1[0-4])( P([1-9]|1[0-4]))*)$/);
      expect(says, name).toMatch(/^\S.{20,120}$/);
    }
  });
});

const scenario = (name: Scenario['name'], outcome?: Error): Scenario => ({
  name,
  promise: 'wire',
  points: ['3.1.1'],
  says: `says ${name}`,
  run: async () => {
    if (outcome) throw outcome;
  },
});

/** A server for one test. @returns its address */
async function serve(answer: (socket: WebSocket, text: string) => void): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => socket.on('message', (data) => answer(socket, data.toString())));
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a run', () => {
  const target = { url: 'ws://127.0.0.1:1', timeoutMs: 1 };
  const rules: readonly Rule[] = [
    scenario('order-a'),
    scenario('order-b', new Broken('it was not so')),
    scenario('order-c', new Skipped('it did not come about')),
    scenario('order-d', new TypeError('a fault of the kit')),
    { name: 'always-e', promise: 'P9', points: ['5.3.1', '5.3.4'], says: 'watches', judge: () => {} },
  ];

  it('tells what passed, failed and was skipped, in the order of the rules; a fault of the kit is no pass', async () => {
    const results = await runRules({ target, rules, parallel: 3 });
    expect(results.map(({ rule, outcome }) => [rule.name, outcome])).toEqual([
      ['order-a', 'passed'],
      ['order-b', 'failed'],
      ['order-c', 'skipped'],
      ['order-d', 'failed'],
      ['always-e', 'passed'],
    ]);
    const lines = table(results).split('\n');
    expect(lines[3]).toMatch(/^order-b +wire +3\.1\.1 +FAIL +it was not so \(says order-b\)$/);
    expect(lines.at(-1)).toBe('5 rules: 2 passed, 2 failed, 1 skipped');
    expect(JSON.parse(json({ url: target.url }, results))).toMatchObject({
      url: target.url,
      passed: 2,
      failed: 2,
      skipped: 1,
      rules: [
        {},
        { name: 'order-b', group: 'order', points: ['3.1.1'], outcome: 'failed', reason: 'it was not so' },
        {},
        {},
        {},
      ],
    });
  });

  it('gives a rule that missed its situation two more chances', async () => {
    const tries = { twice: 0, always: 0 };
    const missing: readonly Scenario[] = [
      { ...scenario('order-a'), run: async () => meet(++tries.twice > 2, 'too late') },
      { ...scenario('order-b'), run: async () => meet(++tries.always < 0, 'too late') },
    ];
    const results = await runRules({ target, rules: missing, parallel: 1 });
    expect(results).toMatchObject([{ outcome: 'passed' }, { outcome: 'skipped', reason: 'too late' }]);
    expect(tries).toEqual({ twice: 3, always: 3 });
  });

  it('stops the turn of a try before the next one, which a server that runs one turn at a time would keep waiting', async () => {
    const running = new Set<string>();
    const url = await serve((socket, text) => {
      const { type, id, turn_id } = JSON.parse(text);
      if (type === 'message') running.add(id);
      if (type === 'abort') running.delete(turn_id);
      const event =
        type === 'message'
          ? { type: 'turn_start', seq: 1, turn_id: id, message_ids: [id] }
          : { type: 'aborted', seq: 2, turn_id, full_response: '', by: 'anonymous' };
      socket.send(JSON.stringify(event));
    });
    const runningBefore: string[][] = [];
    const missing: Scenario = {
      ...scenario('order-a'),
      run: async (server) => {
        runningBefore.push([...running]);
        const peer = await server.connect();
        peer.send({ type: 'message', id: `turn-${runningBefore.length}`, content: 'Hello' });
        await peer.wait('turn_start');
        meet(runningBefore.length > 1, 'too late');
      },
    };
    const results = await runRules({ target: { url, timeoutMs: WAIT_MS }, rules: [missing], parallel: 1 });
    expect(results).toMatchObject([{ outcome: 'passed' }]);
    expect(runningBefore).toEqual([[], []]);
    expect([...running]).toEqual([]);
  });

  it('skips a rule that the server answered by RATE_LIMITED, whatever it made of that', async () => {
    const limit = { code: 'RATE_LIMITED', message: 'Later.', terminal: false, retryable: true };
    const url = await serve((socket) => socket.send(JSON.stringify({ type: 'error', ...limit })));
    const [result] = await runRules({
      target: { url, timeoutMs: WAIT_MS },
      rules: RULES.filter(({ name }) => name === 'codes-invalid-json'),
      parallel: 1,
    });
    expect(result).toMatchObject({ outcome: 'skipped', reason: expect.stringContaining('rate') });
  });

  it('of some rules is judged by those over everything too', () => {
    expect(selectRules(rules, ['order-b']).map(({ name }) => name)).toEqual(['order-b', 'always-e']);
    expect(selectRules(rules, ['always'])).toHaveLength(5);
    expect(() => selectRules(rules, ['nothing'])).toThrow(UsageError);
  });
});

describe('the command', () => {
  it('takes a URL and options', () => {
    expect(
      readCommand(['wss://a.example/b', '--token', 't', '--filter', 'x', '--timeout', '2', '--json']),
    ).toEqual({
      action: 'run',
      target: { url: 'wss://a.example/b', token: 't', otherToken: undefined, timeoutMs: 2000 },
      filters: ['x'],
      parallel: 4,
      json: true,
    });
  });

  it.each([
    [[]],
    [['http://a.example']],
    [['not a url']],
    [['ws://a.example', 'ws://b.example']],
    [['ws://a.example', '--parallel', 'many']],
    [['ws://a.example', '--unknown']],
  ])('refuses %j', (args) => {
    expect(() => readCommand(args)).toThrow(UsageError);
  });
});

describe('the package', () => {
  const bundle = join(folder, 'dist', 'main.js');

  beforeAll(() => buildKit());

  it('needs nothing but ws, and what it needs is in its package.json', async () => {
    const source = await readFile(bundle, 'utf8');
    const imported = [...source.matchAll(/^import .*?from "(.+?)";$/gm)].flatMap(([, name]) => name ?? []);
    const packages = imported.filter((name) => !isBuiltin(name));
    expect([...new Set(packages)]).toEqual(['ws']);
    const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies)).toEqual(['ws']);
  });

  it('packs the bundle that its command names', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder });
    const [packed] = JSON.parse(stdout);
    const files = packed.files.map(({ path }: { path: string }) => path).toSorted();
    expect(files).toEqual(['README.md', 'dist/main.js', 'package.json']);
    const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    await access(join(folder, bin['midturn-conformance']));
  });

  it('lists the rules, and says in one line what is wrong with a URL', async () => {
    const { stdout } = await run(process.execPath, [bundle, '--list']);
    expect(stdout.trim().split('\n')).toHaveLength(RULES.length);
    const failed = await run(process.execPath, [bundle, 'ws://127.0.0.1:1']).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be reached') });
  });
});
