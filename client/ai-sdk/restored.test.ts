import { readUIMessageStream } from 'ai';
import { describe, expect, it } from 'vitest';
import type { Item, ToolItem } from '../index.ts';
import { type Refusal, restored } from './restored.ts';
import { toUIMessages } from './stored-messages.ts';
import type { Chunk, MidturnUIMessage } from './ui-message.ts';

type Part = MidturnUIMessage['parts'][number];

/** The message that the library makes of these chunks. */
async function messageOf(stream: ReadableStream<Chunk>): Promise<MidturnUIMessage | undefined> {
  let message: MidturnUIMessage | undefined;
  for await (const next of readUIMessageStream<MidturnUIMessage>({
    stream: stream as never,
    onError: () => {},
  }))
    message = next;
  return message;
}

describe('what was removed and is put back', () => {
  const head = (key: string) => ({ key, turnId: 't1' });
  const applied = (id: string, from?: 'system'): Item => ({
    kind: 'user',
    key: `user:${id}`,
    id,
    content: `says ${id}`,
    from,
    delivery: 'steer',
    state: { status: 'applied', turnId: 't1', step: 1 },
    withdrawing: false,
  });
  const called = (id: string, more: Partial<ToolItem> = {}): Item => ({
    kind: 'tool',
    ...head(`e${id}`),
    id,
    name: 'find',
    args: { id },
    progress: undefined,
    result: { output: `found ${id}`, isError: false, truncated: false },
    ...more,
  });
  const asked = (toolCallId: string, decision: 'approve' | 'deny' | undefined, reason = 'answer'): Item => ({
    kind: 'approval',
    ...head(`a${toolCallId}`),
    requestId: `r${toolCallId}`,
    toolCallId,
    tool: 'find',
    summary: '{}',
    arguments: {},
    offersAlways: true,
    timeoutSeconds: 60,
    askedAt: 5,
    decision,
    resolved: decision && { reason, by: undefined },
  });
  const end: Item = { kind: 'turn_end', ...head('end'), outcome: { result: 'aborted', by: 'ann' } };
  const items: Item[] = [
    applied('m1'),
    { kind: 'thinking', ...head('e1'), content: 'hm' },
    { kind: 'text', ...head('e2'), content: 'one' },
    called('c1'),
    asked('c1', 'approve'),
    called('c2', { result: { output: 'broken', isError: true, truncated: false } }),
    called('c3'),
    asked('c3', 'deny', 'timeout'),
    { kind: 'text', ...head('e3'), content: 'two' },
    {
      kind: 'sources',
      ...head('e4'),
      sources: [{ id: 'x', type: 'url', url: 'https://a.test/', title: 'A' }],
    },
    applied('m2'),
    applied('s1', 'system'),
    { kind: 'text', ...head('e5'), content: 'three' },
    end,
  ];
  const refusal: Refusal = { code: 'UNSUPPORTED', message: 'No.', retryable: false };

  it('is all of it, after the last message that is shown, in one answer with the end of the last', async () => {
    const all = toUIMessages({ items });
    const message = await messageOf(restored(items, 'm1', refusal));
    const [answer, , , last] = all.slice(1);
    // Calls that follow one another are of one model call.
    expect(answer?.parts.map(({ type }) => type).filter((type) => !type.startsWith('data-'))).toEqual([
      ...['step-start', 'reasoning', 'text', 'tool-find', 'tool-find', 'tool-find'],
      ...['step-start', 'text', 'source-url'],
    ]);
    expect(message?.id).toBe('answer-m1');
    expect(message?.metadata).toEqual({ turnId: 't1', stopping: false });
    const shown = message?.parts.filter(({ type }) => type !== 'data-failure');
    /** The library gives reasoning an id of its own. */
    const plain = (parts: readonly Part[]) =>
      parts.map((part) =>
        JSON.parse(JSON.stringify(part.type === 'reasoning' ? { ...part, id: undefined } : part)),
      );
    const before = plain(answer?.parts ?? []);
    expect(plain(shown ?? []).slice(0, before.length)).toEqual(before);
    expect(plain(shown ?? []).slice(before.length)).toEqual([
      { type: 'steering-message', id: 'm2', parts: [{ type: 'text', text: 'says m2' }] },
      {
        type: 'data-midturn-system-message',
        id: 's1',
        data: { messageId: 's1', parts: [{ type: 'text', text: 'says s1' }] },
      },
      ...plain(last?.parts ?? []),
    ]);
  });

  it('then fails with the reason, which is no part of the answer', async () => {
    const chunks: Chunk[] = [];
    for await (const chunk of restored(items, 'm2', refusal) as unknown as AsyncIterable<Chunk>)
      chunks.push(chunk);
    expect(chunks[0]).toEqual({ type: 'start', messageId: 'answer-m2' });
    expect(chunks.slice(-2)).toEqual([
      { type: 'data-failure', data: refusal, transient: true },
      { type: 'error', errorText: 'No.' },
    ]);
    const none: Chunk[] = [];
    for await (const chunk of restored(items, undefined, refusal) as unknown as AsyncIterable<Chunk>)
      none.push(chunk);
    expect(none[0]).toEqual({ type: 'start', messageId: 'answer-' });
    const older: Chunk[] = [];
    const whole = restored(items.slice(1, 3), undefined, refusal);
    for await (const chunk of whole as unknown as AsyncIterable<Chunk>) older.push(chunk);
    expect(older[0]).toEqual({ type: 'start', messageId: 'answer-t1' });
  });

  it('as it is loaded: messages that no turn has are left out; each answer is named by what it answers', () => {
    const refused: Item = {
      ...(applied('m9') as Extract<Item, { kind: 'user' }>),
      state: { status: 'cancelled', reason: '' },
    };
    const messages = toUIMessages({
      items: [{ kind: 'text', ...head('e0'), content: 'older' }, refused, ...items],
    });
    expect(messages.map(({ id, role }) => [id, role])).toEqual([
      ['answer-t1', 'assistant'],
      ['m1', 'user'],
      ['answer-m1', 'assistant'],
      ['m2', 'user'],
      ['s1', 'system'],
      ['answer-s1', 'assistant'],
    ]);
    const states = messages.map(({ parts }) =>
      parts.filter(({ type }) => type === 'data-message-state').map((part) => 'id' in part && part.id),
    );
    expect(states).toEqual([[], [], ['m1'], [], [], ['m2']]);
  });

  it('a call that the page is to run, and one that runs, are open; an error that is no text is its JSON', () => {
    const partOf = (item: Item) => toUIMessages({ items: [item] })[0]?.parts[1];
    const open = { result: undefined, request: { requestId: 'r1', timeoutSeconds: 60 } };
    expect(partOf(called('c1', open))).toMatchObject({ state: 'input-available', providerExecuted: false });
    expect(partOf(called('c1', { result: undefined, progress: 7 }))).toMatchObject({
      output: 7,
      preliminary: true,
      providerExecuted: true,
    });
    const error = { output: { code: 1 }, isError: true, truncated: false };
    expect(partOf(called('c1', { result: error }))).toMatchObject({
      state: 'output-error',
      errorText: '{"code":1}',
    });
    // The decision is under way: the request stands as it was asked.
    const deciding = { ...asked('c1', undefined), decision: 'approve' } as Item;
    const [data] = (
      toUIMessages({ items: [called('c1', { result: undefined }), deciding] })[0]?.parts ?? []
    ).slice(-1);
    expect(data).toMatchObject({ type: 'data-approval', data: { requestId: 'rc1' } });
    expect(data).not.toHaveProperty('data.decision');
  });
});
