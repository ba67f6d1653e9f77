import { readUIMessageStream } from 'ai';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Content, EventFrame, Item, ToolItem } from '../index.ts';
import { givenChat } from '../testing/given-chat.ts';
import { AnswerWriter } from './answer-writer.ts';
import { filePart, sourcePart, toContent, toUIParts } from './content-parts.ts';
import { askedCalls, outputsIn, unlessRefused } from './page-tools.ts';
import { type Refusal, restored } from './restored.ts';
import { deliveryOf, optionsOf } from './send-options.ts';
import { toUIMessages } from './stored-messages.ts';
import type { Chunk, MidturnUIMessage } from './ui-message.ts';
import { uploaded } from './uploaded.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

type Part = MidturnUIMessage['parts'][number];
const user = (...parts: object[]) => ({ id: 'm1', role: 'user' as const, parts: parts as Part[] });
const UNSUPPORTED = expect.objectContaining({ code: 'UNSUPPORTED' });

describe('what a message says', () => {
  it('is the same in the library’s form: texts, images and files in their order', () => {
    const anyName = fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }), {
      nil: undefined,
    });
    const anyPart = fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: fc.string({ unit: 'grapheme' }) }),
      fc.record({ type: fc.constant('image' as const), url: fc.constant('https://a.test/b.png') }),
      fc.record({
        type: fc.constant('image' as const),
        media_type: fc.constantFrom(
          'image/png' as const,
          'image/jpeg' as const,
          'image/gif' as const,
          'image/webp' as const,
        ),
        data: fc.base64String({ minLength: 4 }),
      }),
      fc
        .record({
          type: fc.constant('file' as const),
          file: fc.string({ minLength: 1, maxLength: 9 }),
          media_type: fc.constantFrom('application/pdf', 'audio/wav'),
          size: fc.integer({ min: 1 }),
          name: anyName,
        })
        .map(({ name, ...file }) => (name === undefined ? file : { ...file, name })),
    );
    fc.assert(
      fc.property(fc.array(anyPart, { minLength: 1, maxLength: 4 }), (parts) => {
        const content = toContent({ id: 'm1', role: 'user', parts: toUIParts(parts as Content) });
        const isText = parts.every(({ type }) => type === 'text');
        const text = parts.flatMap((part) => ('text' in part ? part.text : [])).join('\n');
        expect(content).toEqual(isText ? text : parts);
      }),
    );
    expect(toUIParts('hello')).toEqual([{ type: 'text', text: 'hello' }]);
  });

  it.each([
    ['another part', { type: 'reasoning', text: 'hm' }],
    ['an image by http', { type: 'file', mediaType: 'image/png', url: 'http://a.test/b.png' }],
    ['another file by https', { type: 'file', mediaType: 'application/pdf', url: 'https://a.test/b.pdf' }],
    ['an image of another type', { type: 'file', mediaType: 'image/bmp', url: 'data:image/bmp;base64,AAAA' }],
    ['an image that is not base64', { type: 'file', mediaType: 'image/png', url: 'data:image/png,AAAA' }],
  ])('is refused where the protocol has no form for it: %s', (_, part) => {
    expect(() => toContent(user(part))).toThrow(UNSUPPORTED);
  });

  it('goes with the delivery and the options of the body, if they are such', () => {
    expect([undefined, {}, { delivery: 'now' }].map(deliveryOf)).toEqual([{}, {}, { delivery: 'now' }]);
    expect([undefined, {}, { options: undefined }, { options: { a: 1 } }].map(optionsOf)).toEqual([
      {},
      {},
      {},
      { options: { a: 1 } },
    ]);
    expect(() => deliveryOf({ delivery: 'later' })).toThrow(UNSUPPORTED);
    for (const options of [null, [], 'a', 7]) expect(() => optionsOf({ options })).toThrow(UNSUPPORTED);
  });
});

it('sources and files of the model have all that is known of them', () => {
  expect(sourcePart({ id: 'x', type: 'url', url: 'https://a.test/', title: 'A' })).toEqual({
    type: 'source-url',
    sourceId: 'x',
    url: 'https://a.test/',
    title: 'A',
  });
  expect(sourcePart({ id: 'x', type: 'url', url: 'https://a.test/', title: undefined })).not.toHaveProperty(
    'title',
  );
  const paper = { id: 'x', type: 'document', mediaType: 'application/pdf', title: 'A' } as const;
  expect(sourcePart({ ...paper, filename: 'a.pdf' })).toEqual({
    type: 'source-document',
    sourceId: 'x',
    mediaType: 'application/pdf',
    title: 'A',
    filename: 'a.pdf',
  });
  expect(sourcePart({ ...paper, filename: undefined })).not.toHaveProperty('filename');
  const file = { mediaType: 'image/png', bytes: 9, data: 'AAAA', omitted: undefined };
  expect(filePart(file)).toEqual({ type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' });
  expect(filePart({ ...file, data: undefined, omitted: 'too_large' })).toEqual({
    type: 'data-omitted-file',
    data: { mediaType: 'image/png', bytes: 9, reason: 'too_large' },
  });
});

describe('files of a message', () => {
  /** A server whose messages have this room, and what its bucket was sent. */
  async function given(content_bytes: number, file_bytes: number | undefined = 1e6) {
    const { chat, clock, open, socket, story } = givenChat();
    const bodies: { size: number; type: string; bytes: Promise<ArrayBuffer> }[] = [];
    vi.stubGlobal('fetch', async (_: string, { body }: { body: Blob }) => {
      bodies.push({ size: body.size, type: body.type, bytes: body.arrayBuffer() });
      return new Response(null, { status: 200 });
    });
    const { limits } = story.sessionStart('lane-1');
    if (!limits) throw new Error('There are limits.');
    const connect = async () => {
      await clock.advance(0);
      const newest = socket();
      newest.onsent = (frame) => {
        if (frame.type !== 'upload') return;
        const answer = { file: `f-${frame.id}`, url: 'https://b.test/', headers: {}, expires_in_ms: 1 };
        newest.deliver({ type: 'upload', id: frame.id, method: 'PUT', ...answer });
      };
      return open('lane-1', { limits: { ...limits, content_bytes, ...(file_bytes && { file_bytes }) } });
    };
    return { chat, connect, bodies };
  }
  const image = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' };
  const pdf = {
    type: 'file',
    mediaType: 'application/pdf',
    url: 'data:application/pdf;base64,/wCA',
    filename: 'ä.pdf',
  };
  const note = { type: 'text', text: '€' };
  const sizeOf = (...parts: object[]) => Buffer.byteLength(JSON.stringify(JSON.stringify(parts)));

  it('travel in it as images, as long as all of it fits, by the bytes of its JSON', async () => {
    const size = sizeOf(note, image);
    for (const [room, uploads] of [
      [size, 0],
      [size - 1, 1],
    ] as const) {
      const { chat, connect, bodies } = await given(room);
      await connect();
      const { parts } = await uploaded(chat, user(note, image));
      expect(bodies).toHaveLength(uploads);
      expect(parts[1]).toMatchObject(
        uploads ? { url: expect.stringMatching(/^midturn-file:f-.*\?size=3$/) } : image,
      );
    }
  });

  it('that are no images are uploaded as they are, with their names', async () => {
    const { chat, connect, bodies } = await given(1e5);
    const text = { type: 'file', mediaType: '', url: 'data:audio/wav,a%C3%BFb' };
    // Whether the server takes files is known once there is a connection.
    const done = uploaded(chat, user(pdf, image, text));
    const socket = await connect();
    const message = await done;
    expect(message).toMatchObject({ id: 'm1', role: 'user' });
    expect(message.parts[1]).toBe(image);
    expect(socket.sentOf('upload').map(({ media_type, size, name }) => [media_type, size, name])).toEqual([
      ['application/pdf', 3, 'ä.pdf'],
      ['audio/wav', 3, undefined],
    ]);
    const [first] = bodies;
    expect([...new Uint8Array((await first?.bytes) ?? [])]).toEqual([0xff, 0x00, 0x80]);
  });

  it('stay as they are where the server takes none, which is known once it has been asked', async () => {
    const { chat, connect, bodies } = await given(1e5, 0);
    const message = user(pdf);
    const result = uploaded(chat, message);
    await connect();
    expect(await result).toBe(message);
    expect(bodies).toEqual([]);
    const foreign = user({ type: 'file', mediaType: 'image/png', url: 'https://a.test/b.png' });
    expect(await uploaded(givenChat().chat, foreign)).toBe(foreign);
  });
});

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

describe('an answer as it is written', () => {
  function given(isAsked = true) {
    const chunks: Chunk[] = [];
    const writer = new AnswerWriter((chunk) => chunks.push(chunk), {
      isShown: () => true,
      isAsked: () => isAsked,
    });
    let seq = 0;
    const add = (event: object) => writer.add({ ...event, seq: ++seq, turn_id: 't1' } as EventFrame);
    return { writer, add, taken: () => chunks.splice(0) };
  }
  const call = (id: string) => ({ type: 'tool_call', id, name: 'find', args: {} });
  const result = (id: string) => ({ type: 'tool_result', id, name: 'find', output: 'x' });

  it('a step ends when all of its calls have results, and each part has an id of its own', () => {
    const { add, taken } = given();
    for (const event of [{ type: 'chunk', content: 'a' }, call('c1'), call('c2'), result('c1')]) add(event);
    expect(taken().filter(({ type }) => type === 'finish-step')).toEqual([]);
    for (const event of [result('c2'), { type: 'chunk', content: 'b' }]) add(event);
    const types = taken().map((chunk) => ('id' in chunk ? `${chunk.type} ${chunk.id}` : chunk.type));
    expect(types).toEqual([
      'tool-output-available',
      'finish-step',
      'start-step',
      'text-start text-6',
      'text-delta text-6',
    ]);
  });

  it('a call that was denied is so in its result', () => {
    const { add, taken } = given();
    add(call('c1'));
    add({
      type: 'approval_request',
      request_id: 'r1',
      tool_call_id: 'c1',
      tool: 'find',
      arguments_summary: '',
      timeout_secs: 60,
    });
    add({ type: 'approval_resolved', request_id: 'r1', decision: 'deny', reason: 'timeout' });
    add(result('c1'));
    expect(taken().slice(-3)).toEqual([
      {
        type: 'tool-approval-response',
        approvalId: 'r1',
        approved: false,
        reason: 'timeout',
        providerExecuted: true,
      },
      { type: 'tool-output-denied', toolCallId: 'c1' },
      { type: 'finish-step' },
    ]);
  });

  it('waits for the page when it has to run all calls that are open', () => {
    const { add, writer, taken } = given();
    const ask = (id: string) => ({
      type: 'tool_output_request',
      request_id: `r${id}`,
      tool_call_id: id,
      tool: 'find',
      arguments: {},
      timeout_secs: 60,
      lane: 'l',
    });
    const waits = () => writer.waitsForPage;
    expect(waits()).toBe(false);
    for (const id of ['c1', 'c2']) add(call(id));
    add(ask('c1'));
    expect(waits()).toBe(false);
    add(result('c2'));
    expect(waits()).toBe(true);
    taken();
    writer.leave('t1');
    expect(taken().at(-1)).toEqual({
      type: 'finish',
      finishReason: 'tool-calls',
      messageMetadata: { turnId: 't1' },
    });
    add(result('c1'));
    expect(waits()).toBe(false);
    writer.leave('t1');
    expect(taken().at(-1)).toMatchObject({ finishReason: 'stop' });
    const other = given(false);
    other.add(call('c1'));
    other.add(ask('c1'));
    expect(other.writer.waitsForPage).toBe(false);
  });

  it('ends as the turn ends', () => {
    const ended = (event: object) => {
      const { add, taken } = given();
      add(event);
      return taken();
    };
    expect(ended({ type: 'aborted', full_response: '', by: 'ann' })).toEqual([
      { type: 'message-metadata', messageMetadata: { turnId: 't1', stopping: false } },
      { type: 'abort', reason: 'ann' },
    ]);
    const failure = { code: 'BUDGET_EXCEEDED', message: 'spent', retryable: true, until: 9 };
    expect(ended({ type: 'error', ...failure, full_response: '', terminal: true }).slice(-2)).toEqual([
      { type: 'data-failure', data: failure },
      { type: 'error', errorText: 'spent' },
    ]);
    const reasons = [undefined, 'stop', 'length', 'content_filter', 'refusal', 'new'].map((finish_reason) => {
      const end = ended({
        type: 'done',
        finish_reason,
        input_tokens: 1,
        output_tokens: 1,
        model: 'm',
        provider: 'p',
        steps: 1,
      }).at(-1);
      return end?.type === 'finish' && end.finishReason;
    });
    expect(reasons).toEqual(['stop', 'stop', 'length', 'content-filter', 'content-filter', 'other']);
  });
});
