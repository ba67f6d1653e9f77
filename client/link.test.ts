import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LinkHandlers, openLink } from './link.ts';
import type { ServerFrame } from './protocol.ts';
import { FakeSocket } from './testing/socket.ts';

/** A link over a socket whose events the test makes, and what its handlers were called with. */
function givenLink() {
  const socket = new FakeSocket('wss://example.test/', []);
  const calls: unknown[][] = [];
  const told =
    (name: string) =>
    (...values: unknown[]) => {
      calls.push([name, ...values]);
    };
  const handlers: LinkHandlers = {
    opened: told('opened'),
    received: told('received'),
    confused: told('confused'),
    lost: told('lost'),
    trace: told('trace'),
  };
  const link = openLink(() => socket, handlers);
  return { link, socket, calls };
}

/** What a socket can tell. */
const tell = {
  open: ({ onopen }: FakeSocket) => onopen?.({} as never),
  message: ({ onmessage }: FakeSocket) => onmessage?.({ data: '{"type":"pong"}' } as never),
  close: ({ onclose }: FakeSocket) => onclose?.({ code: 1006, reason: '' } as never),
  error: ({ onerror }: FakeSocket) => onerror?.({} as never),
};

describe('a link', () => {
  it.each(Object.keys(tell) as (keyof typeof tell)[])('that is released hears no %s any more', (event) => {
    const { link, socket, calls } = givenLink();
    socket.accept();
    calls.length = 0;
    link.release();
    tell[event](socket);
    expect(calls).toEqual([]);
    expect(socket.readyState).toBe(3);
  });

  it.each(['close', 'error'] as const)('that ends with a %s is lost once, and closed', (event) => {
    const { socket, calls } = givenLink();
    socket.accept();
    calls.length = 0;
    tell[event](socket);
    tell.error(socket);
    tell.close(socket);
    expect(calls.map(([name]) => name)).toEqual(['lost']);
    expect(socket.readyState).toBe(3);
  });

  it('keeps a handler for errors of a socket that it closes: `ws` throws an error that nobody hears', () => {
    const { link, socket } = givenLink();
    link.release();
    expect(socket.onerror).toBeTypeOf('function');
  });

  it('says with which code and for which reason it was closed', () => {
    const { socket, calls } = givenLink();
    socket.onclose?.({ code: 1008, reason: 'too many' } as never);
    expect(calls).toEqual([['lost', 'closed with 1008 (too many)']]);
  });

  it('reads the same frame from a text and from its bytes in UTF-8, and tells of each', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (message) => {
        const frame: ServerFrame = { type: 'connected', message };
        const text = JSON.stringify(frame);
        const { socket, calls } = givenLink();
        const { buffer, byteOffset, byteLength } = new TextEncoder().encode(text);
        socket.accept();
        socket.deliverText(text);
        socket.deliverText(buffer.slice(byteOffset, byteOffset + byteLength));
        const heard = [
          ['trace', 'in', text],
          ['received', frame],
        ];
        expect(calls).toEqual([['opened'], ...heard, ...heard]);
      }),
      { numRuns: 30 },
    );
  });

  it('sends nothing while the socket is not open, and tells of each frame that it sends', () => {
    const { link, socket, calls } = givenLink();
    expect(link.send({ type: 'ping' })).toBe(false);
    socket.accept();
    expect(link.send({ type: 'ping' })).toBe(true);
    socket.readyState = 2;
    expect(link.send({ type: 'ping' })).toBe(false);
    expect(socket.sent).toEqual([{ type: 'ping' }]);
    expect(calls).toEqual([['opened'], ['trace', 'out', '{"type":"ping"}']]);
  });
});
