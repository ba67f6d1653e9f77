import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end, framesOf } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';

const folder = join(import.meta.dirname, '../../dist/agent-with-tool-approval');

/** An agent that decides about its tools' calls as the AI SDK's agents do. */
const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const pay = tool({
  description: 'Pays.',
  inputSchema: z.object({ amount: z.number() }),
  execute: ({ amount }) => 'paid ' + amount,
});

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { pay },
  toolApproval: {
    pay: ({ amount }) => {
      if (amount > 1000) return { type: 'denied', reason: 'Nobody pays that much.' };
      return amount > 10 ? 'user-approval' : 'approved';
    },
  },
});
`;

describe('toolApproval of an agent', () => {
  const stack = givenStack({
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

  it('P13 approves, denies and asks the user, call by call', async () => {
    const toolCalls = [5, 50, 5000].map((amount) => ({ name: 'pay', args: { amount }, id: `c${amount}` }));
    stack.script([{ toolCalls }, { chunks: ['done'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'Pay all.' });
    const request = await client.next('approval_request');
    expect(request).toMatchObject({ tool_call_id: 'c50', arguments: { amount: 50 }, always: false });
    client.send({ type: 'approval_response', request_id: request.request_id, decision: 'approve' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'done' });
    expect(framesOf(client, 'approval_request')).toHaveLength(1);
    const results = framesOf(client, 'tool_result').map(({ id, output, is_error = false }) => [
      id,
      output,
      is_error,
    ]);
    expect(results.toSorted()).toEqual([
      ['c5', 'paid 5', false],
      ['c50', 'paid 50', false],
      ['c5000', 'Not run: the agent does not allow this call. Nobody pays that much.', true],
    ]);
  });
});
