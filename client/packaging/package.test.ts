import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { buildClient } from '../build.ts';
import { type BackwardsServer, serveBackwards } from '../testing/backwards-server.ts';
import { readmeComponent } from '../testing/readme-component.ts';

const run = promisify(execFile);
const CLIENT = join(import.meta.dirname, '..');
const resolver = createRequire(import.meta.url);
const folderOf = (name: string) => join(resolver.resolve(`${name}/package.json`), '..');

/** Debian's Node, version 20 at the time of writing, which has no WebSocket of its own. */
const SYSTEM_NODE = '/usr/bin/node';

/** An empty project with the packed package unpacked into it, as npm does. */
let consumer: string;
let server: BackwardsServer;

beforeAll(async () => {
  const folder = temporaryFolder();
  const source = join(folder, 'source');
  consumer = join(folder, 'consumer');
  const installed = join(consumer, 'node_modules', 'midturn-client');
  await mkdir(installed, { recursive: true });
  await cp(join(CLIENT, 'package.json'), join(source, 'package.json'));
  await cp(join(CLIENT, 'README.md'), join(source, 'README.md'));
  await buildClient(join(source, 'dist'));
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [packed] = JSON.parse((await run('npm', pack, { cwd: source })).stdout);
  await run('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', installed]);
  await writeFile(join(consumer, 'package.json'), '{"type":"module"}');
  server = await serveBackwards();
});
afterAll(() => server?.close());

/** Makes packages of this repository known to the consumer. */
async function link(...names: string[]): Promise<void> {
  for (const name of names) {
    const path = join(consumer, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    await symlink(folderOf(name), path);
  }
}

/** Runs a module in the consumer's folder and returns its output. */
async function runModule(node: string, text: string): Promise<string> {
  await writeFile(join(consumer, 'main.js'), text);
  const { stdout } = await run(node, ['main.js', server.url], { cwd: consumer });
  return stdout.trim();
}

const CONVERSATION = `
  const chat = createMidturn({ url: process.argv[2], ...options });
  let text = '';
  for await (const event of chat.send('steer').events()) if (event.type === 'chunk') text += event.content;
  console.log(text, chat.transcript.getSnapshot().connection.status);
  chat.close();`;

describe('the package', () => {
  it('holds what its exports name, and depends on nothing', async () => {
    const installed = join(consumer, 'node_modules', 'midturn-client');
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    for (const entry of Object.values<string | { types: string; default: string }>(manifest.exports)) {
      const paths = typeof entry === 'string' ? [entry] : Object.values(entry);
      for (const path of paths) expect(existsSync(join(installed, path)), path).toBe(true);
    }
    expect(manifest).not.toHaveProperty('dependencies');
    expect(existsSync(join(installed, 'README.md'))).toBe(true);
  });

  it("talks over Node's own WebSocket", async () => {
    const text = `import { createMidturn } from 'midturn-client'; const options = {};${CONVERSATION}`;
    expect(await runModule(process.execPath, text)).toBe('reets online');
  });

  it.skipIf(!existsSync(SYSTEM_NODE))(
    "talks over `ws` where there is no WebSocket, on the system's Node",
    async () => {
      await link('ws');
      const text = `
      import { WebSocket } from 'ws';
      import { createMidturn } from 'midturn-client';
      delete globalThis.WebSocket;
      let refusal;
      try { createMidturn({ url: process.argv[2] }); } catch (error) { refusal = error.message; }
      if (!refusal.includes('options.WebSocket')) throw new Error(refusal);
      const options = { WebSocket };${CONVERSATION}`;
      expect(await runModule(SYSTEM_NODE, text)).toBe('reets online');
    },
  );

  it('talks where there is as little as in React Native', async () => {
    const text = `
      const Native = globalThis.WebSocket;
      // Like React Native: handler properties only, no page, no Web Crypto, no Web Locks, an older engine.
      globalThis.WebSocket = class {
        constructor(url, protocols) {
          this.socket = new Native(url, protocols);
          for (const name of ['open', 'message', 'close', 'error'])
            this.socket.addEventListener(name, (event) => this['on' + name]?.(event));
        }
        get readyState() { return this.socket.readyState; }
        send(data) { this.socket.send(data); }
        close(code, reason) { this.socket.close(code, reason); }
      };
      for (const name of ['crypto', 'navigator', 'EventTarget', 'structuredClone', 'addEventListener'])
        delete globalThis[name];
      delete Promise.withResolvers;
      delete Array.prototype.with;
      delete Array.prototype.toSorted;
      URLSearchParams.prototype.set = () => { throw new Error('not implemented'); };
      const { createMidturn } = await import('midturn-client');
      const options = { token: 'a b' };${CONVERSATION}`;
    expect(await runModule(process.execPath, text)).toBe('reets online');
  });

  it('keeps the AI SDK to its own entry, and needs it there for its types alone', async () => {
    const text = `
      import * as core from 'midturn-client';
      import { MidturnChatTransport } from 'midturn-client/ai-sdk';
      const transport = new MidturnChatTransport({ url: process.argv[2] });
      const refusal = await transport
        .sendMessages({
          trigger: 'submit-message',
          chatId: 's',
          messages: [{ id: 'm1', role: 'user', parts: [{ type: 'file', mediaType: 'a/b', url: 'data:,' }] }],
        })
        .catch((error) => error);
      console.log('MidturnChatTransport' in core, refusal instanceof core.MidturnError);
      transport.close();`;
    expect(await runModule(process.execPath, text)).toBe('false true');
  });

  it('keeps React to its own entry, which is a module for clients of React’s servers', async () => {
    const text = `
      const attempt = () => import('midturn-client/react').then(Object.keys, (error) => error.message);
      console.log(await attempt());`;
    expect(await runModule(process.execPath, text)).toContain("Cannot find package 'react'");
    await link('react');
    const names = ['useChatState', 'useMidturn', 'useMidturnChat', 'useQuestions', 'useStore', 'useUploads'];
    expect((await runModule(process.execPath, text)).match(/\w+/g)).toEqual(names);
    const code = await readFile(join(consumer, 'node_modules/midturn-client/dist/react/index.js'), 'utf8');
    expect(code.split('\n')[0]).toBe('"use client";');
  });
});

describe('its types', () => {
  /** The compiler's error messages. */
  async function check(text: string, options: Record<string, unknown>, file = 'main.ts'): Promise<string> {
    await writeFile(join(consumer, file), text);
    const compilerOptions = { strict: true, noEmit: true, target: 'es2022', types: [], ...options };
    await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = join(folderOf('typescript'), 'bin', 'tsc');
    return run(process.execPath, [tsc, '-p', consumer]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
  }

  const USE = `
    import { createMidturn, type EventFrame, TurnFailedError } from 'midturn-client';
    const chat = createMidturn({ url: 'wss://example.test', token: async () => 't' });
    export async function ask(): Promise<string> {
      let text = '';
      try {
        for await (const event of chat.send('hello').events()) if (event.type === 'chunk') text += event.content;
      } catch (error) {
        if (error instanceof TurnFailedError) return error.code;
      }
      return text;
    }
    export const offsetOf = (event: EventFrame): number => (event.type === 'chunk' ? event.offset : 0);
    export const stop = chat.transcript.subscribe(() => chat.transcript.getSnapshot().items);`;

  it.each([
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'] }],
    ['Node', { module: 'nodenext', lib: ['es2022', 'dom'] }],
  ])('satisfy a strict user of %s, and catch a wrong one', async (_, options) => {
    expect(await check(USE, options)).toBe('');
    expect(await check(`${USE}\nchat.send(1);`, options)).toContain('main.ts');
    expect(await check(`${USE}\nexport const n: number = chat.turn();`, options)).toContain('main.ts');
  });

  it('of the wire are those of the schemas', async () => {
    await link('zod');
    const text = `
      import type * as own from '${CLIENT}/protocol.ts';
      import type { ErrorCode, EventFrame, ServerFrame } from 'midturn-client';
      type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
      export const same: [Same<own.ServerFrame, ServerFrame>, Same<own.EventFrame, EventFrame>, Same<own.ErrorCode, ErrorCode>] =
        [true, true, true];`;
    const options = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2024', 'dom'] };
    const rest = { allowImportingTsExtensions: true, skipLibCheck: true, exactOptionalPropertyTypes: true };
    expect(await check(text, { ...options, ...rest })).toBe('');
    const wrong = text.replace('Same<own.EventFrame, EventFrame>', 'Same<own.ServerFrame, EventFrame>');
    expect(await check(wrong, { ...options, ...rest })).toContain('main.ts');
  });

  it('of the transport satisfy the AI SDK’s', async () => {
    await link('ai');
    const text = `
      import type { ChatInit, ChatTransport } from 'ai';
      import { MidturnChatTransport, type MidturnUIMessage } from 'midturn-client/ai-sdk';
      const transport = new MidturnChatTransport({ url: 'wss://example.test' });
      export const plain: ChatTransport<MidturnUIMessage> = transport;
      export const init: ChatInit<MidturnUIMessage> = { transport };`;
    const options = {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2022', 'dom'],
      skipLibCheck: true,
    };
    expect(await check(text, options)).toBe('');
    expect(await check(`${text}\nexport const wrong: ChatTransport<string> = transport;`, options)).not.toBe(
      '',
    );
  });

  it('of the hooks satisfy the component in the README, which has about twenty lines, and catch a wrong one', async () => {
    await link('react', '@types/react', 'csstype');
    const component = await readmeComponent();
    expect(component.split('\n').length).toBeLessThan(25);
    const options = {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2022', 'dom', 'dom.iterable'],
      jsx: 'react-jsx',
    };
    expect(await check(component, options, 'main.tsx')).toBe('');
    const wrong = component.replace("item.requestId, 'approve'", "item.requestId, 'yes'");
    expect(await check(wrong, options, 'main.tsx')).toContain('main.tsx');
  });
});
