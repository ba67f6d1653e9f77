import { join } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { serve } from '@hono/node-server';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { type HonoBindings, type HonoVariables, MastraServer } from '@mastra/hono';
import { LibSQLStore } from '@mastra/libsql';
import { Memory } from '@mastra/memory';
import { Hono } from 'hono';
import * as z from 'zod';

/** A durable agent with memory behind Mastra's own routes; what a crash left running is taken up when the server starts. */

const { PORT = '', MODEL_URL = '', FOLDER = '' } = process.env;

const wait = createTool({
  id: 'wait',
  description: 'Waits so many seconds.',
  inputSchema: z.object({ seconds: z.number() }),
  execute: async ({ seconds }) => {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return { waited: seconds };
  },
});

const agent = new Agent({
  id: 'agent',
  name: 'Agent',
  instructions: 'You are a helpful assistant.',
  model: createOpenAICompatible({ name: 'scripted', baseURL: MODEL_URL })('scripted'),
  tools: { wait },
  memory: new Memory(),
  durable: { maxSteps: 16 },
});

const mastra = new Mastra({
  agents: { agent },
  storage: new LibSQLStore({ id: 'store', url: `file:${join(FOLDER, 'mastra.db')}` }),
  recovery: { durableAgents: 'auto' },
});

const app = new Hono<{ Bindings: HonoBindings; Variables: HonoVariables }>();
await new MastraServer({ app, mastra }).init();
app.get('/', (context) => context.text('ready'));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(PORT) });
await mastra.recoverAllDurableAgents();
