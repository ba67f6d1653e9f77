import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const locate = tool({ description: 'Where the user is.', inputSchema: z.object({ exact: z.boolean() }) });

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { locate: { tool: locate, timeoutSeconds: 300 } },
});
`;
const folder = join(import.meta.dirname, '../../dist/agent-of-the-client-tool');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

describeInBrowser('A call that a client is to run', () => {
  const stack = givenStack({ bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder) });
  const browser = givenBrowser(stack);
  const chip = ({ page }: ChatPage) => page.locator('.tool summary');
  const fold = ({ page }: ChatPage) => page.locator('.tool dl');

  it.each([1200, 320])(
    'shows its name and arguments, and that an application has to answer, after a reload too (%s px wide)',
    async (width) => {
      stack.script([
        { toolCalls: [{ name: 'locate', args: { exact: true }, id: 'c1' }] },
        { chunks: ['Done.'] },
      ]);
      const viewport = { width, height: 720 };
      const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
      await chat.say('Where am I?');
      const waits = chip(chat).getByText('waits for an application');
      await waits.waitFor();
      await chat.reload();
      await waits.waitFor();
      expect(await chip(chat).textContent()).toContain('locate');
      await chip(chat).click();
      expect(await fold(chat).textContent()).toMatch(
        /Arguments.*"exact": true.*addToolOutput.*fails 5 minutes after it was made/s,
      );
      const beyond = await chat.page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(beyond).toBe(0);
      expect(await barriers(chat)).toEqual([]);
      await chat.page.getByRole('button', { name: 'Stop the answer' }).click();
      await chip(chat).getByText('failed').waitFor();
      expect(await fold(chat).textContent()).not.toContain('addToolOutput');
    },
  );
});
