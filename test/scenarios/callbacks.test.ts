import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { WAIT_MS } from '../support/timeouts.ts';

const folder = join(import.meta.dirname, '../../dist/agent-with-callbacks');

/** An agent whose callbacks all fail: the log has their names. */
const AGENT = `
import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';

const fail = () => {
  throw new RangeError('the callback fails');
};

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { current_time: currentTime },
  onStart: fail,
  onStepStart: fail,
  onLanguageModelCallStart: fail,
  onLanguageModelCallEnd: fail,
  onToolExecutionStart: fail,
  onToolExecutionEnd: fail,
  onStepEnd: fail,
  onEnd: fail,
});
`;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder) });
});
afterAll(async () => {
  await stack.settleClients();
  await stack.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

it('callbacks of a deployed agent are called; they throw, the turn goes on, and the log names each', async () => {
  stack.model.script([{ toolCalls: [{ id: 'c1', name: 'current_time', args: {} }] }, { chunks: ['Noon.'] }]);
  const client = await stack.connect('session-1');
  client.send({ type: 'message', id: 'm1', content: 'What time is it?' });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Noon.', steps: 2 });
  let log = '';
  const names = ['onStart', 'onStepStart', 'onLanguageModelCallStart', 'onLanguageModelCallEnd'];
  names.push('onToolExecutionStart', 'onToolExecutionEnd', 'onStepEnd', 'onEnd');
  await vi.waitFor(
    () => {
      log += stack.takeLog().join('\n');
      for (const name of names) expect(log).toContain(`"callback":"${name}","error":"RangeError"`);
    },
    { timeout: WAIT_MS },
  );
});
