import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, chunk, end, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';

const folder = join(import.meta.dirname, '../../dist/agent-with-output');

/** An agent whose answers have a form of their own. */
const AGENT = `
import { Output } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

export const agent = defineAgent({
  instructions: 'Answer with a recipe.',
  output: Output.object({ schema: z.object({ name: z.string(), minutes: z.number() }) }),
});
`;

const SOUP = ['{"name": "soup", ', '"minutes": 20}'] as const;
const soup = { name: 'soup', minutes: 20 };

describe('an agent whose answers have a form', () => {
  const stack = givenStack({
    settings: { MIDTURN_VISIBILITY_SECONDS: '2' },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

  it('P3 streams the answer as text, and gives its value in `done` and in the transcript', async () => {
    const model = stack.script([{ chunks: [...SOUP] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'A soup, please.' });
    const done = await end(client);
    expect(done).toMatchObject({ type: 'done', output: soup, full_response: SOUP.join('') });
    const said = framesOf(client, 'chunk').map(({ content }) => content);
    expect(said.join('')).toBe(SOUP.join(''));
    expect(model.requests[0]?.body).toMatchObject({ response_format: expect.anything() });
    client.send({ type: 'history' });
    const { entries } = await client.next('history');
    expect(entries.at(-1)).toMatchObject({ role: 'event', event: { type: 'done', output: soup } });
  });

  it('ends a turn with OUTPUT_INVALID whose answer does not have it, and the next turn goes on', async () => {
    stack.script([{ chunks: ['A soup takes a while.'] }, { chunks: [...SOUP] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'A soup, please.' });
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'OUTPUT_INVALID',
      terminal: true,
      retryable: true,
      full_response: 'A soup takes a while.',
    });
    client.send({ type: 'message', id: 'm2', content: 'As a recipe.' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', output: soup });
  });

  it('P6 gives the value of the answer that a steering message led to', async () => {
    const gate = createGate();
    stack.script([{ chunks: [SOUP[0], gate, SOUP[1]] }, { chunks: ['{"name": "tea", "minutes": 5}'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'A soup, please.' });
    await chunk(client, SOUP[0]);
    client.send({ type: 'message', id: 'm2', content: 'Tea instead.' });
    await accepted(client, 'm2');
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', output: { name: 'tea', minutes: 5 }, steps: 2 });
  });

  it.each([
    ['goes on with its answer', SOUP[1]],
    ['begins its answer anew', SOUP.join('')],
  ])('P8 after a worker died in the answer, a model that %s has given the value', async (_how, rest) => {
    const gate = createGate();
    stack.script([{ chunks: [SOUP[0], gate] }, { chunks: [rest] }]);
    const client = await stack.connect(stack.newSession());
    // A client that sees a take-over's repeats.
    client.send({ type: 'connect' });
    await client.next('connected');
    client.send({ type: 'message', id: 'm1', content: 'A soup, please.' });
    await chunk(client, SOUP[0]);
    await killWorker(stack.cloud);
    expect(await end(client)).toMatchObject({
      type: 'done',
      output: soup,
      full_response: `${SOUP[0]}${rest}`,
    });
  });
});
