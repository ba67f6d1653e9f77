import { expect, it } from 'vitest';
import { defineAgent } from '../model/agent/agent-definition.ts';
import { checkAgent } from './agent-check.ts';
import { LocalCloudError } from './errors.ts';

it('a mistake in the agent’s definition is one line, where the cloud is started and the functions are built', async () => {
  const read = async () =>
    defineAgent({ instructions: '', tools: {}, mcp: { my_docs: { url: 'https://docs.example' } } });
  await expect(checkAgent(read)).rejects.toThrow(LocalCloudError);
  await expect(checkAgent(read)).rejects.toThrow(
    /^agent\/agent\.ts: MCP server "my_docs": only letters, digits and - are allowed in its name, at most 32\.$/,
  );
});

it('what depends on where the agent runs is left to the function that runs it', async () => {
  await checkAgent(async () => {
    throw new Error('DATABASE_URL is not set');
  });
});

it('the agent of this project is right', async () => {
  await checkAgent();
});
