import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';

/** An agent with the web searches of three providers. Each model is offered its own one. */
const AGENT = `
import { anthropic } from '@ai-sdk/anthropic';
import { google } from '@ai-sdk/google';
import { openai } from '@ai-sdk/openai';
import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';
import { wait } from './tools/wait.ts';

export const agent = defineAgent({
  instructions: 'Search before you answer.',
  tools: {
    search: { tool: anthropic.tools.webSearch_20250305({ maxUses: 5 }) },
    openai_search: { tool: openai.tools.webSearch({}) },
    google_search: { tool: google.tools.googleSearch({}) },
    current_time: { tool: currentTime, idempotent: true },
    wait: { tool: wait, idempotent: true, abortable: true },
  },
});
`;

/** Bundles of the functions with this agent, for the tests of one file. */
export function searchingAgent(name: string): { bundles(): Promise<string> } {
  const folder = join(import.meta.dirname, '../../dist', name);
  let built: Promise<string> | undefined;
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  return {
    bundles: () => {
      built ??= buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder);
      return built;
    },
  };
}
