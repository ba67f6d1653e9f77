import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Question, QuestionField } from '../client/elicitation.ts';
import type { ApprovalItem, Item, MessageState, Usage } from '../client/index.ts';
import { readArguments } from './arguments.ts';
import { readCommand } from './commands.ts';
import { Feed, type Piece } from './feed.ts';
import { questionLines, readAnswer, resolvedLine } from './questions.ts';
import { type LineInput, plainScreen, TerminalScreen } from './screen.ts';
import { brief } from './values.ts';
import { harmless } from './wrap.ts';

describe('the command line', () => {
  it('has the token that is written before that of the environment, and the wish for an agent', () => {
    const read = readArguments(['ws://h', '--token', 't', '--agent', 'sales'], { MIDTURN_TOKEN: 'e' });
    expect(read).toMatchObject({ token: 't', agent: 'sales' });
  });

  it('/answer has its value, also none; /decline has none', () => {
    const answers = ['/answer 3', '/answer', '/decline'].map(readCommand);
    expect(answers).toEqual(['3', '', undefined].map((text) => ({ kind: 'answer', text })));
  });
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
  const user = (state: MessageState, id = 'm1'): Item => ({
    kind: 'user',
    key: `user:${id}`,
    id,
    content: id,
    delivery: 'steer',
    state,
    withdrawing: false,
  });
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
    const next = (state: MessageState) => feed.next({ items: [user(state)] });
    expect(next({ status: 'sending' })).toEqual([]);
    const rejected = { status: 'rejected', code: 'LANE_LOST', message: 'Gone.', retryable: true } as const;
    expect(next(rejected)).toEqual([
      { kind: 'line', style: 'trouble', text: 'x m1   [refused: LANE_LOST. Gone.]', aside: true },
    ]);
    expect(next({ status: 'applied', turnId: 't', step: 1 })).toEqual([
      { kind: 'line', style: 'user', text: '> m1' },
    ]);
    expect(new Feed().next({ items: [user({ status: 'cancelled', reason: '' })] })).toMatchObject([
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

describe('a question', () => {
  const question = (fields: QuestionField[], more: Partial<Question> = {}): Question => ({
    requestId: 'r1',
    toolCallId: 'c1',
    tool: 'borrow',
    server: 'books',
    message: 'For whom?',
    fields,
    timeoutSeconds: 60,
    ...more,
  });

  it.each<[string, QuestionField[], string, object]>([
    [
      'the default where nothing is typed',
      [{ name: 'n', type: 'integer', default: 2 }],
      '',
      { content: { n: 2 } },
    ],
    [
      'what is typed before the default',
      [{ name: 'n', type: 'integer', default: 2 }],
      '3',
      { content: { n: 3 } },
    ],
    ['no value without either', [{ name: 'n', type: 'string' }], '', { content: {} }],
    [
      'neither yes nor no',
      [{ name: 'b', type: 'boolean' }],
      'perhaps',
      { complaint: 'b: it must be true or false.' },
    ],
    ['JSON of a single field', [{ name: 'n', type: 'string' }], '{"n":"x"}', { content: { n: 'x' } }],
    [
      'choices with spaces',
      [{ name: 'c', type: 'choices', options: [{ value: 'a b' }, { value: 'c' }] }],
      'a b, c',
      { content: { c: ['a b', 'c'] } },
    ],
    [
      'a list',
      [
        { name: 'a', type: 'string' },
        { name: 'b', type: 'string' },
      ],
      '["x"]',
      { complaint: 'The answer is not JSON of an object.' },
    ],
    ['null', [], 'null', { complaint: 'The answer is not JSON of an object.' }],
  ])('the answer: %s', (_, fields, text, read) => {
    expect(readAnswer(question(fields), text)).toEqual(read);
  });

  it('says how to answer: a value, JSON, consent, or an address to visit', () => {
    const how = (fields: QuestionField[], more: Partial<Question> = {}) =>
      questionLines(question(fields, more)).at(-1);
    const [a, b] = ['a', 'b'].map((name): QuestionField => ({ name, type: 'string' }));
    if (!a || !b) throw new Error('There are two fields.');
    expect(
      [how([a]), how([a, b]), how([]), how([], { url: 'https://a.test/' })].map(
        (line) => line?.split(', or')[0],
      ),
    ).toEqual([
      '/answer and the value',
      '/answer with JSON: {"a": …, "b": …}',
      '/answer to consent',
      'Visit it by yourself if you trust it. Then /answer',
    ]);
  });

  it('says what became of it, each in other words', () => {
    const all = (['accept', 'decline'] as const).flatMap((action) =>
      (['answer', 'timeout', 'aborted'] as const).map((reason) =>
        resolvedLine(question([], { resolved: { action, reason } })),
      ),
    );
    expect(all).toEqual([
      'books has your answer.',
      'books got no answer: nobody answered in time.',
      'books got no answer: the turn was stopped.',
      'books was told that you did not answer.',
      'books got no answer: nobody answered in time.',
      'books got no answer: the turn was stopped.',
    ]);
  });
});

const ESCAPE = '\u001b[2J';
const answer = (text: string): Piece => ({ kind: 'text', style: 'answer', text });
const line = (text: string, more: object = {}): Piece => ({ kind: 'line', style: 'note', text, ...more });

describe('a file', () => {
  function given() {
    let written = '';
    const output = new PassThrough().setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
    const screen = plainScreen(output);
    return {
      screen,
      taken: () => written.split('\n').filter((one) => one !== ''),
      clear: () => (written = ''),
    };
  }

  it('has a state below the conversation when it is new, and again when it comes back', () => {
    const { screen, taken } = given();
    screen.status(['a', 'b']);
    screen.status(['b', 'c']);
    screen.status([]);
    screen.status(['b']);
    expect(taken()).toEqual(['[a]', '[b]', '[c]', '[b]']);
  });

  it('has thoughts and answer on lines of their own, whole ones alone until the end', () => {
    const { screen, taken } = given();
    screen.show([{ kind: 'text', style: 'thinking', text: 'hm' }, answer('one\ntw')]);
    expect(taken()).toEqual(['hm', 'one']);
    screen.show([answer('o'), line('a line')]);
    expect(taken()).toEqual(['hm', 'one', 'two', 'a line']);
    screen.show([answer('rest')]);
    screen.close();
    expect(taken().at(-1)).toBe('rest');
  });

  it('has nothing that moves a cursor, wherever it comes from', () => {
    const { screen, taken } = given();
    screen.show([answer(`${ESCAPE}a\n`), line(`${ESCAPE}b`), line(`${ESCAPE}c`, { aside: true })]);
    screen.status([`${ESCAPE}d`]);
    expect(taken().join()).not.toContain('\u001b');
    expect(taken()).toHaveLength(4);
  });
});

describe('a terminal', () => {
  function given(columns = 20) {
    const output = Object.assign(new PassThrough(), { columns, isTTY: true });
    let written = '';
    output.setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
    const input: LineInput = createInterface({
      input: new PassThrough(),
      output,
      prompt: '> ',
      terminal: true,
    });
    const screen = new TerminalScreen(output, input);
    const taken = () => {
      const all = written;
      written = '';
      return all;
    };
    /** How many rows the cursor went up: that many are drawn again. */
    const up = (text: string) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequence that moves the cursor
      return [...text.matchAll(/\u001b\[(\d+)A/g)].reduce((sum, [, rows]) => sum + Number(rows), 0);
    };
    return { screen, output, input, taken, up };
  }
  const textOf = (written: string) => stripVTControlCharacters(written);

  it('draws each row below the conversation again, as it wraps: no more and no fewer', () => {
    const { screen, taken, up } = given();
    screen.status(['x'.repeat(19), 'y'.repeat(20)]);
    taken();
    screen.show([line('a')]);
    // One row of 19 columns, two of 20: the last column stays free.
    expect(up(taken())).toBe(3);
    screen.status([]);
    taken();
    screen.show([answer('unfinished')]);
    taken();
    screen.show([line('b', { aside: true })]);
    expect(up(taken())).toBe(1);
  });

  it('draws again when its size changes, and not when the state is the same', () => {
    const { screen, output, taken } = given();
    screen.status(['waits']);
    taken();
    screen.status(['waits']);
    expect(taken()).toBe('');
    output.emit('resize');
    expect(textOf(taken())).toContain('waits');
  });

  it('clears what was typed, as many rows as it took: by columns, not by characters', () => {
    const { screen, taken, up } = given();
    screen.typed('a'.repeat(10));
    expect(up(taken())).toBe(1);
    // Two columns each: with the prompt, 22 columns.
    screen.typed('海'.repeat(10));
    expect(up(taken())).toBe(2);
  });

  it('tells readline that the line being typed begins where the cursor is', () => {
    const { screen, input, taken, up } = given();
    taken();
    input.prevRows = 3;
    screen.show([line('a')]);
    expect(up(taken())).toBe(0);
  });

  it('keeps an unfinished text when it is closed, and has nothing that moves a cursor', () => {
    const { screen, taken } = given(80);
    screen.status([`${ESCAPE}waits`]);
    screen.show([line(`${ESCAPE}a`), line(`${ESCAPE}b`, { aside: true }), answer(`${ESCAPE}half`)]);
    expect(taken()).not.toContain(ESCAPE);
    screen.close();
    expect(textOf(taken())).toBe('\ufffd[2Jhalf\n');
  });
});

it('no character of a control set is shown, be it of C0, C1 or DEL', () => {
  const controls = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, at) => 0x7f + at)];
  for (const code of controls.filter((one) => one !== 9 && one !== 10))
    expect([code, harmless(`a${String.fromCharCode(code)}b`)]).toEqual([code, 'a\ufffdb']);
  expect(harmless('\u00a0é')).toBe('\u00a0é');
});

it('a name of an argument that could look like a name and a value is quoted', () => {
  expect(brief({ 'a b': 1, 'a: 1': 2, 'a,b': 3, 'a.b-c_1': 4 })).toBe(
    '"a b": 1, "a: 1": 2, "a,b": 3, a.b-c_1: 4',
  );
});
