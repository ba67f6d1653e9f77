import { describe, expect, it } from 'vitest';
import type { ApprovalItem, Item, MessageState, ToolItem, Usage, UserItem } from '../client/index.ts';
import { Feed, waitingNote } from './feed.ts';

const user = (id: string, state: UserItem['state']): UserItem => ({
  kind: 'user',
  key: `user:${id}`,
  id,
  content: id,
  delivery: 'steer',
  state,
  withdrawing: false,
});
const applied = (id: string, step = 1) => user(id, { status: 'applied', turnId: 't', step });
const text = (content: string, key = 'e1'): Item => ({ kind: 'text', key, turnId: 't', content });
const end: Item = { kind: 'turn_end', key: 'e9', turnId: 't', outcome: { result: 'aborted', by: 'user' } };

it('tells each thing once, as it grows, and a message where it landed', () => {
  const feed = new Feed();
  const waiting = user('second', { status: 'sending' });
  const told = (...items: Item[]) => feed.next({ items }).map((piece) => piece.text);
  expect(told(applied('first'), text('one '), waiting)).toEqual(['> first', 'one ']);
  expect(told(applied('first'), text('one two'), waiting)).toEqual(['two']);
  expect(told(applied('first'), text('one two'), applied('second', 2), text('three', 'e5'))).toEqual([
    '> second   [taken in at step 2]',
    'three',
  ]);
});

it('what the application sent does not look like the user’s', () => {
  const item: Item = { ...applied('Paid.', 2), from: 'system' };
  expect(new Feed().next({ items: [item] })).toMatchObject([
    { style: 'note', text: '[system] Paid.   [taken in at step 2]' },
  ]);
});

it('4.1.3: who answered a request is the user, whatever the name of the principal', () => {
  const answered = (decision: 'approve' | 'deny') => {
    const resolved = { reason: 'answer', by: 'anonymous' };
    const request = { arguments: {}, summary: '{}', offersAlways: false, timeoutSeconds: 1 } as const;
    const item: Item = {
      kind: 'approval',
      key: 'e2',
      turnId: 't',
      requestId: 'r',
      toolCallId: 'c',
      tool: 'pay',
      ...request,
      decision,
      resolved,
    };
    return new Feed().next({ items: [item] }).at(-1)?.text;
  };
  expect(answered('approve')).toBe('pay was approved by you.');
  expect(answered('deny')).toBe('pay was denied by you.');
});

it('an answer that begins with line breaks begins on its own line', () => {
  const feed = new Feed();
  const told = (content: string) => feed.next({ items: [text(content)] }).map((piece) => piece.text);
  expect(told('\n')).toEqual([]);
  expect(told('\n\none')).toEqual(['one']);
  expect(told('\n\none\n\ntwo')).toEqual(['\n\ntwo']);
});

it('says nothing again when history tells a finished turn in other pieces', () => {
  const feed = new Feed();
  feed.next({ items: [applied('first'), text('one'), end] });
  expect(feed.next({ items: [applied('first'), text('one', 'n2')] })).toEqual([]);
});

it('a tool that asks is told with how to answer, then what became of it', () => {
  const feed = new Feed();
  const asks = {
    kind: 'approval',
    key: 'e2',
    turnId: 't',
    requestId: 'r1',
    toolCallId: 'c1',
    tool: 'order',
    summary: '{"item":"tea"}',
    arguments: { item: 'tea' },
    offersAlways: true,
    timeoutSeconds: 120,
  } as const;
  const told = (item: Item) => feed.next({ items: [item] }).map(({ text }) => text);
  const open = { ...asks, decision: undefined, resolved: undefined };
  expect(told(open)).toEqual([
    'order asks to run:\n  item: "tea"\n/approve, /always or /deny. Without an answer it counts as denied after 120 s.',
  ]);
  expect(told({ ...asks, decision: 'approve', resolved: undefined })).toEqual([]);
  const resolved = { reason: 'answer', by: 'ann' };
  expect(told({ ...asks, decision: 'approve', resolved })).toEqual(['order was approved by you.']);
  const before = { reason: 'always', by: undefined };
  const later = new Feed().next({ items: [{ ...asks, decision: 'always', resolved: before }] });
  expect(later.at(-1)?.text).toBe('order was approved: you answered /always before.');
});

it('a tool is one line, told when its result is there', () => {
  const feed = new Feed();
  const tool = {
    kind: 'tool',
    key: 'e3',
    turnId: 't',
    id: 'c',
    name: 'wait',
    args: { seconds: 1 },
    progress: undefined,
  } as const;
  expect(feed.next({ items: [{ ...tool, result: undefined }] })).toEqual([]);
  const result = { output: 'x\n'.repeat(100), isError: true, truncated: false };
  const [line] = feed.next({ items: [{ ...tool, result }] });
  expect(line?.text).toMatch(/^\* wait\(seconds: 1\) → failed: x x .*…$/);
});

it('what a tool shows and sends is a line each time that it changes', () => {
  const feed = new Feed();
  const told = (item: Item) => feed.next({ items: [item] }).map(({ text }) => text);
  const tool = { kind: 'tool', key: 'e3', turnId: 't', id: 'c', name: 'wait', args: {} } as const;
  const showing = (progress: ToolItem['progress']) => told({ ...tool, progress, result: undefined });
  expect(showing({ percent: 10 })).toEqual(['* wait: percent: 10']);
  expect(showing({ percent: 10 })).toEqual([]);
  expect(showing('half')).toEqual(['* wait: half']);
  const sent = { kind: 'data', key: 'e5', turnId: 't', name: 'chart', id: 'a', toolCallId: 'c' } as const;
  expect(told({ ...sent, data: [1] })).toEqual(['[chart: [1]]']);
  expect(told({ ...sent, data: [1] })).toEqual([]);
  expect(told({ ...sent, data: [2] })).toEqual(['[chart: [2]]']);
});

it('of a message with images says where they are, or what they are', () => {
  const message = {
    ...applied('first'),
    content: [
      { type: 'text', text: 'look' },
      { type: 'image', url: 'https://a.test/b.png' },
      { type: 'image', media_type: 'image/gif', data: 'AAAA' },
    ],
  } satisfies UserItem;
  expect(new Feed().next({ items: [message] }).map((piece) => piece.text)).toEqual([
    '> look [image https://a.test/b.png] [image, image/gif]',
  ]);
});

it('a call that a client is to run says once that an application has to answer', () => {
  const feed = new Feed();
  const call: ToolItem = {
    kind: 'tool',
    key: 'e2',
    turnId: 't',
    id: 'c1',
    name: 'locate',
    args: { exact: true },
    progress: undefined,
    request: { requestId: 'r1', timeoutSeconds: 120 },
    result: undefined,
  };
  const told = (item: Item) => feed.next({ items: [item] }).map((piece) => piece.text);
  expect(told(call)).toEqual([
    '* locate(exact: true) waits for an application: this terminal cannot run it. Without an answer it fails after 120 s.',
  ]);
  expect(told(call)).toEqual([]);
  const result = { output: 'Porto', isError: false, truncated: false };
  expect(told({ ...call, request: undefined, result })).toEqual(['* locate(exact: true) → Porto']);
});

it('what is beside the answer is a line in its own style, with all that there is to say', () => {
  const head = { key: 'e1', turnId: 't' };
  const said = (item: object) =>
    new Feed().next({ items: [{ ...head, ...item } as Item] }).map(({ style, text }) => `${style}: ${text}`);
  expect(said({ kind: 'thinking', content: 'hm' })).toEqual(['thinking: hm']);
  expect(said({ kind: 'text', content: 'one' })).toEqual(['answer: one']);
  const changed = { kind: 'model_changed', from: 'a:b', reason: 'throttled', provider: 'c', model: 'd' };
  expect(said(changed)).toEqual(['note: a:b failed (throttled): c:d goes on.']);
  expect(said({ kind: 'compacted', toEntry: 7 })).toEqual([
    'note: Earlier messages are summarised for the model from here on.',
  ]);
  const file = { kind: 'file', mediaType: 'image/png', bytes: 9 };
  expect([said({ ...file, data: 'AAAA' }), said({ ...file, omitted: 'too_large' })]).toEqual([
    ['note: [file of the model: image/png, 9 bytes]'],
    ['note: [file of the model: image/png, 9 bytes, too large to be kept]'],
  ]);
  const failed = { result: 'failed', code: 'PROVIDER_ERROR', message: 'gone', retryable: true };
  expect(said({ kind: 'turn_end', outcome: failed })).toEqual(['trouble: -- failed: PROVIDER_ERROR. gone']);
});

it.each<[UserItem['state'], boolean, string]>([
  [{ status: 'sending' }, false, 'sending'],
  [{ status: 'sending' }, true, 'withdrawing'],
  [{ status: 'accepted', turnId: 't', placement: 'turn', position: 0 }, false, 'accepted'],
  [
    { status: 'accepted', turnId: 't', placement: 'steering', position: 0 },
    false,
    'accepted, steers at the next step',
  ],
  [{ status: 'queued', turnId: 't', position: 0 }, false, 'queued, after this answer'],
])('a message in the state %o (withdrawn: %s) waits as "%s"', (state, withdrawing, note) => {
  expect(waitingNote({ ...user('m', state), withdrawing })).toBe(note);
});

describe('an item', () => {
  const head = { key: 'e1', turnId: 't1' };
  const usage: Usage = {
    inputTokens: 1,
    outputTokens: 2,
    cacheReadTokens: undefined,
    cacheWriteTokens: undefined,
    reasoningTokens: undefined,
    cost: 0,
    currency: 'EUR',
    model: 'm',
    provider: 'p',
    steps: 1,
    cached: false,
    finishReason: 'length',
  };
  const told = (...items: Item[]) => new Feed().next({ items }).map(({ text }) => text);

  it('each source of an answer is a line, once', () => {
    const url = (id: string) => ({ id, type: 'url' as const, url: `https://${id}.test/`, title: id });
    const paper = {
      id: 'c',
      type: 'document' as const,
      mediaType: 'application/pdf',
      title: 'Paper',
      filename: undefined,
    };
    const feed = new Feed();
    const next = (sources: (ReturnType<typeof url> | typeof paper)[]) =>
      feed.next({ items: [{ kind: 'sources', ...head, sources }] }).map(({ text }) => text);
    expect(next([url('a')])).toEqual(['[source: a, https://a.test/]']);
    expect(next([url('a'), url('b'), paper])).toEqual(['[source: b, https://b.test/]', '[source: Paper]']);
  });

  it('says what the prompt lacks: another form, or so many messages', () => {
    const trimmed = (droppedMessages: number, form: string | undefined): Item => ({
      kind: 'trimmed',
      ...head,
      droppedMessages,
      reason: 'r',
      form,
    });
    const [form, both, some] = [trimmed(0, 'text'), trimmed(2, 'text'), trimmed(2, undefined)].map(
      (item) => told(item)[0],
    );
    expect(form).toContain('in another form');
    expect([both, some]).toEqual(Array(2).fill('2 older messages are left out of the prompt from here on.'));
  });

  it('says who decided about a tool, or why nobody did', () => {
    const line = (decision: ApprovalItem['decision'], reason: string) =>
      told({
        kind: 'approval',
        ...head,
        requestId: 'r',
        toolCallId: 'c',
        tool: 'pay',
        summary: '',
        arguments: {},
        offersAlways: false,
        timeoutSeconds: 1,
        decision,
        resolved: { reason, by: undefined },
      }).at(-1);
    expect(['approve', 'always', 'deny'].map((decision) => line(decision as 'deny', 'answer'))).toEqual([
      'pay was approved by you.',
      'pay was approved by you.',
      'pay was denied by you.',
    ]);
    expect([line('deny', 'timeout'), line('deny', 'aborted'), line('approve', 'always')]).toEqual([
      'pay was not run: nobody answered in time.',
      'pay was not run: the turn was stopped.',
      'pay was approved: you answered /always before.',
    ]);
  });

  it('the end has its cost, also if that is nothing, and why it is no usual one', () => {
    expect(told({ kind: 'turn_end', ...head, outcome: { result: 'done', usage } })).toEqual([
      '-- done, cut at the limit of tokens: 1 step, 1 tokens in, 2 out, 0 EUR, m',
    ]);
    const free = { ...usage, cost: undefined, currency: undefined, finishReason: 'stop', steps: 2 };
    expect(told({ kind: 'turn_end', ...head, outcome: { result: 'done', usage: free } })).toEqual([
      '-- done: 2 steps, 1 tokens in, 2 out, m',
    ]);
  });

  it('of a message that no turn has is beside the conversation; its state is told each time that it is another one', () => {
    const feed = new Feed();
    const next = (state: MessageState) => feed.next({ items: [user('m1', state)] });
    expect(next({ status: 'sending' })).toEqual([]);
    const rejected = { status: 'rejected', code: 'LANE_LOST', message: 'Gone.', retryable: true } as const;
    expect(next(rejected)).toEqual([
      { kind: 'line', style: 'trouble', text: 'x m1   [refused: LANE_LOST. Gone.]', aside: true },
    ]);
    expect(next({ status: 'applied', turnId: 't', step: 1 })).toEqual([
      { kind: 'line', style: 'user', text: '> m1' },
    ]);
    expect(new Feed().next({ items: [user('m1', { status: 'cancelled', reason: '' })] })).toMatchObject([
      { text: 'x m1   [withdrawn]', aside: true },
    ]);
  });

  it('of a turn that was told to its end is not told again from the transcript, under other keys', () => {
    const tool = {
      kind: 'tool',
      turnId: 't1',
      id: 'c',
      name: 'wait',
      args: {},
      progress: undefined,
    } as const;
    const result = { output: 'x', isError: false, truncated: false };
    const end: Item = {
      kind: 'turn_end',
      key: 'e9',
      turnId: 't1',
      outcome: { result: 'aborted', by: 'ann' },
    };
    const feed = new Feed();
    expect(feed.next({ items: [{ ...tool, key: 'e3', result }, end] })).toHaveLength(2);
    expect(feed.next({ items: [{ ...tool, key: 'n3', result }, end] })).toEqual([]);
  });
});
