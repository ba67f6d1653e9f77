import { tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { resultsIn, runAgent } from './agent-in-memory.ts';

const look = tool({ inputSchema: z.object({}), execute: () => 'page 1' });

/** Runs a turn of two model calls. @returns what an integration is told */
async function toldWith(telemetry: Omit<NonNullable<AgentOptions['telemetry']>, 'integrations'>) {
  const told: string[] = [];
  const integration = {
    onStart: ({ functionId }: { functionId?: string | undefined }) => void told.push(`run of ${functionId}`),
    onLanguageModelCallStart: ({ modelId }: { modelId: string }) => void told.push(`call of ${modelId}`),
    onLanguageModelCallEnd: ({ usage }: { usage: { inputTokens: number | undefined } }) =>
      void told.push(`${usage.inputTokens} tokens`),
    onToolExecutionStart: () => void told.push('tool'),
  };
  const options = { tools: { look }, telemetry: { ...telemetry, integrations: integration } };
  await runAgent(options, (call) => (resultsIn(call).length > 0 ? 'Done.' : [['look', {}]]));
  return told;
}

test('`telemetry` is given to each model call, which is a run of one step; tools are not in it', async () => {
  const call = ['run of librarian', 'call of scripted', '10 tokens'];
  expect(await toldWith({ functionId: 'librarian' })).toEqual([...call, ...call]);
});

test('`telemetry` that is switched off tells nothing', async () => {
  expect(await toldWith({ isEnabled: false })).toEqual([]);
});
