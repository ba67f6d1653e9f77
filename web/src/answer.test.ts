import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { ApprovalItem, ChatState, Item, ToolItem, TurnOutcome, UserItem } from '../../client/index.ts';
import { type AnswerActions, AnswerPart } from './answer.tsx';
import { Conversation } from './conversation.tsx';
import { Message } from './message.tsx';

const nothing = () => {};
const actions: AnswerActions = {
  withdraw: nothing,
  dismiss: nothing,
  resend: nothing,
  approve: nothing,
  branch: nothing,
  askAgain: nothing,
  answerAgain: nothing,
};
type Shown = Omit<Parameters<typeof AnswerPart>[0], 'item' | 'actions' | 'running' | 'last'>;
const html = (item: Item, how: Shown & { running?: boolean; last?: boolean } = {}) =>
  renderToStaticMarkup(createElement(AnswerPart, { item, actions, running: false, last: false, ...how }));
/** What is read, its elements apart. */
const words = (...shown: Parameters<typeof html>) =>
  html(...shown)
    .replaceAll(/<[^>]*>/g, '|')
    .split('|')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const tool = (more: Partial<ToolItem> = {}): ToolItem => ({
  kind: 'tool',
  key: 'k',
  turnId: 't1',
  id: 'c1',
  name: 'look',
  args: { city: 'Bern', days: 2 },
  progress: undefined,
  result: undefined,
  ...more,
});
const result = (more: Partial<NonNullable<ToolItem['result']>> = {}): ToolItem['result'] => ({
  output: 'dry',
  isError: false,
  truncated: false,
  ...more,
});
const approval = (more: Partial<ApprovalItem> = {}): ApprovalItem => ({
  kind: 'approval',
  key: 'a',
  turnId: 't1',
  requestId: 'r1',
  tool: 'look',
  summary: '{}',
  arguments: {},
  offersAlways: false,
  timeoutSeconds: 60,
  toolCallId: 'c1',
  decision: undefined,
  resolved: undefined,
  ...more,
});
const request = { requestId: 'r2', timeoutSeconds: 90 };
const denied = approval({ decision: 'deny', resolved: { reason: 'answer', by: undefined } });
const approved = approval({ decision: 'approve', resolved: { reason: 'answer', by: undefined } });

describe('a call', () => {
  it.each<[string, Partial<ToolItem>, boolean, ApprovalItem?]>([
    ['running', {}, true],
    ['not finished', {}, false],
    ['waits for you', {}, true, approval()],
    ['running', {}, true, approval({ decision: 'approve' })],
    ['waits for an application', { request }, true],
    ['not finished', { request }, false],
    ['done', { result: result() }, true],
    ['done', { result: result() }, false, approved],
    ['failed', { result: result({ isError: true }) }, true],
    ['not run', { result: result({ isError: true }) }, true, denied],
  ])('is “%s”', (state, more, running, asked) => {
    expect(words(tool(more), { running, approval: asked })).toContain(state);
  });

  it.each<[ToolItem['args'], string]>([
    [{ city: 'Bern', days: 2, deep: { a: null } }, 'city: Bern, days: 2, deep: {"a":null}'],
    ['a text', 'a text'],
    [7, '7'],
    [false, 'false'],
    [
      {
        role: 'assistant',
        parts: [
          { type: 'text', text: 'first' },
          { type: 'text', text: 'last' },
        ],
      },
      'last',
    ],
  ])('has its arguments in its line: %j', (args, line) => {
    expect(words(tool({ args }))[1]?.replaceAll('&quot;', '"')).toBe(line);
  });

  it('without arguments has none in its line, and shows those of its progress while there are any', () => {
    expect(html(tool({ args: null }))).toMatch(/<span class="tool-brief" dir="auto"><\/span>/);
    expect(words(tool({ progress: { seen: 1 } }), { running: true })[1]).toBe('seen: 1');
  });

  it.each<[Partial<NonNullable<ToolItem['result']>>, string]>([
    [{}, 'Result'],
    [{ isError: true }, 'Error'],
    [{ truncated: true }, 'Result (shortened)'],
    [{ truncated: true, outputLength: 0 }, 'Result (shortened, of 0 characters)'],
    [{ truncated: true, outputLength: 12_345 }, 'Result (shortened, of 12,345 characters)'],
  ])('names what it gave: %j', (more, name) => {
    expect(words(tool({ result: result(more) })).at(-2)).toBe(name);
  });

  it('shows a text as it is, an agent’s message in lines, and other values as JSON', () => {
    const given = (output: ToolItem['args']) =>
      words(tool({ result: result({ output }) }))
        .at(-1)
        ?.replaceAll('&quot;', '"');
    expect(given('dry\nand cold')).toBe('dry\nand cold');
    expect(given({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
    const parts = [
      { type: 'text', text: 'first' },
      { type: 'text', text: 'last' },
    ];
    expect(given({ role: 'assistant', parts })).toBe('first\nlast');
  });

  it('of a client’s tool says that this page does not know it, while its turn runs, and no longer', () => {
    expect(html(tool({ request }), { running: true })).toContain(
      'the call fails 90 seconds after it was made',
    );
    expect(html(tool({ request }))).not.toContain('after it was made');
  });

  it('shows its request for approval until it is answered, and further where the call itself is not shown', () => {
    const isShown = (item: ApprovalItem, alone: boolean) => html(item, { running: true, alone }) !== '';
    expect([isShown(approval(), false), isShown(approval(), true)]).toEqual([true, true]);
    expect([isShown(approved, false), isShown(approved, true)]).toEqual([false, true]);
  });

  it('shows the files of its result', () => {
    const file = { type: 'file', file: 'f1', media_type: 'application/pdf', name: 'a.pdf', size: 2000 };
    const shown = words(tool({ result: result({ output: { made: [file] } }) }));
    expect(shown.at(-1)).toBe('a.pdf (2 KB)');
  });
});

describe('what an answer says beside its text', () => {
  const head = { key: 'k', turnId: 't1' };
  it.each<[Item, string]>([
    [
      { kind: 'trimmed', ...head, droppedMessages: 3, reason: 'r', form: undefined },
      '3 older messages are no longer seen by the model',
    ],
    [
      { kind: 'trimmed', ...head, droppedMessages: 3, reason: 'r', form: 'short' },
      '3 older messages are no longer seen by the model',
    ],
    [
      { kind: 'trimmed', ...head, droppedMessages: 0, reason: 'r', form: 'short' },
      'the model was shown the conversation in another form',
    ],
    [{ kind: 'compacted', ...head, toEntry: 3 }, 'earlier messages are summarised for the model'],
    [
      { kind: 'model_changed', ...head, model: 'b', provider: 'y', from: 'x:a', reason: 'r' },
      'x:a failed; y:b goes on',
    ],
  ])('%j', (item, line) => {
    expect(words(item).join('')).toBe(line);
  });

  it('a thought is told as one that goes on while it is the last of its turn', () => {
    const thought: Item = { kind: 'thinking', ...head, content: 'hm' };
    expect([words(thought, { last: true })[0], words(thought)[0]]).toEqual(['Thinking…', 'Thought']);
  });
});

describe('the end of an answer', () => {
  const usage = {
    inputTokens: 1200,
    outputTokens: 34,
    cacheReadTokens: undefined,
    cacheWriteTokens: undefined,
    reasoningTokens: undefined,
    cost: undefined,
    currency: undefined,
    model: 'demo',
    provider: 'demo',
    steps: 1,
    cached: false,
    finishReason: 'stop',
  };
  const end = (outcome: TurnOutcome, text?: () => string) =>
    words({ kind: 'turn_end', key: 'k', turnId: 't1', outcome }, { text });

  it.each<[Partial<typeof usage>, string]>([
    [{}, 'demo · 1 step · 1,234 tokens'],
    [{ steps: 2 }, 'demo · 2 steps · 1,234 tokens'],
    [{ cached: true }, 'demo · 1 step · 1,234 tokens · from the cache'],
  ])('says what it took: %j', (more, note) => {
    expect(end({ result: 'done', usage: { ...usage, ...more } })).toEqual([note]);
  });

  it('says first that it was cut off', () => {
    expect(end({ result: 'done', usage: { ...usage, finishReason: 'length' } })[0]).not.toMatch(/^demo/);
  });

  it('says of a failure what was kept, and of a deleted session nothing of that', () => {
    const failed = (code: 'PROVIDER_ERROR' | 'SESSION_DELETED', text?: () => string) =>
      end({ result: 'failed', code, message: 'Gone.', retryable: false }, text);
    expect(failed('PROVIDER_ERROR', () => 'a')).toEqual([
      'The answer ended early.',
      'Gone.',
      'What was said is kept.',
      'PROVIDER_ERROR',
    ]);
    expect(failed('PROVIDER_ERROR')).toEqual(['There is no answer.', 'Gone.', 'PROVIDER_ERROR']);
    expect(failed('SESSION_DELETED', () => 'a')).toEqual([
      'The answer ended early.',
      'Gone.',
      'SESSION_DELETED',
    ]);
  });
});

describe('a message', () => {
  const message = (more: Partial<UserItem>, steering = false) => {
    const item: UserItem = {
      kind: 'user',
      key: 'k',
      id: 'm1',
      content: 'tea',
      delivery: 'steer',
      withdrawing: false,
      state: { status: 'applied', turnId: 't1', step: 1 },
      ...more,
    };
    return renderToStaticMarkup(createElement(Message, { item, steering, actions }));
  };
  const EDIT = 'Edit and ask in a new conversation';

  it('of the user can be edited once it was taken in, and one of the application cannot, which says whose it is', () => {
    expect(message({})).toContain(EDIT);
    expect(message({ state: { status: 'sending' } })).not.toContain(EDIT);
    expect(message({ from: 'system' })).not.toContain(EDIT);
    expect(message({ from: 'system' })).toContain('Sent by the application');
    expect(message({ from: 'system' }, true)).toContain('aria-label="The application, while it answered"');
    expect(message({}, true)).toContain('aria-label="You, while it answered"');
  });

  it('shows an image of another server as a link, and asks that server for nothing', () => {
    const url = 'https://images.example/a.png?x=1';
    const shown = message({
      content: [
        { type: 'image', url },
        { type: 'text', text: 'look' },
      ],
    });
    expect(shown).toContain(
      `<a href="${url}" target="_blank" rel="noreferrer noopener">Image at images.example</a>`,
    );
    expect(shown).not.toContain('<img');
    expect(message({ content: [{ type: 'image', url: 'no address' }] })).toContain('Image at no address');
  });
});

describe('a conversation', () => {
  const user = (turnId: string): Item => ({
    kind: 'user',
    key: `user ${turnId}`,
    id: turnId,
    content: 'tea',
    delivery: 'steer',
    withdrawing: false,
    state: { status: 'applied', turnId, step: 1 },
  });
  const text = (turnId: string): Item => ({ kind: 'text', key: `text ${turnId}`, turnId, content: 'Well.' });
  const shown = (items: Item[], more: Partial<ChatState> = {}, asks?: string) => {
    const state: ChatState = {
      connection: { status: 'online' },
      sessionId: 's',
      name: undefined,
      agent: undefined,
      agents: ['cook', 'clerk'],
      limits: undefined,
      trusted: [],
      items,
      pending: [],
      activeTurn: { turnId: 't1', step: 1, startedAt: undefined, stopping: false },
      history: { status: 'loaded', more: false },
      ...more,
    };
    const agentWish = { wish: undefined, choose: nothing };
    return renderToStaticMarkup(
      createElement(Conversation, {
        state,
        actions,
        asks,
        loadEarlier: nothing,
        say: nothing,
        origin: undefined,
        agentWish,
      }),
    );
  };
  const WAITS = 'The answer is on its way';

  it.each<[string, boolean, Item[], string?]>([
    ['nothing is said yet', true, []],
    ['a tool runs', true, [text('t1'), tool()]],
    ['its user has answered', true, [tool(), approval({ decision: 'approve' })]],
    ['it speaks', false, [tool(), text('t1')]],
    ['it thinks', false, [{ kind: 'thinking', key: 'h', turnId: 't1', content: 'hm' }]],
    ['its user is asked', false, [tool(), approval()]],
    ['a server asks its user', false, [tool()], 'For whom?'],
  ])('waits visibly while nothing comes, and only then: %s', (_, waits, items, asks) => {
    const html = shown([user('t1'), ...items], {}, asks);
    expect(html.includes(WAITS)).toBe(waits);
    expect(shown([user('t1'), ...items], { activeTurn: undefined })).not.toContain(WAITS);
  });

  it('shows what is asked in the answer that runs, and in no other', () => {
    const items = [user('t0'), text('t0'), user('t1'), text('t1')];
    expect(shown(items, {}, 'For whom?').split('For whom?')).toHaveLength(2);
    expect(shown(items, { activeTurn: undefined }, 'For whom?')).not.toContain('For whom?');
  });

  it('shows an answered request by itself only where its call is not shown', () => {
    const asked = approval({ decision: 'deny', resolved: { reason: 'timeout', by: undefined } });
    const count = (items: Item[]) => shown([user('t1'), ...items]).split('May <code>').length - 1;
    expect([count([tool(), asked]), count([tool({ id: 'other' }), asked])]).toEqual([0, 1]);
  });

  it('that is empty offers its agents once that is known, and none where it has one', () => {
    const isOffered = (more: Partial<ChatState>) =>
      shown([], { activeTurn: undefined, ...more }).includes('Who answers');
    expect(isOffered({})).toBe(true);
    expect(isOffered({ history: { status: 'loading', more: false } })).toBe(false);
    expect(isOffered({ agent: 'cook' })).toBe(false);
  });

  it('loads what is earlier once at a time', () => {
    const button = (status: ChatState['history']['status']) =>
      /<button[^>]*class="link"[^>]*>[^<]*</.exec(shown([], { history: { status, more: true } }))?.[0];
    expect(button('loaded')).not.toContain('disabled');
    expect(button('loaded')).toContain('Show earlier messages');
    expect(button('loading')).toContain('disabled');
  });
});
