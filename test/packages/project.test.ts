import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pack } from '../../packaging/pack.ts';
import { accepted, chunk, end, endsOf, eventsOf, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { hasOtherNodes, nodeBinary } from '../support/node-binary.ts';
import { type NpmRegistry, startRegistry } from '../support/npm-registry.ts';
import { type ScriptedModel, startScriptedModel } from '../support/scripted-model.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { connect, type WsClient } from '../support/ws-client.ts';
import { APP, agent, PAGE, SHIPPER } from './umbrella-shop.ts';
import { installTarballs, type Running, type UserProject, unpackTarballs } from './user-project.ts';

/** Each builds, packs or synthesizes. */
vi.setConfig({ testTimeout: LONG_TEST_MS, hookTimeout: LONG_TEST_MS });

/** The Node that functions run on, and the oldest one that the packages run on, which the registry has for Linux. */
const NODES = [
  { name: `Node ${process.versions.node}`, program: async () => process.execPath },
  ...(hasOtherNodes ? [{ name: 'Node 22.18.0', program: () => nodeBinary(22) }] : []),
];

let tarballs: string[];
let project: UserProject;
let model: ScriptedModel;
let registry: NpmRegistry;

beforeAll(async () => {
  tarballs = await pack(join(temporaryFolder(), 'packages'));
  registry = await startRegistry(tarballs);
  project = await installTarballs(temporaryFolder(), tarballs, { registry, cache: temporaryFolder() });
  model = await startScriptedModel();
});
afterAll(() => Promise.all([model?.close(), registry?.close()]));

describe('`npx midturn init` in an empty folder into which npm has installed the tarballs, its other packages from a registry', () => {
  it('makes a project that `npm install`, its own compiler, and on each Node its own tests and `cdk synth` accept', async () => {
    const { code, stdout, stderr } = await project.npm('exec', '--', 'midturn', 'init');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^added to package.json: type, scripts, ai, .*, vitest$/m);
    for (const made of ['app.ts', 'cdk.json', 'tsconfig.json', '.gitignore', 'README.md'])
      expect(stdout).toContain(`made ${made}`);
    expect(stdout).toMatch(/npm install && npx midturn dev$/m);
    const installed = await project.npm('install');
    expect(installed.code, installed.stderr).toBe(0);
    expect(await project.bin('tsc', ['-p', '.'])).toMatchObject({ code: 0, stdout: '' });
    for (const { program } of NODES) {
      const on = project.on(await program());
      const tests = await on.bin('vitest', ['run']);
      expect(tests.code, tests.stdout).toBe(0);
      expect(tests.stdout).toMatch(/Tests .*2 passed/);
      const synth = await on.bin('cdk', ['synth', '--quiet']);
      expect(synth.code, synth.stderr).toBe(0);
    }
    const lines = async (path: string) =>
      (await readFile(join(project.folder, path), 'utf8')).trim().split('\n').length;
    // Where docs/install.md has `midturn dev` keep conversations.
    expect(await readFile(join(project.folder, '.gitignore'), 'utf8')).toMatch(/^\.midturn\/$/m);
    expect(await lines('app.ts')).toBeLessThanOrEqual(10);
    expect(await lines('agent/agent.ts')).toBeLessThanOrEqual(25);
  });

  it('keeps what is there, and says so', async () => {
    const before = await readFile(join(project.folder, 'package.json'), 'utf8');
    await project.write('agent/agent.test.ts', '// theirs\n');
    const { stdout } = await project.bin('midturn', ['init']);
    // It is a CDK app now: what an app is made of is not looked at.
    expect(stdout).toMatch(/^kept package.json\nkept agent\/agent.ts\nkept agent\/agent.test.ts$/m);
    expect(stdout).toContain('Put this into a stack of your app:');
    expect(await readFile(join(project.folder, 'agent/agent.test.ts'), 'utf8')).toBe('// theirs\n');
    expect(await readFile(join(project.folder, 'package.json'), 'utf8')).toBe(before);
  });

  it('makes nothing in a project of CommonJS, as `npm init` makes it, and says what to do', async () => {
    const other = await unpackTarballs(temporaryFolder(), tarballs);
    await other.write('package.json', '{"name":"shop","type":"commonjs"}');
    const { code, stderr } = await other.bin('midturn', ['init']);
    expect([code, stderr]).toEqual([
      1,
      `${join(other.folder, 'package.json')} says "type": "commonjs", and the files of the app are ES modules. Set it to "module", or name a new folder.\n`,
    ]);
    expect((await readdir(other.folder)).toSorted()).toEqual(['node_modules', 'package.json']);
  });

  it('adds to a CDK app only the agent and the packages that it lacks', async () => {
    const other = await unpackTarballs(temporaryFolder(), tarballs);
    await other.write('cdk.json', '{"app":"node bin/app.js"}');
    await other.write(
      'package.json',
      '{"name":"shop","version":"3.0.0","dependencies":{"aws-cdk-lib":"2.280.0"}}',
    );
    const { stdout } = await other.bin('midturn', ['init']);
    expect(stdout).toContain('added to package.json: ai, constructs, zod, midturn');
    expect(stdout).not.toContain('app.ts');
    const manifest = JSON.parse(await readFile(join(other.folder, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      name: 'shop',
      version: '3.0.0',
      dependencies: { 'aws-cdk-lib': '2.280.0' },
    });
    expect(manifest).not.toHaveProperty('scripts');
  });
});

describe.each(NODES)('`midturn dev` of an app with tables of its own, on $name', ({ program }) => {
  let dev: Running;
  let url: string;

  beforeAll(async () => {
    await project.write('app.ts', APP);
    await project.write('agent/version.ts', `export const VERSION: string = 'one';\n`);
    await project.write('agent/agent.ts', agent('one'));
    await project.write('shipper/index.mjs', SHIPPER);
    // What their code imports by itself.
    const installed = await project.npm('install', ...['s3', 'sqs'].map((name) => `@aws-sdk/client-${name}`));
    expect(installed.code, installed.stderr).toBe(0);
    dev = project.on(await program()).start(['dev', '--verbose'], {
      PORT: '0',
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: model.baseUrl,
    });
    url = /ws:\S+/.exec(await dev.line(/^midturn ready /))?.[0] ?? '';
  });
  afterAll(() => dev?.stop());

  const open = (session: string): Promise<WsClient> => connect(`${url}?session_id=${session}`);
  const systemOf = (request: { body: { messages: readonly unknown[] } }) =>
    JSON.stringify(request.body.messages.filter((message) => Object(message).role === 'system'));

  it('P1 P6: answers a steered turn, whose tool uses their table by its grant', async () => {
    const gate = createGate();
    const scripted = model.script([
      { chunks: ['Let me see. ', gate] },
      { toolCalls: [{ id: 'c1', name: 'order', args: { id: 'o1', colour: 'red' } }] },
      { chunks: ['Ordered.'] },
    ]);
    const client = await open('steered');
    client.send({ type: 'message', id: 'm1', content: 'an umbrella' });
    await chunk(client, 'Let me see. ');
    client.send({ type: 'message', id: 'm2', content: 'in red' });
    expect(await accepted(client, 'm2')).toMatchObject({ placement: 'steering' });
    gate.open();
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'Let me see. Ordered.',
      steps: 3,
    });
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: '{"version":"one","stored":"red"}' }]);
    expect(scripted.prompt(2)).toEqual(['user: an umbrella', 'assistant: Let me see. ', 'user: in red']);
    await client.close();
  });

  it('refuses what no grant allows, as IAM does', async () => {
    model.script([{ toolCalls: [{ id: 'c1', name: 'book', args: {} }] }, { chunks: ['No.'] }]);
    const client = await open('denied');
    client.send({ type: 'message', content: 'look' });
    await end(client);
    expect(framesOf(client, 'tool_result')).toMatchObject([
      {
        is_error: true,
        output: expect.stringMatching(/not authorized to perform: dynamodb:GetItem.*Ledger/),
      },
    ]);
    await client.close();
  });

  it('has their bucket and their queue, and runs their function that takes from it', async () => {
    model.script([{ toolCalls: [{ id: 'c1', name: 'ship', args: { id: 'o1' } }] }, { chunks: ['Shipped.'] }]);
    const client = await open('shipped');
    client.send({ type: 'message', content: 'ship it' });
    await end(client);
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: '{"invoice":"12 euros"}' }]);
    await dev.line(/^\S* ?.*shipped o1 in red$/);
    await client.close();
  });

  it.runIf(hasOtherNodes)(
    'a page with React 18, on Node 20 with a WebSocket that it passes, shows the answer',
    async () => {
      const other = ['react', 'react-test-renderer'].map((name) => `${name}@18.3.1`);
      const installed = await project.npm('install', ...other);
      expect(installed.code, installed.stderr).toBe(0);
      await project.write('page.mjs', PAGE);
      model.script([{ chunks: ['Good ', 'day.'] }]);
      const shown = await project.on(await nodeBinary(20)).node(['page.mjs'], { CHAT_URL: url });
      expect(shown.stdout, shown.stderr).toBe('React 18.3.1 on Node 20.20.2: Good day.\n');
      expect(shown.code).toBe(0);
    },
  );

  it('names once what is not here, and says what to do', () => {
    expect(dev.lines.filter((line) => line.includes('The local cloud has no'))).toEqual([
      expect.stringMatching(
        /The local cloud has no AWS::Kinesis::Stream \(Clicks\w+\): .* needs a check, or a stand-in/,
      ),
    ]);
  });

  it('P1 P3 P5: a turn that runs while the agent changes goes on in the new code, as one turn', async () => {
    const scripted = model.script(
      (_, index) =>
        [
          { chunks: ['Wait. ', createGate()] },
          { toolCalls: [{ id: 'c2', name: 'order', args: { id: 'o2', colour: 'blue' } }] },
          { chunks: ['Here.'] },
        ][index] ?? { chunks: ['?'] },
    );
    const client = await open('edited');
    client.send({ type: 'message', id: 'm1', content: 'a blue one' });
    await chunk(client, 'Wait. ');
    const before = dev.lines.length;
    await project.write('agent/agent.ts', agent('two'));
    await dev.line(/^midturn reloaded the agent$/, before);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Wait. Here.' });
    expect(endsOf(client)).toHaveLength(1);
    expect(eventsOf(client).filter(({ type }) => type === 'turn_start')).toHaveLength(1);
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: '{"version":"two","stored":"blue"}' }]);
    const [first, second] = await Promise.all([scripted.waitForRequest(1), scripted.waitForRequest(2)]);
    expect(systemOf(first)).toContain('version one');
    expect(systemOf(second)).toContain('version two');
    await client.close();
  });

  it('says in one line why a change cannot be taken in, and answers in the code that it had', async () => {
    const before = dev.lines.length;
    await project.write('agent/version.ts', 'export const VERSION: string = ;\n');
    expect(await dev.line(/version\.ts/, before)).toMatch(/agent\/version\.ts:1:32: Unexpected ";"$/);
    await dev.line(/^The agent stays as it was\.$/, before);
    model.script([{ chunks: ['Still here.'] }]);
    const client = await open('edited');
    client.send({ type: 'message', content: 'and now?' });
    expect(await end(client)).toMatchObject({ full_response: 'Still here.' });
    // The conversation from before the change is still there.
    client.send({ type: 'history' });
    expect(JSON.stringify(await client.next('history'))).toContain('a blue one');
    await client.close();
  });

  it('prints a type error in one line, and runs all the same', async () => {
    const before = dev.lines.length;
    await project.write('agent/version.ts', `export const VERSION: number = 'three';\n`);
    expect(await dev.line(/error|TS\d+/, before)).toBe(
      "agent/version.ts:1:14: TS2322: Type 'string' is not assignable to type 'number'.",
    );
  });
});

it.runIf(hasOtherNodes)(
  'the binary says in one line that it does not run on Node 20, which gets no fixes any more',
  async () => {
    const old = project.on(await nodeBinary(20));
    for (const args of [['--help'], ['dev']]) {
      expect(await old.bin('midturn', [...args])).toMatchObject({
        code: 1,
        stdout: '',
        stderr: 'midturn needs Node 22.18 or later. This is Node 20.20.2.\n',
      });
    }
  },
);

describe('`midturn dev`', () => {
  it('says what is wrong with a folder that has no app, and what to do', async () => {
    const empty = await unpackTarballs(temporaryFolder(), tarballs);
    const { code, stderr } = await empty.bin('midturn', ['dev']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^midturn dev: There is no \S+cdk\.json: this is no CDK app\. midturn init makes one\.\n$/,
    );
  });

  it('says what the stacks are, where none has a Midturn', async () => {
    const other = await unpackTarballs(temporaryFolder(), tarballs);
    await other.write('cdk.json', '{"app":"node app.mjs"}');
    await other.write('app.mjs', `import { App, Stack } from 'aws-cdk-lib'; new Stack(new App(), 'Shop');`);
    const { stderr } = await other.bin('midturn', ['dev']);
    expect(stderr).toBe('midturn dev: no stack of the app has a Midturn. Its stacks: Shop.\n');
  });
});
