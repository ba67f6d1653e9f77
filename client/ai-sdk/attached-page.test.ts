import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ErrorReply } from '../protocol.ts';
import { accepted } from '../testing/given-chat.ts';
import { givenTransport, type Read, read } from '../testing/given-transport.ts';
import type { Story } from '../testing/story.ts';
import type { AttachedChat } from './transport.ts';
import type { Chunk } from './ui-message.ts';

afterEach(() => void vi.useRealTimers());

const typesOf = (chunks: readonly Chunk[]) => chunks.map(({ type }) => type);
const textOf = ({ chunks }: Read) =>
  chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('');

/** Adds a turn of another device to the story. */
function turnOf(story: Story, id: string): void {
  story.begin([id]);
  story.takeIn([{ id, content: id }], 1);
  story.say(`answer to ${id}`);
  story.end('done');
}

/** A page with a connection, attached as `useChat` is: what it was asked by kits, and each stream that it resumed. */
async function givenPage(status: AttachedChat['status'] = 'ready') {
  const given = givenTransport();
  const { transport, clock, story } = given;
  const kept: unknown[] = [];
  const resumed: Read[] = [];
  const page = {
    id: 's',
    status,
    // The library takes its time.
    addToolApprovalResponse: async (response: { id: string; approved: boolean }) => {
      await new Promise(setImmediate);
      kept.push(response);
    },
    addToolOutput: async (output: { toolCallId: string; output?: unknown }) => {
      await new Promise(setImmediate);
      kept.push(output);
    },
    resumeStream: async () => {
      const stream = await transport.reconnectToStream({ chatId: 's' });
      if (!stream) return;
      const told = read(stream);
      resumed.push(told);
      while (!told.isOver) await new Promise(setImmediate);
    },
  };
  const { addToolApprovalResponse, addToolOutput } = page;
  const detach = transport.attach(page as unknown as AttachedChat);
  const socket = await given.open();
  let told = 0;
  const tell = async () => {
    socket.deliver(...story.events.slice(told));
    told = story.events.length;
    for (let turn = 0; turn < 5; turn++) await clock.advance(0);
  };
  return {
    ...given,
    page,
    kept,
    resumed,
    detach,
    socket,
    tell,
    own: { addToolApprovalResponse, addToolOutput },
  };
}

describe('an attached page', () => {
  it.each([
    [true, 'approve'],
    [false, 'deny'],
  ] as const)(
    'answers the server at once and then the library (approved: %s), until it is detached',
    async (approved, decision) => {
      const { page, kept, socket, story, tell, detach, own } = await givenPage('streaming');
      story.begin(['u1']);
      story.ask('r1');
      await tell();
      await page.addToolApprovalResponse({ id: 'r1', approved });
      expect(socket.sentOf('approval_response')).toEqual([
        { type: 'approval_response', request_id: 'r1', decision },
      ]);
      expect(kept).toEqual([{ id: 'r1', approved }]);
      detach();
      expect(page).toMatchObject(own);
    },
  );

  it('gives an output to the server while a stream is open here, and to the library always', async () => {
    const { page, kept, send, socket, story, tell } = await givenPage('streaming');
    story.begin(['u1']);
    story.call('c1');
    story.askClient('r1', 'c1', 'lane-1');
    await tell();
    await page.addToolOutput({ toolCallId: 'c1', output: 1 });
    expect(socket.sentOf('tool_output')).toEqual([]);
    read(await send('m1'));
    await page.addToolOutput({ toolCallId: 'c1', output: 2 });
    expect(socket.sentOf('tool_output')).toEqual([{ type: 'tool_output', request_id: 'r1', output: 2 }]);
    expect(kept).toHaveLength(2);
  });

  it('shows the turns of other devices, each once, and none of its own', async () => {
    const { resumed, send, story, tell, detach } = await givenPage();
    turnOf(story, 'u1');
    await tell();
    expect(resumed.map(textOf)).toEqual(['answer to u1']);
    const own = read(await send('m1'));
    turnOf(story, 'm1');
    await tell();
    expect(textOf(own)).toBe('answer to m1');
    turnOf(story, 'u2');
    await tell();
    expect(resumed.map(textOf)).toEqual(['answer to u1', 'answer to u2']);
    detach();
    turnOf(story, 'u3');
    await tell();
    expect(resumed).toHaveLength(2);
  });

  it('that is not ready is asked when it is: it misses no turn, and sees them in their order', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { page, resumed, story, tell } = await givenPage('streaming');
    // A chat keeps the events of two turns.
    for (const id of ['u1', 'u2', 'u3', 'u4']) turnOf(story, id);
    await tell();
    await vi.advanceTimersByTimeAsync(1000);
    expect(resumed).toEqual([]);
    page.status = 'error';
    await vi.advanceTimersByTimeAsync(20);
    await tell();
    expect(resumed.map(textOf)).toEqual(['u1', 'u2', 'u3', 'u4'].map((id) => `answer to ${id}`));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that resumes nothing is asked once for each turn', async () => {
    const { page, story, tell } = await givenPage();
    const asked = vi.fn(async () => {});
    page.resumeStream = asked;
    for (const [at, id] of ['u1', 'u2'].entries()) {
      turnOf(story, id);
      await tell();
      expect(asked).toHaveBeenCalledTimes(at + 1);
    }
  });

  it('P1: is told of a message that a stop withdrew when nothing else is resumed', async () => {
    const { resumed, send, socket, tell } = await givenPage();
    const stop = new AbortController();
    read(await send('m1', { abortSignal: stop.signal }));
    socket.deliver({ ...accepted('m1'), placement: 'queued' });
    stop.abort();
    socket.deliver({ type: 'cancelled', ids: ['m1'], reason: 'withdrawn' });
    await tell();
    expect(resumed.map(({ chunks }) => typesOf(chunks))).toEqual([['start', 'data-message-state']]);
  });

  it('P1: is told of a withdrawn message also after it has resumed a turn to its end', async () => {
    const { resumed, send, socket, story, tell } = await givenPage();
    turnOf(story, 'u1');
    await tell();
    const stop = new AbortController();
    read(await send('m1', { abortSignal: stop.signal }));
    stop.abort();
    socket.deliver({ type: 'cancelled', ids: ['m1'], reason: 'withdrawn' });
    await tell();
    expect(resumed.map(({ chunks }) => chunks[0])).toEqual([
      { type: 'start', messageId: 'answer-turn-1' },
      { type: 'start', messageId: 'answer-m1' },
    ]);
  });
});

describe('tools that the page runs', () => {
  const answer = (...parts: object[]) =>
    ({
      messages: [{ id: 'answer-m1', role: 'assistant', parts }],
    }) as never;
  const output = (toolCallId: string, value: unknown) => ({
    type: 'tool-wait',
    toolCallId,
    state: 'output-available',
    input: {},
    output: value,
  });

  /** A turn that asks the page for two outputs. */
  async function asking({ isAttached = true } = {}) {
    const given = await givenPage('streaming');
    const { send, story, tell, detach } = given;
    if (!isAttached) detach();
    const first = read(await send('m1'));
    story.begin(['m1']);
    story.takeIn([{ id: 'm1', content: 'says m1' }], 1);
    for (const id of ['c1', 'c2']) story.call(id);
    story.askClient('r1', 'c1', 'lane-1');
    await tell();
    expect(first.isOver).toBe(false);
    story.askClient('r2', 'c2', 'lane-1');
    await tell();
    return { ...given, first };
  }

  it('end the stream when all calls wait for the page, which is ready then', async () => {
    const { first } = await asking();
    expect(first.chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'tool-calls' });
    expect(first.isOver).toBe(true);
  });

  it('nothing is resumed while they wait, whatever else happens; the turn is shown when it needs no page', async () => {
    const { page, resumed, socket, story, tell } = await asking();
    page.status = 'ready';
    socket.deliver({ type: 'renamed', session_id: 's', name: 'Trip' });
    story.result('c1');
    await tell();
    expect(resumed).toEqual([]);
    story.result('c2');
    await tell();
    expect(resumed).toHaveLength(1);
  });

  it('a page that is loaded meanwhile gives its outputs, and gets what follows alone', async () => {
    const { clock, open, send, story, transport } = givenTransport();
    story.begin(['m1']);
    story.takeIn([{ id: 'm1', content: 'says m1' }], 1);
    story.say('Let me see.');
    story.call('c1');
    story.askClient('r1', 'c1', 'lane-1');
    const loaded = transport.messages('s');
    const socket = await open();
    expect((await loaded).map(({ id }) => id)).toEqual(['m1', 'answer-m1']);
    const next = read(await send('', answer(output('c1', 7))));
    expect(socket.sentOf('tool_output')).toMatchObject([{ request_id: 'r1', output: 7 }]);
    story.result('c1');
    story.say('So.');
    socket.deliver(...story.events.slice(-2));
    await clock.advance(0);
    expect(typesOf(next.chunks)[0]).toBe('tool-output-available');
    expect(textOf(next)).toBe('So.');
  });

  it.each([true, false])(
    'their outputs go to the server, and the answer goes on with nothing that the page has (attached: %s)',
    async (isAttached) => {
      const { send, socket, story, tell } = await asking({ isAttached });
      const next = read(await send('', answer(output('c1', 1), output('c2', { n: 2 }))));
      expect(socket.sentOf('tool_output')).toEqual([
        { type: 'tool_output', request_id: 'r1', output: 1 },
        { type: 'tool_output', request_id: 'r2', output: { n: 2 } },
      ]);
      for (const id of ['c1', 'c2']) story.result(id);
      story.say('So.');
      story.end('done');
      await tell();
      expect(typesOf(next.chunks).slice(0, 3)).toEqual([
        'tool-output-available',
        'tool-output-available',
        'finish-step',
      ]);
      expect(textOf(next)).toBe('So.');
      expect(next.isOver).toBe(true);
      // Nothing more is asked, so that what comes now is no output.
      const again = read(await send('', answer(output('c1', 1))));
      await tell();
      expect(again.chunks.at(-1)).toMatchObject({ type: 'error' });
      expect(socket.sentOf('tool_output')).toHaveLength(2);
    },
  );

  it('P6: a message that is written meanwhile is no output: it steers', async () => {
    const { send, socket } = await asking();
    read(await send('m2'));
    expect(socket.sentOf('message').map(({ id }) => id)).toEqual(['m1', 'm2']);
  });

  it('an output that is refused fails with its words, and another one can be given', async () => {
    const { send, socket, story, tell } = await asking();
    const outputs = [output('c1', 1), output('c2', 2)];
    const refused = read(await send('', answer(...outputs)));
    const refusal: ErrorReply = {
      type: 'error',
      code: 'MESSAGE_TOO_LARGE',
      message: 'Too long.',
      terminal: false,
      retryable: false,
      id: 'r1',
    };
    socket.deliver(refusal);
    await tell();
    expect(refused.chunks).toEqual([{ type: 'error', errorText: 'Too long.' }]);
    const next = read(await send('', answer(...outputs)));
    expect(socket.sentOf('tool_output').map(({ request_id }) => request_id)).toEqual(['r1', 'r2', 'r1']);
    for (const id of ['c1', 'c2']) story.result(id);
    story.end('done');
    await tell();
    expect(next.chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' });
  });

  it('the turn stops with the stream that carries what follows', async () => {
    const { send, socket } = await asking();
    const stop = new AbortController();
    read(await send('', { ...(answer(output('c1', 1)) as object), abortSignal: stop.signal }));
    stop.abort();
    expect(socket.sentOf('abort')).toMatchObject([{ turn_id: 'turn-1', pending: 'discard' }]);
  });

  it('a turn that goes on without the page is shown there whole', async () => {
    const { page, resumed, story, tell } = await asking();
    page.status = 'ready';
    for (const id of ['c1', 'c2']) story.result(id);
    story.say('So.');
    story.end('done');
    await tell();
    expect(resumed.map(({ chunks }) => chunks[0])).toEqual([{ type: 'start', messageId: 'answer-m1' }]);
    expect(resumed.map(textOf)).toEqual(['So.']);
  });
});
