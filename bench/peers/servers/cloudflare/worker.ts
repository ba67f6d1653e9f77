import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { AIChatAgent } from '@cloudflare/ai-chat';
import { routeAgentRequest } from 'agents';
import { convertToModelMessages, isStepCount, streamText, tool } from 'ai';
import * as z from 'zod';

/** The chat agent of Cloudflare's guide: messages and streams in the object's SQLite, recovery and resuming by default. */

interface Env extends Cloudflare.Env {
  MODEL_URL: string;
}

const wait = tool({
  description: 'Waits so many seconds.',
  inputSchema: z.object({ seconds: z.number() }),
  execute: async ({ seconds }) => {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return { waited: seconds };
  },
});

export class ChatAgent extends AIChatAgent<Env> {
  override async onChatMessage(
    _onFinish: unknown,
    options?: { abortSignal?: AbortSignal },
  ): Promise<Response> {
    const result = streamText({
      model: createOpenAICompatible({ name: 'scripted', baseURL: this.env.MODEL_URL })('scripted'),
      messages: await convertToModelMessages(this.messages),
      tools: { wait },
      stopWhen: isStepCount(16),
      abortSignal: options?.abortSignal,
    });
    return result.toUIMessageStreamResponse();
  }
}

export default {
  fetch: async (request: Request, env: Env): Promise<Response> =>
    (await routeAgentRequest(request, env)) ?? new Response('Not found', { status: 404 }),
};
