import { describe, expect, it } from 'vitest';
import type { ModelPart, ModelRequest, PromptMessage } from '../../core/model.ts';
import { TITLE_REQUEST } from '../../core/turn/title.ts';
import { createDemoModel, splitWords } from './demo-model.ts';
import { planStep } from './demo-plan.ts';
import { demoReply } from './demo-replies.ts';
import { demoTitle } from './demo-title.ts';
import { MAX_WISHES, wishesOf } from './demo-wishes.ts';

const user = (content: string): PromptMessage => ({ role: 'user', content });
const said = (text: string, calls: object[] = []) => ({ role: 'assistant', text, calls }) as PromptMessage;
const gave = (output: unknown, isError = false, name = 'look') =>
  ({ role: 'tool', results: [{ id: 'c', name, output, isError }] }) as PromptMessage;
const plan = (messages: PromptMessage[], tools = ['look'], toolChoice: ModelRequest['toolChoice'] = 'auto') =>
  planStep({ messages, toolChoice }, tools);

describe('what a message wishes for', () => {
  it.each([
    ['wait 0 seconds', [0]],
    ['wait 1.5s', [1.5]],
    ['wait 10 seconds', [10]],
    ['wait 10.5 secs', [10, 0.5]],
    ['wait 119 seconds', [...Array(11).fill(10), 9]],
    ['wait 120 seconds', Array(12).fill(10)],
    ['wait 1000 seconds', Array(12).fill(10)],
  ])('%s is waits of ten seconds at most, twelve of them', (content, waits) => {
    expect(wishesOf(content, []).map(({ args }) => args)).toEqual(waits.map((seconds) => ({ seconds })));
  });

  it('says how long, and which tool', () => {
    const words = (content: string) => wishesOf(content, ['look']).map(({ announcement }) => announcement);
    expect(words('wait 1 second')).toEqual(['I will wait 1 second.']);
    expect(words('wait 2 seconds, and the time')).toEqual([
      'I will wait 2 seconds.',
      'Let me look at the clock.',
    ]);
    expect(words('use look')).toEqual(['I will use `look`.']);
  });

  it('names a tool of 64 characters at most, that is known or has an input', () => {
    const tools = (content: string, known: string[] = []) => wishesOf(content, known).map(({ tool }) => tool);
    const [most, more] = ['x'.repeat(64), 'x'.repeat(65)];
    expect([tools(`use ${most} {}`), tools(`use ${more} {}`)]).toEqual([[most], []]);
    expect([tools('use look'), tools('use look', ['look'])]).toEqual([[], ['look']]);
  });

  it('is met by twelve calls at most, in its order, each by an id of its own', () => {
    let messages = [
      user(Array.from({ length: MAX_WISHES + 1 }, (_, n) => `use look {"n": ${n}}`).join('\n')),
    ];
    const calls: unknown[] = [];
    for (let { call, text } = plan(messages); call; { call, text } = plan(messages)) {
      calls.push([call.id, call.args]);
      messages = [...messages, said(text, [call]), gave('seen')];
    }
    expect(calls).toEqual(Array.from({ length: 12 }, (_, n) => [`demo_${n + 1}`, { n }]));
  });
});

describe('a step of the demo model', () => {
  it('says what its tools gave, in their words or as JSON', () => {
    const told = (...results: PromptMessage[]) =>
      plan([user('use look'), said('', [{ id: 'c', name: 'look', args: {} }]), ...results]).text;
    expect(told(gave('blue'))).toBe('The tool `look` says: blue');
    expect(told(gave({ sky: 'blue' }))).toBe('The tool `look` says: {"sky":"blue"}');
    expect(told(gave('dark', true), gave({ waited_seconds: 1 }, false, 'wait'))).toBe(
      'The tool `look` did not work out: dark I waited 1 second.',
    );
    expect(told(gave({ time: 'noon', zone: 'UTC' }, false, 'current_time'))).toBe('It is **noon** (UTC).');
  });

  it('knows no tool where it must answer, and says which it has', () => {
    expect(plan([user('use look {}')], ['look'], 'none')).toMatchObject({
      text: 'There is no tool named `look`. I have none.',
    });
    expect(plan([user('use peek {}')]).text).toBe('There is no tool named `peek`. I have `look`.');
    expect(plan([user('use look {')]).call).toBeUndefined();
  });

  it('quotes what it is asked: 80 characters at most, on one line', () => {
    const quoted = (content: string) => /“(.*)”/s.exec(plan([user(content)]).thinking)?.[1];
    expect(quoted('one\n  two')).toBe('one two');
    expect([80, 81].map((length) => quoted('x'.repeat(length)))).toEqual([
      'x'.repeat(80),
      `${'x'.repeat(79)}…`,
    ]);
  });

  it('goes on with a text of its own, and says that it is all where nothing is left', () => {
    const whole = plan([user('Hello')]);
    expect(plan([user('Hello'), said(whole.text.slice(0, 9))])).toEqual({
      thinking: '',
      text: whole.text.slice(9),
    });
    for (const all of [whole.text, 'Something else.'])
      expect(plan([user('Hello'), said(all)])).toEqual({ thinking: '', text: ' That is all.' });
    // A call that the text announces is still to be made.
    const { text } = plan([user('use look {}')]);
    expect(plan([user('use look {}'), said(text)])).toMatchObject({ text: '', call: { name: 'look' } });
  });

  it('thinks where it is asked, and not after its tools', () => {
    expect(plan([user('use look {}')]).thinking).toContain('The user asks');
    expect(
      plan([user('use look {}'), said('', [{ id: 'c', name: 'look', args: {} }]), gave('x')]).thinking,
    ).toBe('');
  });
});

describe('a text of the demo model', () => {
  const words = (content: string) => splitWords(demoReply(content)).length;

  it('has as many words as asked, 20 at least and 3,000 at most, or 220 of a story', () => {
    // The last sentence is written to its end, and the heading and the end of the text are not counted.
    for (const [content, least] of [
      ['1 word', 20],
      ['20 words', 20],
      ['21 words', 21],
      ['3000 words', 3000],
      ['9999 words', 3000],
      ['a long story', 220],
    ] as const) {
      expect(words(content)).toBeGreaterThanOrEqual(least);
      expect(words(content)).toBeLessThan(least + 45);
    }
  });

  it('is about what was asked, in paragraphs of four sentences', () => {
    const story = demoReply('Write 300 words about the sea, please');
    const [heading, ...paragraphs] = story.split('\n\n');
    expect(heading).toBe('## The sea');
    expect(paragraphs.slice(0, -3).map((text) => text.match(/[.!?](?= |$)/g)?.length)).toEqual(
      paragraphs.slice(0, -3).map(() => 4),
    );
    expect(story).toContain('- The sea can wait.');
    expect(story).not.toContain('{topic}');
    expect(demoReply('a story')).toMatch(/^## A conversation\n/);
  });

  it('greets who greets', () => {
    expect(demoReply('Good evening')).toMatch(/^(Hello!|Hi there!|Welcome!)/);
    expect(demoReply('Evening')).not.toMatch(/^(Hello!|Hi there!|Welcome!)/);
  });
});

describe('a title of the demo model', () => {
  const request = (content: string) =>
    `The conversation:\n${JSON.stringify({ role: 'user', content })}\n${TITLE_REQUEST}`;

  it('has the first five words of the user, without what ends a sentence', () => {
    expect(demoTitle([user(request(' One  two\nthree four five six'))])).toBe(
      'About: One two three four five',
    );
    expect(demoTitle([user(request('How are you?!'))])).toBe('About: How are you');
    expect(demoTitle([user(TITLE_REQUEST)])).toBe('About: ');
    expect(plan([user(request('Hi'))])).toEqual({ thinking: '', text: 'About: Hi' });
  });

  it('is written where it is asked for alone', () => {
    for (const messages of [
      [],
      [user('Hello')],
      [user(`${TITLE_REQUEST}\nHello`)],
      [said(TITLE_REQUEST)],
      [user(request('Hi')), user('Hello')],
    ])
      expect(demoTitle(messages)).toBeUndefined();
  });
});

describe('a stream of the demo model', () => {
  const streamed = async (content: string, sleep: (ms: number, signal: AbortSignal) => Promise<void>) => {
    const { signal } = new AbortController();
    const token = async () => 'of-ann';
    const asked: unknown[] = [];
    const tools = { look: { tool: { inputSchema: {} } } } as never;
    const model = createDemoModel({
      tools: {
        async offered(given) {
          asked.push(given);
          return { tools, missing: [] };
        },
      },
      sleep,
    });
    const parts: ModelPart[] = [];
    const request: ModelRequest = { messages: [user(content)], toolChoice: 'auto', token };
    for await (const part of model.stream(request, signal)) parts.push(part);
    expect(asked).toEqual([token]);
    return { parts, signal, request };
  };

  it('has a word each 36 ms, and counts 1.3 tokens a word, of the call too', async () => {
    const slept: unknown[] = [];
    const { parts, signal, request } = await streamed(
      'use look {"at": "sea"}',
      async (...given) => void slept.push(given),
    );
    const [call, finish] = parts.slice(-2);
    const spoken = parts.slice(0, -2);
    expect(slept).toEqual(spoken.map(() => [36, signal]));
    expect(call).toEqual({ type: 'tool_call', id: 'demo_1', name: 'look', args: { at: 'sea' } });
    const tokens = (type: string) => Math.ceil(spoken.filter((part) => part.type === type).length * 1.3);
    expect(finish).toEqual({
      type: 'finish',
      reason: 'tool-calls',
      usage: {
        inputTokens: Math.ceil(splitWords(JSON.stringify(request.messages)).length * 1.3),
        // The call is one word of JSON.
        outputTokens: tokens('thinking') + tokens('text') + 2,
      },
    });
  });

  it('fails where its pause fails and nobody has stopped it', async () => {
    await expect(streamed('Hello', () => Promise.reject(new Error('no timer')))).rejects.toThrow('no timer');
  });
});
