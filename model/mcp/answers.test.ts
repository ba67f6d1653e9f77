import { MCPClientError } from '@ai-sdk/mcp';
import { describe, expect, it } from 'vitest';
import { changedTools } from './changed-tools.ts';
import { messagesIn } from './messages-in.ts';
import { progressOf } from './progress.ts';
import { isRefusal, withPlainErrors } from './refusal.ts';

/** What the answers of a server say: each reader by itself. */

describe('a call that the server refused, so that the tool surely did not run', () => {
  const refused = (statusCode: number | undefined, responseBody?: string) =>
    isRefusal(
      new MCPClientError({
        message: 'no',
        ...(statusCode !== undefined && { statusCode }),
        ...(responseBody !== undefined && { responseBody }),
      }),
    );

  it.each([
    [399, false],
    [400, true],
    [401, true],
    [404, true],
    [407, true],
    [408, false],
    [409, true],
    [429, true],
    [499, true],
    [500, false],
    [502, false],
    [503, true],
    [504, false],
    [undefined, false],
  ])('by the status %s: %s', (status, expected) => {
    expect(refused(status)).toBe(expected);
    expect(isRefusal(Object.assign(new Error('no'), { statusCode: status }))).toBe(false);
  });

  it.each([
    ['no healthy upstream', true],
    ['upstream connect error. reset reason: connection failure', true],
    ['upstream connect error. reset reason: remote connection failure', true],
    ['upstream connect error. reset reason: local connection failure', true],
    ['upstream connect error. reset reason: connection timeout', true],
    ['upstream connect error. reset reason: overflow', true],
    ['upstream connect error. reset reason: connection termination', false],
    ['upstream connect error. Reset reason: remote reset', false],
  ])('or by 503 of Envoy, unless the connection broke after it was sent: %s', (body, expected) =>
    expect(refused(503, body)).toBe(expected),
  );
});

describe('an error of HTTP', () => {
  const said = JSON.stringify({ jsonrpc: '2.0', id: 'server-error', error: { code: 1, message: 'no' } });
  const read = async (status: number, isUp: boolean, method = 'POST') => {
    const answering = async () =>
      new Response(said, { status, headers: { 'content-type': 'application/json' } });
    const answer = await withPlainErrors(answering, () => isUp)('http://books.test', { method });
    return [answer.status, await answer.text(), answer.headers.get('content-type')];
  };

  it('is no message of the protocol once the connection is up, and keeps its status', async () => {
    expect(await read(404, true)).toEqual([404, `The server said: ${said}`, expect.stringMatching(/^text/)]);
  });

  it('is read as it is while the client connects, and for anything but a message', async () => {
    const unchanged = (status: number) => [status, said, 'application/json'];
    expect(await read(400, false)).toEqual(unchanged(400));
    expect(await read(404, true, 'DELETE')).toEqual(unchanged(404));
    expect(await read(200, true)).toEqual(unchanged(200));
  });
});

describe('messages in an answer', () => {
  async function told(body: string, type: string | undefined, words = ['word']) {
    const seen: unknown[] = [];
    const answer = messagesIn(
      new Response(new TextEncoder().encode(body), {
        status: 201,
        ...(type && { headers: { 'content-type': type } }),
      }),
      words,
      (message) => seen.push(message),
    );
    expect(await answer.text()).toBe(body);
    expect(answer.status).toBe(201);
    return seen;
  }
  const message = { method: 'word', id: 1 };
  const json = JSON.stringify(message);

  it.each([
    ['one of JSON', json, 'application/json; charset=utf-8', [message]],
    ['none of the words', json.replace('word', 'other'), 'application/json', []],
    ['no JSON', '<p>word</p>', 'application/json', []],
    ['JSON that is no object', '"word"', 'application/json', []],
    ['another type', json, 'text/html', []],
    ['no type', json, undefined, []],
    ['an event without a space', `data:${json}\n\n`, 'text/event-stream', [message]],
    [
      'an event of several lines',
      `id: 7\ndata: {"method":\ndata: "word","id":1}\n\n`,
      'text/event-stream',
      [message],
    ],
    ['two events', `data: ${json}\r\n\r\ndata: ${json}\r\n\r\n`, 'text/event-stream', [message, message]],
    [
      'an event that is not JSON, and one that is',
      `data: word\n\ndata: ${json}\n\n`,
      'text/event-stream',
      [message],
    ],
    [
      'lines that are JSON only without their end',
      'data: {"method":"wo\ndata: rd"}\n\n',
      'text/event-stream',
      [],
    ],
    ['an event that does not end', `data: ${json}`, 'text/event-stream', []],
  ])('are told as they come, and the answer stays: %s', async (_what, body, type, expected) =>
    expect(await told(body, type)).toEqual(expected),
  );

  it('are none where it has no body', () => {
    const empty = new Response(null, { status: 202, headers: { 'content-type': 'application/json' } });
    expect(messagesIn(empty, ['word'], () => {})).toBe(empty);
  });
});

describe('progress', () => {
  const of = (params: unknown, userToken?: string, method = 'notifications/progress') =>
    progressOf({ method, params }, { progressToken: 7, userToken });

  it('is what a server says of the call: 0 of 0 too', () => {
    expect(of({ progressToken: 7, progress: 0, total: 0, message: '' })).toEqual({
      progress: 0,
      total: 0,
      message: '',
    });
    expect(of({ progressToken: 7, progress: 1, total: '2', message: 3 })).toEqual({ progress: 1 });
  });

  it.each([
    { progressToken: 8, progress: 1 },
    { progressToken: '7', progress: 1 },
    { progressToken: 7, progress: '1' },
    { progressToken: 7 },
    undefined,
    null,
  ])('is nothing else: %j', (params) => expect(of(params)).toBeUndefined());

  it('is of no other message', () =>
    expect(of({ progressToken: 7, progress: 1 }, undefined, 'notifications/message')).toBeUndefined());

  it('has a message of at most 500 characters, without each of the tokens that it quotes', () => {
    expect(of({ progressToken: 7, progress: 1, message: 'é'.repeat(500) })).toEqual({
      progress: 1,
      message: 'é'.repeat(500),
    });
    expect(of({ progressToken: 7, progress: 1, message: 'é'.repeat(501) })).toEqual({
      progress: 1,
      message: `${'é'.repeat(499)}…`,
    });
    expect(of({ progressToken: 7, progress: 1, message: 'a$1 and a$1' }, 'a$1')).toEqual({
      progress: 1,
      message: '[token] and [token]',
    });
  });
});

describe('tools that have changed', () => {
  const tool = (name: string, description = '') => ({ name, description });

  it('are named by what became of them', () => {
    const before = [tool('kept'), tool('gone'), tool('reworded', 'old')];
    expect(changedTools(before, [tool('reworded', 'new'), tool('kept'), tool('fresh')])).toEqual({
      added: ['fresh'],
      removed: ['gone'],
      changed: ['reworded'],
    });
  });

  it('are ten at most of each, whose names are cut: the log has room for no more', () => {
    const named = (count: number) => Array.from({ length: count }, (_, i) => tool(`${i}`.padEnd(65, '-')));
    const { added } = changedTools([], named(11));
    expect(added).toEqual(named(10).map(({ name }) => name.slice(0, 64)));
  });
});
