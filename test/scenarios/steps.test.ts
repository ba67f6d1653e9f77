import { expect, it } from 'vitest';
import { accepted, end, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack({ settings: { MIDTURN_MAX_STEPS: '3' } });

const callTool = { toolCalls: [{ name: 'current_time', args: {} }] };

it('MIDTURN_MAX_STEPS: the last model call that is allowed must answer instead of calling tools', async () => {
  const model = stack.script((request) =>
    request.tool_choice === 'none' ? { chunks: ['That is all.'] } : callTool,
  );
  const client = await stack.connect(stack.newSession());
  client.send({ type: 'message', content: 'what time is it' });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'That is all.', steps: 3 });
  expect(model.requests.map(({ body }) => body.tool_choice)).toEqual(['auto', 'auto', 'none']);
  expect(framesOf(client, 'tool_result')).toHaveLength(2);
});

it('P6: a message in between gives the agent its steps anew', async () => {
  const gate = createGate();
  const model = stack.script((request, index) => {
    if (request.tool_choice === 'none') return { chunks: ['That is all.'] };
    return index === 1 ? { gate, ...callTool } : callTool;
  });
  const client = await stack.connect(stack.newSession());
  client.send({ type: 'message', id: 'm1', content: 'what time is it' });
  await model.waitForRequest(2);
  client.send({ type: 'message', id: 'm2', content: 'and now?' });
  await accepted(client, 'm2');
  gate.open();
  expect(await end(client)).toMatchObject({ steps: 5, full_response: 'That is all.' });
  expect(model.requests.map(({ body }) => body.tool_choice)).toEqual([
    'auto',
    'auto',
    'auto',
    'auto',
    'none',
  ]);
});

it('tokens are counted over all model calls; the last input tells how full the context is', async () => {
  stack.script([
    { ...callTool, usage: { input: 100, output: 7 } },
    { chunks: ['now'], usage: { input: 130, output: 3 } },
  ]);
  const client = await stack.connect(stack.newSession());
  client.send({ type: 'message', content: 'what time is it' });
  expect(await end(client)).toMatchObject({
    input_tokens: 230,
    output_tokens: 10,
    tokens_used: 240,
    last_input_tokens: 130,
    model: 'scripted',
    provider: 'openai-compatible',
    steps: 2,
  });
});

it('P3: what the model thinks is shown apart, and is no part of the answer', async () => {
  const model = stack.script([{ thinking: ['hm, ', 'well'], chunks: ['Yes.'] }, { chunks: ['No.'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', content: 'is it late' });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Yes.' });
  const thoughts = framesOf(client, 'thinking').map(({ content }) => content);
  expect(thoughts.join('')).toBe('hm, well');
  expect(await stack.stored.lines(session)).toEqual(['user: is it late', 'assistant: Yes.']);
  client.send({ type: 'message', content: 'really' });
  await end(client, 2);
  expect(model.prompt(2)).toEqual(['user: is it late', 'assistant: Yes.', 'user: really']);
});
