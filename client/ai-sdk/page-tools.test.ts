import { describe, expect, it } from 'vitest';
import type { EventFrame, Item, ToolItem } from '../index.ts';
import { askedCalls, outputsIn, unlessRefused } from './page-tools.ts';
import type { MidturnUIMessage } from './ui-message.ts';

type Part = MidturnUIMessage['parts'][number];
const user = (...parts: object[]) => ({ id: 'm1', role: 'user' as const, parts: parts as Part[] });

describe('tools of the page', () => {
  const tool = (id: string, request?: ToolItem['request']): Item => ({
    kind: 'tool',
    key: id,
    turnId: 't1',
    id,
    name: 'find',
    args: {},
    progress: undefined,
    result: undefined,
    request,
  });

  it('their outputs are what the page gave, an error too, and nothing of the server', () => {
    const part = (toolCallId: string, more: object) => ({
      type: 'tool-find',
      toolCallId,
      input: {},
      ...more,
    });
    const outputs = outputsIn(
      user(
        part('c1', { state: 'output-available', output: { a: 1 } }),
        part('c2', { state: 'output-error', errorText: 'no signal' }),
        part('c3', { state: 'output-available', output: undefined }),
        part('c4', { state: 'output-available', output: 1, providerExecuted: true }),
        part('c5', { state: 'input-available' }),
        { type: 'text', text: 'c6' },
      ),
    );
    expect(outputs).toEqual([
      { toolCallId: 'c1', output: { a: 1 } },
      { toolCallId: 'c2', errorText: 'no signal' },
      { toolCallId: 'c3', output: null },
    ]);
  });

  it('are asked while nothing was given for them', () => {
    const asked = { requestId: 'r1', timeoutSeconds: 60 };
    const items = [
      tool('c1', asked),
      tool('c2'),
      tool('c3', { ...asked, requestId: 'r3', answer: { output: 1 } }),
    ];
    expect(askedCalls({ items })).toEqual([{ requestId: 'r1', turnId: 't1', toolCallId: 'c1' }]);
  });

  it('a refusal of one of the outputs ends the events with its code, that of another call does not; nothing listens any more', async () => {
    const asked = { requestId: 'r1', turnId: 't1', toolCallId: 'c1' };
    const refused = (requestId: string) =>
      tool('c1', {
        requestId,
        timeoutSeconds: 60,
        refused: { code: 'MESSAGE_TOO_LARGE', message: 'Too long.' },
      });
    let items: Item[] = [];
    const listeners = new Set<() => void>();
    let isLeft = false;
    const chat = {
      transcript: {
        getSnapshot: () => ({ items }),
        subscribe: (listener: () => void) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    };
    const event: EventFrame = { type: 'chunk', seq: 1, turn_id: 't1', content: 'a', offset: 0 };
    const events = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          await new Promise(setImmediate);
          return items.length > 1 ? new Promise<never>(() => {}) : { done: false as const, value: event };
        },
        return: async () => {
          isLeft = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const read = unlessRefused(events, chat as never, [asked]);
    expect((await read.next()).value).toEqual(event);
    items = [refused('r9')];
    for (const listener of listeners) listener();
    expect((await read.next()).value).toEqual(event);
    items = [tool('c0'), refused('r1')];
    const next = read.next();
    for (const listener of listeners) listener();
    await expect(next).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE', message: 'Too long.' });
    expect([listeners.size, isLeft]).toEqual([0, true]);
  });
});
