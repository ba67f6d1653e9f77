import { expect, it } from 'vitest';
import { messageGroupOf } from '../../aws/sqs/queues.ts';
import { asSessionId } from '../../core/ids.ts';
import { sessionOf } from '../../core/store/keys.ts';
import { describeBeside } from '../support/describe-beside.ts';
import { chunk, end, endsOf, eventsOf, framesOf, isEnd } from '../support/frames.ts';
import { sayingAll, wordsOf } from '../support/long-answers.ts';
import { createGate } from '../support/model-server.ts';
import { openQueues } from '../support/queues.ts';
import { givenStack } from '../support/stack.ts';
import { ANONYMOUS } from '../support/stored.ts';
import { killWorker } from '../support/workers.ts';

describeBeside('a worker that is killed in mid-answer', () => {
  const stack = givenStack({ settings: { MIDTURN_VISIBILITY_SECONDS: '5' } });

  it('P3, P8: is replaced within its visibility time, and nothing that was seen is taken back', async () => {
    const words = wordsOf(40);
    const model = stack.script(sayingAll(words, 100));
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'connect' });
    client.send({ type: 'message', content: 'count' });
    await client.waitFor(() => framesOf(client, 'chunk').length > 5);
    await killWorker(stack.cloud);
    const [seen, asked] = [eventsOf(client), model.requests.length];
    await model.waitForRequest(asked + 1);
    await client.waitFor(() => eventsOf(client).length > seen.length);

    await client.waitFor(isEnd);
    expect(endsOf(client)).toMatchObject([{ type: 'done', full_response: words.join('') }]);
    expect(eventsOf(client).slice(0, seen.length)).toEqual(seen);
    expect(model.prompt(2)[1]).toMatch(/^assistant: w0 w1 /);
    expect(await stack.stored.lines(session)).toEqual(['user: count', `assistant: ${words.join('')}`]);
  });
});

describeBeside('with a visibility time of 2 s', () => {
  const stack = givenStack({ settings: { MIDTURN_VISIBILITY_SECONDS: '2' } });

  it('P13: a tool that was running runs again if it is idempotent, and its call has one result', async () => {
    const model = stack.script((request, index) =>
      index === 0
        ? { chunks: ['Wait.'], toolCalls: [{ id: 'c1', name: 'wait', args: { seconds: 2 } }] }
        : { chunks: [` Done after ${request.messages.length}.`] },
    );
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'connect' });
    client.send({ type: 'message', content: 'wait' });
    await client.waitFor('tool_call');
    await killWorker(stack.cloud);
    expect(await client.waitFor(isEnd)).toMatchObject({ type: 'done' });
    const kinds = eventsOf(client).map(({ type }) => type);
    expect(kinds.filter((type) => type === 'tool_call' || type === 'tool_result')).toEqual([
      'tool_call',
      'tool_result',
    ]);
    expect(framesOf(client, 'tool_result')[0]).toMatchObject({
      id: 'c1',
      output: '{"waited_seconds":2}',
      json: true,
    });
    expect(model.prompt(2)).toEqual(['user: wait', 'assistant: Wait. [call c1]', 'tool: [result c1]']);
  });

  it('a turn that no worker gets on with ends in an error that keeps what was said, and its session is free', async () => {
    const never = createGate();
    const model = stack.script((_, index) => {
      if (index === 0) return { chunks: ['So far.', never] };
      return index < 4 ? { gate: never } : { chunks: ['Fine.'] };
    });
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'connect' });
    client.send({ type: 'message', content: 'try' });
    await chunk(client, 'So far.');
    for (const call of [1, 2, 3, 4]) {
      await model.waitForRequest(call);
      await killWorker(stack.cloud);
    }
    expect(await client.waitFor(isEnd)).toMatchObject({
      type: 'error',
      code: 'AGENT_ERROR',
      full_response: 'So far.',
    });
    client.send({ type: 'message', content: 'again' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Fine.' });
    expect(model.prompt(5)).toEqual(['user: try', 'assistant: So far.', 'user: again']);
  });
});

describeBeside('a message that is no token', () => {
  const stack = givenStack();

  it('ends in the dead-letter queue, and its session goes on', async ({ expect }) => {
    stack.script([{ chunks: ['Fine.'] }]);
    const session = stack.newSession();
    const queues = await openQueues(stack.cloud.sqs);
    await queues.send('turn', messageGroupOf(sessionOf(ANONYMOUS, asSessionId(session))), '{"slot":');
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'is anybody there' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Fine.' });
    await expect.poll(() => queues.count('deadTurn')).toBe(1);
    await expect.poll(() => queues.count('turn')).toBe(0);
    queues.close();
  });
});
