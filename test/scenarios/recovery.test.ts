import { describe, expect, it } from 'vitest';
import { groupOf } from '../../aws/sqs/queues.ts';
import { sessionOf } from '../../core/store/keys.ts';
import type { LocalCloud } from '../../local/cloud.ts';
import { chunk, end, endsOf, eventsOf, framesOf, isEnd, isEvent } from '../support/frames.ts';
import { type ChatRequest, createGate, type Script } from '../support/model-server.ts';
import { openQueues } from '../support/queues.ts';
import { givenStack } from '../support/stack.ts';
import { ANONYMOUS } from '../support/stored.ts';
import type { WsClient } from '../support/ws-client.ts';

/** What was said of the answer, when the model is asked to go on with it. */
const saidSoFar = ({ messages }: ChatRequest): string => {
  const last = messages.findLast(({ role }) => role === 'assistant');
  return last?.content ?? '';
};

/** A model that says these words one by one, and goes on wherever it was cut. */
const sayingAll =
  (words: readonly string[], chunkDelayMs: number): Script =>
  (request) => {
    let said = saidSoFar(request);
    const left = words.filter((word) => {
      const known = said.startsWith(word);
      if (known) said = said.slice(word.length);
      return !known;
    });
    return { chunks: left, chunkDelayMs };
  };

const wordsOf = (count: number) => Array.from({ length: count }, (_, n) => `w${n} `);

/** Ends the worker that runs a turn outright: not another line of it is run. */
async function killWorker({ functions }: LocalCloud): Promise<void> {
  const busy = functions
    .list()
    .filter(({ name }) => name === 'turn')
    .flatMap(({ environments }) => environments)
    .filter(({ state }) => state === 'busy');
  expect(busy).toHaveLength(1);
  for (const { id } of busy) await functions.kill(id);
}

/** When each event was here, in milliseconds. */
function timesOfEvents(client: WsClient): number[] {
  const times: number[] = [];
  client.socket.on('message', () => {
    const last = client.frames.at(-1);
    if (last && isEvent(last)) times.push(performance.now());
  });
  return times;
}

const gapsOf = (times: readonly number[]) => times.slice(1).map((time, i) => time - (times[i] ?? time));

describe('a turn that outlives its function', () => {
  const stack = givenStack({ settings: { MIDTURN_TURN_TIMEOUT_SECONDS: '10' } });

  it('P3: 40 s of answer under a time limit of 10 s are one turn, one stream, one done', async () => {
    const words = wordsOf(160);
    const model = stack.script(sayingAll(words, 250));
    const session = stack.newSession();
    const client = await stack.connect(session);
    const times = timesOfEvents(client);
    client.send({ type: 'message', content: 'tell me everything' });
    await client.waitFor(isEnd, 85_000);

    expect(endsOf(client)).toMatchObject([{ type: 'done', full_response: words.join('') }]);
    expect(await stack.stored.lines(session)).toEqual([
      'user: tell me everything',
      `assistant: ${words.join('')}`,
    ]);
    expect(model.requests.length, 'it was handed over').toBeGreaterThan(3);
    expect(Math.max(...gapsOf(times)), 'no hand-over is noticed').toBeLessThan(3000);
  }, 90_000);

  it('P13: tools that may not be done in time are left to a fresh invocation, and run there', async () => {
    const words = wordsOf(24);
    const model = stack.script((request, index) =>
      index === 0
        ? {
            chunks: words,
            chunkDelayMs: 250,
            toolCalls: [{ id: 'c1', name: 'wait', args: { seconds: 3.8 } }],
          }
        : { chunks: [`Done after ${request.messages.length}.`] },
    );
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'say much, then wait' });
    // Begun at once, they would have been cut by the time limit, and nobody would know whether they ran.
    expect(await client.waitFor('tool_result', 20_000)).toMatchObject({
      output: '{"waited_seconds":3.8}',
      json: true,
    });
    expect(await client.waitFor(isEnd)).toMatchObject({ type: 'done', steps: 2 });
    expect(model.requests).toHaveLength(2);
    expect(framesOf(client, 'tool_result')).toHaveLength(1);
  }, 40_000);

  it('P13: a tool that takes longer than it may is stopped, and its result says so', async () => {
    stack.script((_, index) =>
      index === 0
        ? { chunks: ['Wait.'], toolCalls: [{ id: 'c1', name: 'wait', args: { seconds: 10 } }] }
        : { chunks: [' It took too long.'] },
    );
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'wait for long' });
    expect(await client.waitFor('tool_result', 20_000)).toMatchObject({
      is_error: true,
      output: 'Stopped: the tool was not done after 4 s.',
    });
    expect(await client.waitFor(isEnd)).toMatchObject({ full_response: 'Wait. It took too long.' });
  }, 40_000);
});

describe('a worker that is killed in mid-answer', () => {
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
    const killedAt = performance.now();
    const [seen, asked] = [eventsOf(client), model.requests.length];
    await model.waitForRequest(asked + 1);
    await client.waitFor(() => eventsOf(client).length > seen.length);
    expect(performance.now() - killedAt).toBeLessThan(8000);

    await client.waitFor(isEnd);
    expect(endsOf(client)).toMatchObject([{ type: 'done', full_response: words.join('') }]);
    expect(eventsOf(client).slice(0, seen.length)).toEqual(seen);
    expect(model.prompt(2)[1]).toMatch(/^assistant: w0 w1 /);
    expect(await stack.stored.lines(session)).toEqual(['user: count', `assistant: ${words.join('')}`]);
  }, 40_000);
});

describe('with a visibility time of 2 s', () => {
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
    expect(await client.waitFor(isEnd, 15_000)).toMatchObject({ type: 'done' });
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
  }, 30_000);

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
    expect(await client.waitFor(isEnd, 15_000)).toMatchObject({
      type: 'error',
      code: 'AGENT_ERROR',
      full_response: 'So far.',
    });
    client.send({ type: 'message', content: 'again' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Fine.' });
    expect(model.prompt(5)).toEqual(['user: try', 'assistant: So far.', 'user: again']);
  }, 60_000);
});

describe('a message that is no token', () => {
  const stack = givenStack();

  it('ends in the dead-letter queue, and its session goes on', async () => {
    stack.script([{ chunks: ['Fine.'] }]);
    const session = stack.newSession();
    const queues = await openQueues(stack.cloud.sqs);
    await queues.send('turn', groupOf(sessionOf(ANONYMOUS, session)), '{"slot":');
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'is anybody there' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Fine.' });
    await expect.poll(() => queues.count('deadTurn')).toBe(1);
    await expect.poll(() => queues.count('turn')).toBe(0);
    queues.close();
  });
});
