import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { parseJson, readBody, replay } from './json-body.ts';

const MAX_BYTES = 16 * 1024 * 1024;

function requestWith(...chunks: readonly Buffer[]): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  for (const chunk of chunks) request.push(chunk);
  request.push(null);
  return request;
}

it('a body of at most 16 MB is read, in however many pieces', async () => {
  const piece = Buffer.alloc(MAX_BYTES / 2 + 1);
  const read = around(MAX_BYTES).map((bytes) =>
    readBody(requestWith(piece, piece.subarray(0, bytes - piece.length))),
  );
  const sizes = (await Promise.all(read)).map((body) => body?.length);
  expect(sizes).toEqual([MAX_BYTES - 1, MAX_BYTES, undefined]);
  expect(await readBody(requestWith())).toEqual(Buffer.alloc(0));
});

it('a body whose sender was killed is none', async () => {
  const request = new IncomingMessage(new Socket());
  request.push('{');
  const read = readBody(request);
  request.destroy(new Error('killed'));
  expect(await read).toBeUndefined();
});

it('a body is read again whole where its letters were divided between pieces', async () => {
  const bytes = Buffer.from('{"a":"€😀"}');
  for (let at = 0; at <= bytes.length; at++) {
    const body = await readBody(requestWith(bytes.subarray(0, at), bytes.subarray(at)));
    expect(body && parseJson(body)?.value).toEqual({ a: '€😀' });
    expect(body && (await readBody(replay(requestWith(), body)))).toEqual(bytes);
  }
});

it.each(['', '{', 'x'])('%j is no JSON', (text) => {
  expect(parseJson(Buffer.from(text))).toBeUndefined();
});
