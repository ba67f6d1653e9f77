import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createGate } from '../test/support/model-server.ts';
import { givenStack } from '../test/support/stack.ts';

const stack = givenStack();
const running: ChildProcessWithoutNullStreams[] = [];
const closing: (() => void)[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill();
  for (const close of closing.splice(0)) close();
});

/** Runs `npm run chat` with a pipe for its input and output. */
function startChat(session: string, url = stack.cloud.url) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), url, '--session', session]);
  running.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  return {
    type: (line: string) => child.stdin.write(`${line}\n`),
    shows: (text: string) => expect.poll(() => output).toContain(text),
    /** Ends the input and returns the lines of the conversation, without what is said of the connection. */
    async conversation(): Promise<string[]> {
      child.stdin.end();
      await once(child, 'close');
      expect(complaints).toBe('');
      return output.split('\n').filter((line) => line !== '' && !/^\[|^Connected/.test(line));
    },
  };
}

/** A network between the terminal and the cloud that a test can cut. */
async function startNetwork() {
  const { port, hostname, pathname } = new URL(stack.cloud.url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      // After a cut, a side that still writes gets an error.
      socket.on('error', () => socket.destroy());
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  closing.push(() => {
    cut();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`, cut };
}

it('what is typed while it streams shows its state, then stands in the answer where it was taken in', async () => {
  const gate = createGate();
  stack.script([
    { chunks: ['draft\n', gate, 'ends'], toolCalls: [{ name: 'current_time', args: {} }] },
    { chunks: ['final answer'] },
  ]);
  const chat = startChat(stack.newSession());
  chat.type('first');
  await chat.shows('draft\n');
  chat.type('second');
  await chat.shows('[1. second   [accepted, steers at the next step]]');
  gate.open();
  expect(await chat.conversation()).toEqual([
    '> first',
    'draft',
    'ends',
    expect.stringMatching(/^\* current_time\(\) → time: .*/),
    '> second   [taken in at step 2]',
    'final answer',
    '-- done: 2 steps, 20 tokens in, 10 out, scripted',
  ]);
});

it('/queue waits for its own turn, /cancel withdraws, /stop keeps what was said', async () => {
  stack.script([{ chunks: ['half\n', createGate()] }, { chunks: ['whole'] }]);
  const chat = startChat(stack.newSession());
  chat.type('first');
  await chat.shows('half\n');
  chat.type('unwanted');
  await chat.shows('[1. unwanted   [accepted');
  chat.type('/cancel 1');
  await chat.shows('x unwanted   [withdrawn]');
  chat.type('/queue second');
  await chat.shows('[1. second   [queued, after this answer]]');
  chat.type('/stop');
  expect(await chat.conversation()).toEqual([
    '> first',
    'half',
    'x unwanted   [withdrawn]',
    '-- stopped. What was said is kept.',
    '> second',
    'whole',
    '-- done: 1 step, 10 tokens in, 5 out, scripted',
  ]);
});

it('says that it is connected, and what /help is', async () => {
  const chat = startChat(stack.newSession());
  await chat.shows('Connected. Write a message, also while it answers. /help lists the commands.');
  chat.type('/help');
  await chat.shows('/now text');
});

it('/now cuts in', async () => {
  stack.script([{ chunks: ['half\n', createGate()] }, { chunks: ['at once'] }]);
  const chat = startChat(stack.newSession());
  chat.type('first');
  await chat.shows('half\n');
  chat.type('/now second');
  expect((await chat.conversation()).slice(1, 4)).toEqual([
    'half',
    '> second   [taken in at step 2]',
    'at once',
  ]);
});

it('P9: a network that is cut in mid-answer loses nothing and doubles nothing', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['one\n', gate, 'two\n', 'three'] }]);
  const network = await startNetwork();
  const chat = startChat(stack.newSession(), network.url);
  chat.type('first');
  await chat.shows('one\n');
  network.cut();
  await chat.shows('[The connection is lost. Trying again …]');
  await chat.shows('Connected again.');
  gate.open();
  expect(await chat.conversation()).toEqual([
    '> first',
    'one',
    'two',
    'three',
    expect.stringMatching(/^-- done/),
  ]);
});

it('a session that is gone on with is told from its start', async () => {
  stack.script([{ chunks: ['answer'] }, { chunks: ['more'] }]);
  const session = stack.newSession();
  const before = startChat(session);
  before.type('first');
  await before.conversation();
  const after = startChat(session);
  await after.shows('answer');
  after.type('second');
  expect((await after.conversation()).slice(0, 5)).toEqual([
    '> first',
    'answer',
    expect.stringMatching(/^-- done: 1 step/),
    '> second',
    'more',
  ]);
});
