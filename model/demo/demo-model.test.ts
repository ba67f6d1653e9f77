import { describe, expect, test } from 'vitest';
import { agent } from '../../agent/agent.ts';
import type { Content } from '../../core/content.ts';
import type { ModelPart, ModelRequest, PromptMessage } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { createModel } from '../providers/create-model.ts';
import { createDemoModel, splitWords } from './demo-model.ts';

const { current_time, wait } = agent.tools;
const offering = (tools: AgentDefinition['tools']) => ({ offered: async () => ({ tools, missing: [] }) });
const demo = createDemoModel({
  tools: offering({ ...(current_time && { current_time }), ...(wait && { wait, weather: wait }) }),
  sleep: async () => {},
});

async function collect(
  messages: PromptMessage[],
  toolChoice: ModelRequest['toolChoice'] = 'auto',
  signal = new AbortController().signal,
) {
  const parts: ModelPart[] = [];
  for await (const part of demo.stream({ messages, toolChoice }, signal)) parts.push(part);
  return parts;
}

function textOf(parts: ModelPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

function callOf(parts: ModelPart[]) {
  return parts.find((part) => part.type === 'tool_call');
}

const user = (content: Content): PromptMessage => ({ role: 'user', content });
const said = (text: string): PromptMessage => ({ role: 'assistant', text, calls: [] });

/** What one step adds to the prompt: the demo's text and call, and the result of the call. */
async function step(messages: PromptMessage[], output: (name: string) => object): Promise<PromptMessage[]> {
  const parts = await collect(messages);
  const call = callOf(parts);
  if (!call) return [...messages, said(textOf(parts))];
  const { id, name, args } = call;
  return [
    ...messages,
    { role: 'assistant', text: textOf(parts), calls: [{ id, name, args }] },
    {
      role: 'tool',
      results: [{ id, name, output: JSON.parse(JSON.stringify(output(name))), isError: false }],
    },
  ];
}

const outputs = (name: string) =>
  name === 'wait' ? { waited_seconds: 3 } : { time: '2026-11-22T19:00:00.000Z', zone: 'UTC' };

describe('the demo model', () => {
  test('gives the same answer to the same prompt', async () => {
    const parts = await collect([user('Hello')]);
    expect(parts.map(({ type }) => type)).toEqual(expect.arrayContaining(['thinking', 'text', 'finish']));
    expect(await collect([user('Hello')])).toEqual(parts);
  });

  test.each<[string, object[]]>([
    ['use weather {"city": "Bern"}', [{ name: 'weather', args: { city: 'Bern' } }]],
    [
      'Use `weather` with {"city": {"name": "Bern"}}',
      [{ name: 'weather', args: { city: { name: 'Bern' } } }],
    ],
    ['use weather', [{ name: 'weather', args: {} }]],
    [
      'use weather {}\nuse wait {"seconds": 2}\nand what time is it?',
      [
        { name: 'weather', args: {} },
        { name: 'wait', args: { seconds: 2 } },
        { name: 'current_time', args: {} },
      ],
    ],
  ])('calls a tool by its name, one per step: %s', async (content, calls) => {
    let prompt = [user(content)];
    for (const call of calls) {
      expect(callOf(await collect(prompt))).toMatchObject(call);
      prompt = await step(prompt, outputs);
    }
    expect(callOf(await collect(prompt))).toBeUndefined();
    expect(textOf(await collect(prompt))).toContain('2026');
  });

  test.each([
    [
      'use umbrella {"size": 1}',
      'There is no tool named `umbrella`. I have `current_time`, `wait`, `weather`.',
    ],
    ['use weather {city: Bern}', 'What stands behind `use weather` is not JSON'],
    ['use umbrella', 'demo'],
    ['You may use it {or not} if you like', 'demo'],
  ])('says what it cannot call, and takes prose for prose: %s', async (content, says) => {
    const parts = await collect([user(content)]);
    expect(callOf(parts)).toBeUndefined();
    expect(textOf(parts)).toContain(says);
  });

  test('says of an image that it cannot see it, and answers the rest', async () => {
    const image = { type: 'image', url: 'https://images.test/a.png' } as const;
    const alone = textOf(await collect([user([image])]));
    expect(alone).toContain('You attached an image: the demo model has no eyes for it.');
    const asked: Content = [{ type: 'text', text: 'what time is it?' }, image, image];
    const messages = await step([user(asked)], outputs);
    const answer = textOf(await collect(messages));
    expect(answer).toContain('2 images');
    expect(answer).toContain('It is **2026');
  });

  test('streams word by word, and counts its tokens', async () => {
    const parts = await collect([user('Hello')]);
    for (const part of parts) if (part.type === 'text') expect(splitWords(part.text)).toHaveLength(1);
    const finish = parts.at(-1);
    expect(finish).toMatchObject({ type: 'finish', reason: 'stop' });
    if (finish?.type === 'finish') expect(finish.usage.outputTokens).toBeGreaterThan(parts.length);
  });

  test('waits as long as asked, one call a step, then answers', async () => {
    let messages = [user('Please wait 3 seconds, then wait 12 seconds, and tell me the time')];
    const calls: unknown[] = [];
    for (;;) {
      const call = callOf(await collect(messages));
      if (!call) break;
      calls.push([call.id, call.name, call.args]);
      messages = await step(messages, outputs);
    }
    expect(calls).toEqual([
      ['demo_1', 'wait', { seconds: 3 }],
      ['demo_2', 'wait', { seconds: 10 }],
      ['demo_3', 'wait', { seconds: 2 }],
      ['demo_4', 'current_time', {}],
    ]);
    expect(textOf(await collect(messages))).toContain('2026-11-22T19:00:00.000Z');
  });

  test('answers steering that came during a tool call at once, quoting it, and goes on with the rest', async () => {
    const messages = await step([user('wait 3 seconds, then wait 4 seconds')], outputs);
    const parts = await collect([...messages, user('make it short'), user('and the time, please')]);
    expect(textOf(parts)).toContain(
      'While I was at it, you added “make it short” and “and the time, please”',
    );
    expect(callOf(parts)).toMatchObject({ name: 'wait', args: { seconds: 4 } });
  });

  test('answers steering that came while it was writing, quoting it', async () => {
    const parts = await collect([
      user('a long story'),
      said('## A conversation\n\nIt be'),
      user('about cats'),
    ]);
    expect(textOf(parts)).toMatch(/^\n\nYou then wrote “about cats”/);
  });

  test.each([
    ['What is the time?', 'current_time'],
    ["tell me today's date", 'current_time'],
    ['waiting for you: wait for 2s', 'wait'],
    ['By the time you read this, is the file up to date?', undefined],
  ])('%s: calls %s', async (content, name) => {
    expect(callOf(await collect([user(content)]))?.name).toBe(name);
  });

  test('writes as many words as asked, in paragraphs', async () => {
    const text = textOf(await collect([user('Write 300 words about the sea')]));
    expect(text).toMatch(/^## The sea\n\n/);
    expect(text.split('\n\n').length).toBeGreaterThan(4);
    expect(splitWords(text).length).toBeGreaterThanOrEqual(300);
    expect(splitWords(text).length).toBeLessThan(345);
  });

  test('goes on in mid-word where a text of its own was cut off (P3)', async () => {
    const whole = textOf(await collect([user('a long story about the sea')]));
    const cut = whole.slice(0, 101);
    const rest = textOf(await collect([user('a long story about the sea'), said(cut)]));
    expect(cut + rest).toBe(whole);
  });

  test('has something to say even when everything was said before it was cut off', async () => {
    const whole = textOf(await collect([user('Hello')]));
    expect(textOf(await collect([user('Hello'), said(whole)]))).not.toBe('');
  });

  test('calls no tool when it must answer, nor one that the agent lacks', async () => {
    expect(callOf(await collect([user('wait 3 seconds')], 'none'))).toBeUndefined();
    const bare = createDemoModel({ tools: offering({}), sleep: async () => {} });
    const parts: ModelPart[] = [];
    const request: ModelRequest = { messages: [user('wait 3 seconds')], toolChoice: 'auto' };
    for await (const part of bare.stream(request, new AbortController().signal)) parts.push(part);
    expect(parts.map(({ type }) => type)).not.toContain('tool_call');
    expect(textOf(parts)).not.toBe('');
  });

  test('stops without finish or failure when it is aborted', async () => {
    const controller = new AbortController();
    const parts: ModelPart[] = [];
    const request: ModelRequest = { messages: [user('Hello')], toolChoice: 'auto' };
    for await (const part of demo.stream(request, controller.signal)) {
      parts.push(part);
      if (part.type === 'text') controller.abort();
    }
    expect(parts.map(({ type }) => type).filter((type) => type !== 'thinking')).toEqual(['text']);
  });

  test('is what MIDTURN_MODEL=demo gives, at its own pace, and an abort ends its pause', async () => {
    const model = await createModel({ provider: 'demo' }, agent);
    expect(model).toMatchObject({ provider: 'demo', name: 'demo' });
    const controller = new AbortController();
    const request: ModelRequest = { messages: [user('Hello')], toolChoice: 'auto' };
    const parts = model.stream(request, controller.signal)[Symbol.asyncIterator]();
    expect((await parts.next()).value).toMatchObject({ type: 'thinking' });
    const next = parts.next();
    controller.abort();
    expect((await next).done).toBe(true);
  });
});
