import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

const AGENTS = `
import { defineAgent, defineAgents } from 'midturn/agent';

export const agent = defineAgents({
  support: defineAgent({ instructions: 'You are support.' }),
  sales: defineAgent({ instructions: 'You are sales.' }),
});
`;
const folder = join(import.meta.dirname, '../../dist/agents-of-the-page');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

describeInBrowser('A page of several agents', () => {
  const stack = givenStack({
    settings: { MIDTURN_AGENTS: 'support,sales' },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENTS } }, folder),
  });
  const browser = givenBrowser(stack);

  it('offers them for a new conversation, and names the one that answers, also after a reload', async () => {
    const model = stack.script([{ chunks: ['What shall it be?'] }]);
    const chat = await browser.open(stack.newSession());
    const choice = chat.page.getByRole('group', { name: 'Who answers' });
    await choice.waitFor();
    expect(await choice.getByRole('radio').count()).toBe(3);
    expect(await barriers(chat)).toEqual([]);
    await choice.getByRole('radio', { name: 'sales' }).check();
    await chat.say('Hello');
    await chat.page.locator('.agent-name', { hasText: 'sales' }).waitFor();
    await chat.page.getByText('What shall it be?').waitFor();
    const [system] = model.requests[0]?.body.messages ?? [];
    expect(system?.content).toContain('You are sales.');
    expect(await choice.count()).toBe(0);
    await chat.page.reload();
    await chat.page.locator('.agent-name', { hasText: 'sales' }).waitFor();
  });
});
