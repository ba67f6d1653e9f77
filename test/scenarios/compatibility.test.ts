import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CLIENT_FRAMES } from '../../protocol/client-frames.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, chunk, end } from '../support/frames.ts';
import { createGate, type Script } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { Received, WsClient } from '../support/ws-client.ts';

/**
 * A client of the ZeroClaw gateway against this server: it sends only what that gateway knows, and reads only what that
 * gateway sends. What it may expect is read from the tables of docs/compatibility.md, so that they stay true.
 */

const folder = join(import.meta.dirname, '../../dist/agent-of-the-gateway');

/** An agent with a tool that needs approval. */
const AGENT = `
import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';
import { wait } from './tools/wait.ts';

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: {
    current_time: { tool: currentTime, idempotent: true },
    wait: { tool: wait, needsApproval: ({ seconds }: { seconds: number }) => seconds === 0.25 },
  },
});
`;
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

const stack = givenStack({
  bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  settings: {
    MIDTURN_AUTH: 'tokens',
    MIDTURN_TOKENS: 'token-of-ann=acme/ann',
    MIDTURN_INBOX_LIMIT: '2',
    MIDTURN_CONTEXT_TOKENS: '100',
    MIDTURN_GREET_SILENT: 'true',
  },
});
const principal = { tenant: 'acme', subject: 'ann' };

const page = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');

/** The rows of the table under this heading, cell by cell. */
function tableOf(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  const rows = table.split('\n').filter((line) => line.startsWith('| '));
  return rows
    .slice(2)
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\|\s*|\s*\|$/g, '').trim()));
}

const wordOf = (cell = ''): string => /^`(\w+)`/.exec(cell)?.[1] ?? '';

interface Field {
  name: string;
  optional: boolean;
  type: string;
}

const fieldsOf = (cell = ''): Field[] =>
  [...cell.matchAll(/`(\w+)`(\??) (\w+)/g)].map(([, name = '', mark, type = '']) => ({
    name,
    optional: mark === '?',
    type,
  }));

const PROMISED = tableOf('To the client').map(([frame, fields, here]) => ({
  frame: wordOf(frame),
  fields: fieldsOf(fields),
  sent: here !== 'Not sent yet.',
}));

/** Every frame of a kind that the gateway has, as the conversations below received it. */
const received = new Map<string, Record<string, unknown>[]>();

/** What such a client shows of a conversation: it knows no `seq`, no ids, and no turns. */
function shownBy(frames: readonly Received[]): string[] {
  const shown: string[] = [];
  let answer = '';
  for (const frame of frames) {
    if (frame.type === 'chunk') answer += frame.content;
    if (frame.type === 'done') {
      shown.push(frame.full_response ?? answer);
      answer = '';
    }
    if (frame.type === 'aborted' || (frame.type === 'error' && answer)) {
      shown.push(answer);
      answer = '';
    }
  }
  return shown;
}

async function open(script: Script): Promise<WsClient> {
  stack.script(script);
  const client = await stack.connect(stack.newSession(), {
    query: { token: 'token-of-ann', name: 'Soups', agent: 'cook' },
    protocols: ['zeroclaw.v1'],
    principal,
  });
  client.socket.on('message', (data) => {
    const frame = JSON.parse(data.toString()) as Record<string, unknown>;
    const type = String(frame.type);
    received.set(type, [...(received.get(type) ?? []), frame]);
  });
  return client;
}

const say = (client: WsClient, content: string) =>
  client.sendRaw(JSON.stringify({ type: 'message', content }));

describe('a client of the ZeroClaw gateway', () => {
  it('is greeted, and shows an answer with its thoughts and its tools', async () => {
    const client = await open([
      {
        thinking: ['Let me see.'],
        chunks: ['I look it up. '],
        toolCalls: [{ id: 'call-1', name: 'current_time', args: { time_zone: 'Europe/Vienna' } }],
      },
      { chunks: ['It is ', 'noon.'] },
    ]);
    expect(client.protocol).toBe('zeroclaw.v1');
    client.sendRaw(JSON.stringify({ type: 'connect', device_name: 'desk', capabilities: ['approvals'] }));
    await client.next('connected');
    say(client, 'What time is it?');
    await end(client);
    expect(shownBy(client.frames)).toEqual(['I look it up. It is noon.']);
  });

  it('steers, without a word of ids or places', async () => {
    const gate = createGate();
    const client = await open([{ chunks: ['A soup', gate, '.'] }, { chunks: [' With ginger.'] }]);
    say(client, 'What shall I cook?');
    await chunk(client, 'A soup');
    say(client, 'No onions, please.');
    await client.waitFor((frame) => frame.type === 'accepted' && frame.placement === 'steering');
    gate.open();
    await end(client);
    // One answer: what was said before stands.
    expect(shownBy(client.frames)[0]).toMatch(/^A soup\..*With ginger\.$/s);
    expect(shownBy(client.frames)).toHaveLength(1);
  });

  it('keeps what was said of a turn that is stopped from elsewhere', async () => {
    const gate = createGate();
    const client = await open([{ chunks: ['Half an ', gate, 'answer'] }]);
    say(client, 'Go on.');
    await chunk(client, 'Half an ');
    client.send({ type: 'abort' });
    await end(client);
    expect(shownBy(client.frames)).toEqual(['Half an ']);
    gate.open();
  });

  it('approves a tool, and is given what it made', async () => {
    const client = await open([
      { toolCalls: [{ name: 'wait', args: { seconds: 0.25 } }] },
      { chunks: ['It has simmered.'] },
    ]);
    say(client, 'Let it simmer.');
    const { request_id } = await client.next('approval_request');
    client.sendRaw(JSON.stringify({ type: 'approval_response', request_id, decision: 'approve' }));
    await end(client);
    expect(shownBy(client.frames)).toEqual(['It has simmered.']);
  });

  it('is told that the model no longer sees the beginning', async () => {
    const client = await open([{ chunks: ['Noted.'] }, { chunks: ['Something about a soup.'] }]);
    say(client, `Once upon a time there was a soup. ${'It was stirred. '.repeat(40)}`);
    await end(client);
    say(client, 'What was it about?');
    await end(client, 2);
    expect(received.get('history_trimmed')).toMatchObject([{ dropped_messages: 3, kept_turns: 0 }]);
  });

  it('is told what it did wrong, and what became of a turn that failed', async () => {
    const gate = createGate();
    const client = await open([
      { chunks: ['one', gate] },
      { status: 401, body: { error: { message: 'no such key' } } },
    ]);
    client.sendRaw('{"type":');
    client.sendRaw(JSON.stringify({ type: 'dance' }));
    say(client, '');
    client.sendRaw(JSON.stringify({ type: 'approval_response', request_id: 'none', decision: 'approve' }));
    say(client, 'Begin.');
    await chunk(client, 'one');
    for (let i = 0; i < 2; i++) {
      say(client, `more ${i}`);
      await client.waitFor(
        (frame) => frame.type === 'accepted' && frame.position === i && frame.placement === 'steering',
      );
    }
    say(client, 'one too many');
    await client.waitFor((frame) => frame.type === 'error' && frame.code === 'STEERING_QUEUE_FULL');
    gate.open();
    await end(client);
    const codes = (received.get('error') ?? []).map(({ code }) => code);
    expect(new Set(codes)).toEqual(
      new Set([
        'INVALID_JSON',
        'UNKNOWN_MESSAGE_TYPE',
        'EMPTY_CONTENT',
        'INVALID_APPROVAL_RESPONSE',
        'STEERING_QUEUE_FULL',
        'AUTH_ERROR',
      ]),
    );
  });

  it('finds its session again, as one that is resumed', async () => {
    stack.script([{ chunks: ['Noted.'] }]);
    const session = stack.newSession();
    const query = { token: 'token-of-ann' };
    const first = await stack.connect(session, { query, principal });
    first.send({ type: 'message', id: 'm1', content: 'Remember the salt.' });
    await accepted(first, 'm1');
    await end(first);
    await first.close();
    const second = await stack.connect(session, { query, protocols: ['zeroclaw.v1'], principal });
    second.sendRaw(JSON.stringify({ type: 'connect' }));
    expect(await second.next('session_start')).toMatchObject({ resumed: true, message_count: 3 });
  });

  it('P9: is told what goes on after a reconnect, though it says nothing, and is told once when it speaks', async () => {
    const gate = createGate();
    const first = await open([{ chunks: ['Half an ', gate, 'answer'] }]);
    say(first, 'Go on.');
    await chunk(first, 'Half an ');
    const { session_id } = await first.waitFor('session_start');
    await first.close();
    const again = { query: { token: 'token-of-ann' }, principal };
    const [silent, other] = await Promise.all([
      stack.connect(session_id, { ...again, protocols: ['zeroclaw.v1'] }),
      stack.connect(session_id, { ...again, protocols: ['midturn.v1'] }),
    ]);
    await silent.next('session_start');
    gate.open();
    await end(silent);
    expect(silent.frames.flatMap((frame) => (frame.type === 'chunk' ? frame.content : []))).toEqual([
      'answer',
    ]);
    // One that speaks for itself is not spoken to.
    expect(other.frames).toEqual([]);
    for (const client of [silent, other]) {
      client.sendRaw(JSON.stringify({ type: 'connect' }));
      await client.next('connected');
      expect(client.frames.filter(({ type }) => type === 'session_start')).toHaveLength(1);
    }
  });
});

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);

describe('docs/compatibility.md', () => {
  afterAll(() => received.clear());

  it.each(PROMISED.filter(({ sent }) => sent))('is true of $frame', ({ frame, fields }) => {
    const frames = received.get(frame) ?? [];
    expect(frames.length, `${frame} was never received`).toBeGreaterThan(0);
    for (const one of frames) {
      for (const { name, optional, type } of fields) {
        if (optional && one[name] === undefined) continue;
        expect(one, frame).toHaveProperty(name);
        if (type !== 'json') expect(typeOf(one[name]), `${name} of ${frame}`).toBe(type);
      }
    }
    for (const { name, optional } of fields) {
      if (optional)
        expect(
          frames.some((one) => one[name] !== undefined),
          `${name} of ${frame}`,
        ).toBe(true);
    }
  });

  it('lists frames that this server takes', () => {
    const rows = tableOf('From the client').map(([frame]) => wordOf(frame));
    expect(rows).toHaveLength(3);
    for (const frame of rows) expect(Object.keys(CLIENT_FRAMES)).toContain(frame);
  });

  it('lists codes: those that are the same are sent, those that are not are no code of this server', () => {
    const rows = tableOf('Codes');
    expect(rows.length).toBeGreaterThan(10);
    for (const [code, here] of rows) {
      const known = ERROR_CODES.some((one) => one === wordOf(code));
      expect(known, code).toBe(here?.startsWith('The same'));
    }
  });
});
