import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

const LONG = 'a'.repeat(64);
const AGENTS = `
import { defineAgent, defineAgents } from 'midturn/agent';

export const agent = defineAgents({
  support: defineAgent({ instructions: 'You are support.' }),
  sales: defineAgent({ instructions: 'You are sales.' }),
  ${LONG}: defineAgent({ instructions: 'You have a long name.' }),
});
`;
const folder = join(import.meta.dirname, '../../dist/agents-of-the-page');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

describeInBrowser('A page of several agents', () => {
  const stack = givenStack({
    settings: { MIDTURN_AGENTS: `support,sales,${LONG}` },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENTS } }, folder),
  });
  const browser = givenBrowser(stack);

  it('offers them for a new conversation, and names the one that answers, also after a reload', async () => {
    const model = stack.script([{ chunks: ['What shall it be?'] }]);
    const chat = await browser.open(stack.newSession());
    const choice = chat.page.getByRole('group', { name: 'Who answers' });
    await choice.waitFor();
    expect(await choice.getByRole('radio').count()).toBe(4);
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

  it('a choice outlives a reload, with the message that waits for the network', async () => {
    const model = stack.script([{ chunks: ['What shall it be?'] }]);
    const chat = await browser.open(stack.newSession());
    const sales = chat.page.getByRole('radio', { name: 'sales' });
    await sales.check();
    await chat.reload();
    await expect.poll(() => sales.isChecked()).toBe(true);
    await chat.cut();
    await chat.say('Hello');
    await chat.page.reload();
    await chat.page.locator('.agent-name', { hasText: 'sales' }).waitFor();
    await chat.page.getByText('What shall it be?').waitFor();
    expect(model.requests[0]?.body.messages[0]?.content).toContain('You are sales.');
  });

  it('nothing is wider than a screen of 320 px with a name of 64 characters, also in large text', async () => {
    stack.script([{ chunks: ['What shall it be?'] }]);
    const viewport = { width: 320, height: 640 };
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    const beyond = () => chat.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    const choice = chat.page.getByRole('group', { name: 'Who answers' });
    await choice.waitFor();
    expect(await beyond()).toBe(0);
    await choice.getByRole('radio', { name: LONG }).check();
    await chat.say('Hello');
    await chat.page.getByText('What shall it be?').waitFor();
    await chat.page.locator('.agent-name', { hasText: LONG }).waitFor();
    expect(await beyond()).toBe(0);
    await chat.page.evaluate('document.documentElement.style.fontSize = "150%"');
    const bar = chat.page.locator('.top-bar');
    expect(await bar.evaluate((at) => at.scrollWidth - at.clientWidth)).toBe(0);
    expect(await barriers(chat)).toEqual([]);
  });
});
