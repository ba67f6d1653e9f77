import { describe, expect, it } from 'vitest';
import { chunk, end, eventsOf } from '../support/frames.ts';
import { sayingAll, wordsOf } from '../support/long-answers.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('a replay that takes longer than its function may', () => {
  const stack = givenStack({ settings: { MIDTURN_FLUSH_MS: '20' } });

  it('P9: of a running turn: comes once, in order and whole, then `connected`, then live events', async () => {
    const words = wordsOf(60);
    const gate = createGate();
    stack.script([{ chunks: [...words, gate, 'end'], chunkDelayMs: 25 }]);
    const session = stack.newSession();
    const first = await stack.connect(session);
    first.send({ type: 'message', content: 'count' });
    await chunk(first, words.at(-1) ?? '');
    // Each post takes as long as a whole replay usually does: the replay needs several invocations.
    stack.cloud.gateway.slowPosts(200);
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { after_seq: 0 } });
    await back.waitFor('connected');
    const replayed = eventsOf(back).length;
    stack.cloud.gateway.slowPosts(0);
    gate.open();
    await end(back);
    expect(replayed).toBeGreaterThan(20);
    expect(eventsOf(back).map(({ seq }) => seq)).toEqual(range(1, eventsOf(back).length));
    expect(eventsOf(back).at(-1)).toMatchObject({ type: 'done', full_response: `${words.join('')}end` });
  });
});

describe('a client that drops nothing', () => {
  const stack = givenStack({ settings: { MIDTURN_VISIBILITY_SECONDS: '2' } });

  it('P9: that connects between a death and the take-over is shown each event once', async () => {
    const words = wordsOf(40);
    stack.script(sayingAll(words, 60));
    const session = stack.newSession();
    const first = await stack.connect(session);
    first.send({ type: 'connect' });
    first.send({ type: 'message', content: 'count' });
    await first.waitFor(() => eventsOf(first).length > 8);
    await killWorker(stack.cloud);
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { after_seq: 0 } });
    await end(back);
    // In the order of arrival, with every repeat.
    const arrived = back.frames.flatMap((frame) => ('seq' in frame ? [frame.seq] : []));
    expect(arrived).toEqual(range(1, arrived.length));
  });
});
