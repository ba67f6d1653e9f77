import { describe, expect, it } from 'vitest';
import { endsOf, framesOf, isEnd, isEvent } from '../support/frames.ts';
import { sayingAll, wordsOf } from '../support/long-answers.ts';
import { givenStack } from '../support/stack.ts';
import { LONG_TEST_MS, LONG_WAIT_MS } from '../support/timeouts.ts';
import type { WsClient } from '../support/ws-client.ts';

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

/** Longer than any pause of a busy machine. */
const VISIBILITY_SECONDS = 60;

describe('a turn that outlives its function', () => {
  const stack = givenStack({
    settings: {
      MIDTURN_TURN_TIMEOUT_SECONDS: '10',
      MIDTURN_VISIBILITY_SECONDS: String(VISIBILITY_SECONDS),
    },
  });

  it(
    'P3: 40 s of answer under a time limit of 10 s are one turn, one stream, one done',
    async () => {
      const words = wordsOf(160);
      const model = stack.script(sayingAll(words, 250));
      const session = stack.newSession();
      const client = await stack.connect(session);
      const times = timesOfEvents(client);
      client.send({ type: 'message', content: 'tell me everything' });
      await client.waitFor(isEnd, { timeoutMs: LONG_WAIT_MS });

      expect(endsOf(client)).toMatchObject([{ type: 'done', full_response: words.join('') }]);
      expect(await stack.stored.lines(session)).toEqual([
        'user: tell me everything',
        `assistant: ${words.join('')}`,
      ]);
      expect(model.requests.length, 'it was handed over').toBeGreaterThan(3);
      // A turn that is taken over instead is silent for at least the visibility time.
      expect(Math.max(...gapsOf(times)), 'no take-over').toBeLessThan(VISIBILITY_SECONDS * 1000);
    },
    LONG_TEST_MS,
  );

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
    expect(await client.waitFor('tool_result')).toMatchObject({
      output: '{"waited_seconds":3.8}',
      json: true,
    });
    expect(await client.waitFor(isEnd)).toMatchObject({ type: 'done', steps: 2 });
    expect(model.requests).toHaveLength(2);
    expect(framesOf(client, 'tool_result')).toHaveLength(1);
  });

  it('P13: a tool that takes longer than it may is stopped, and its result says so', async () => {
    stack.script((_, index) =>
      index === 0
        ? { chunks: ['Wait.'], toolCalls: [{ id: 'c1', name: 'wait', args: { seconds: 10 } }] }
        : { chunks: [' It took too long.'] },
    );
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'wait for long' });
    expect(await client.waitFor('tool_result')).toMatchObject({
      is_error: true,
      output: 'Stopped: the tool was not done after 4 s.',
    });
    expect(await client.waitFor(isEnd)).toMatchObject({ full_response: 'Wait. It took too long.' });
  });
});
