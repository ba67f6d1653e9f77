import { describe, expect, it } from 'vitest';
import { accepted, chunk, end, eventsOf, framesOf } from '../support/frames.ts';
import { createGate, type ModelServer, type Reply } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

/** Both are asked at the same address: without words of its own about access, the second is reached as the first. */
const stack = givenStack({
  settings: {
    MIDTURN_MODEL: 'openai-compatible:first',
    MIDTURN_FALLBACK_MODEL: 'openai-compatible:second',
    MIDTURN_MODEL_API_KEY: 'sk-first',
  },
});

const askedOf = (model: Pick<ModelServer, 'requests'>) => model.requests.map(({ body }) => body.model);

/** Each model says its own, call by call. */
const replies = (first: Reply[], second: Reply[]) => {
  const left: Record<string, Reply[]> = { first: [...first], second: [...second] };
  return stack.script(({ model }) => left[String(model)]?.shift() ?? { status: 500 });
};

const CHANGED = {
  type: 'model_changed',
  provider: 'openai-compatible',
  model: 'second',
  fallback_from: 'openai-compatible:first',
};

describe('MIDTURN_FALLBACK_MODEL', () => {
  it('goes on with the turn when the model fails again and again, and says so; the next turn begins with the first', async () => {
    const model = replies(
      [{ status: 503 }, { status: 503 }, { status: 503 }, { chunks: ['back again'] }],
      [{ toolCalls: [{ name: 'current_time', args: {}, id: 'call_a' }] }, { chunks: ['answer'] }],
    );
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'answer',
      provider: 'openai-compatible',
      model: 'second',
      fallback_from: 'openai-compatible:first',
    });
    expect(askedOf(model)).toEqual(['first', 'first', 'first', 'second', 'second']);
    expect(framesOf(client, 'model_changed')).toMatchObject([{ ...CHANGED, reason: 'provider' }]);
    expect(eventsOf(client).map(({ type }) => type)).toEqual([
      'turn_start',
      'applied',
      'model_changed',
      'tool_call',
      'tool_result',
      'chunk',
      'done',
    ]);
    // Both see the same prompt (P11), and the transcript knows nothing of it.
    expect(model.prompt(4)).toEqual(model.prompt(1));
    expect(model.requests[3]?.headers.authorization).toBe('Bearer sk-first');
    expect(await stack.stored.lines(session)).toHaveLength(4);

    client.send({ type: 'message', id: 'm2', content: 'second' });
    const done = await end(client, 2);
    expect(done).toMatchObject({ type: 'done', full_response: 'back again', model: 'first' });
    expect(done).not.toHaveProperty('fallback_from');
  });

  it('takes over at once where trying again would not help', async () => {
    const model = replies([{ status: 401 }], [{ chunks: ['answer'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'answer', model: 'second' });
    expect(askedOf(model)).toEqual(['first', 'second']);
    expect(framesOf(client, 'model_changed')).toMatchObject([{ ...CHANGED, reason: 'unauthorised' }]);
  });

  it('P6: what came in meanwhile is seen by the second model', async () => {
    const gate = createGate();
    const model = replies([{ gate, status: 401 }], [{ chunks: ['answer to both'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await model.waitForRequest(1);
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'answer to both' });
    expect(model.prompt(2)).toEqual(['user: first', 'user: second']);
  });

  it('P3: does not take over what is visible already, nor what the first one may not answer', async () => {
    const gate = createGate();
    const model = replies([{ chunks: ['half', gate, ''], cutAfter: 1 }, { finish: 'content_filter' }], []);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'half');
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'error', full_response: 'half' });
    client.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'error', reason: 'withheld' });
    expect(askedOf(model)).toEqual(['first', 'first']);
  });

  it('when it fails too, the turn ends in its error', async () => {
    const model = replies([{ status: 401 }], [{ status: 404 }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'error', code: 'PROVIDER_ERROR', reason: 'not_found' });
    expect(askedOf(model)).toEqual(['first', 'second']);
  });

  it('a prompt that the first model refuses is shown to the second whole, and in another form only then', async () => {
    const overlong = {
      status: 400,
      body: { error: { message: 'maximum context length', code: 'context_length_exceeded' } },
    };
    const model = replies(
      [{ chunks: ['one'] }, overlong, { chunks: ['three'] }],
      [overlong, { chunks: ['two'] }],
    );
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    await end(client);
    client.send({ type: 'message', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'two', model: 'second' });
    expect(askedOf(model)).toEqual(['first', 'first', 'second', 'second']);
    expect(model.prompt(3)).toEqual(model.prompt(2));
    expect(model.prompt(4)).toEqual(['user: second']);
    // What the second model does not take says nothing of the first.
    client.send({ type: 'message', content: 'third' });
    expect(await end(client, 3)).toMatchObject({ type: 'done', full_response: 'three' });
    expect(model.prompt(5)).toEqual([
      'user: first',
      'assistant: one',
      'user: second',
      'assistant: two',
      'user: third',
    ]);
  });
});
