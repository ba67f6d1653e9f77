import { setTimeout as sleep } from 'node:timers/promises';
import { ChatOpenAI } from '@langchain/openai';
import { createAgent, tool } from 'langchain';
import * as z from 'zod';

/** The agent of LangChain's guide; the development server adds threads, runs and their streams. */

const wait = tool(
  async ({ seconds }) => {
    await sleep(seconds * 1000);
    return JSON.stringify({ waited: seconds });
  },
  { name: 'wait', description: 'Waits so many seconds.', schema: z.object({ seconds: z.number() }) },
);

export const agent = createAgent({
  model: new ChatOpenAI({
    model: 'scripted',
    apiKey: 'none',
    configuration: { baseURL: process.env.MODEL_URL },
  }),
  tools: [wait],
});
