import { tool } from 'ai';
import { afterEach, expect, test, vi } from 'vitest';
import * as z from 'zod';
import type { ModelPart, ModelRequest } from '../../core/model.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createModel } from './create-model.ts';

const agent = defineAgent({
  instructions: 'Be brief.',
  tools: {
    wait: { tool: tool({ inputSchema: z.object({ seconds: z.number() }), execute: () => 'waited' }) },
  },
});

afterEach(() => {
  vi.unstubAllEnvs();
});

function credentials(accessKeyId: string | undefined): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', accessKeyId && 'secret-of-the-test');
  vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', undefined);
}

/** Answers every request with that status, and keeps what was sent. */
function refusal(status: number) {
  const seen: { url?: string; body?: unknown; authorization?: string | null } = {};
  const fetch = async (url: unknown, init?: RequestInit) => {
    seen.url = String(url);
    seen.body = JSON.parse(String(init?.body));
    seen.authorization = new Headers(init?.headers).get('authorization');
    return Response.json({ message: 'no' }, { status });
  };
  return { seen, fetch };
}

async function collect(request: ModelRequest, fetch: typeof globalThis.fetch) {
  const choice = { provider: 'bedrock', modelId: 'eu.anthropic.claude' } as const;
  const model = await createModel(choice, agent, { region: 'eu-central-1', fetch });
  const parts: ModelPart[] = [];
  for await (const part of model.stream(request, new AbortController().signal)) parts.push(part);
  return parts;
}

const afterTool: ModelRequest = {
  toolChoice: 'none',
  messages: [
    { role: 'user', content: 'first' },
    { role: 'assistant', text: '', calls: [{ id: 't1', name: 'wait', args: { seconds: 1 } }] },
    { role: 'tool', results: [{ id: 't1', name: 'wait', output: { waited: 1 }, isError: false }] },
    { role: 'user', content: 'second' },
  ],
};

test('signs a request for the model in its region', async () => {
  credentials('AKIAEXAMPLE');
  const { seen, fetch } = refusal(403);
  const parts = await collect(afterTool, fetch);
  expect(seen.url).toBe(
    'https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.claude/converse-stream',
  );
  expect(seen.authorization).toMatch(/^AWS4-HMAC-SHA256 /);
  expect(parts).toMatchObject([{ type: 'failure', failure: { code: 'AUTH_ERROR', retryable: false } }]);
});

test('without tools, the prompt keeps the calls and results that it holds', async () => {
  credentials('AKIAEXAMPLE');
  const { seen, fetch } = refusal(429);
  const parts = await collect(afterTool, fetch);
  expect(seen.body).toMatchObject({
    system: [{ text: expect.stringMatching(/^Be brief\.\nDo not call any tool/) }],
    toolConfig: { tools: [{ toolSpec: { name: 'wait' } }] },
    messages: [
      { role: 'user', content: [{ text: 'first' }] },
      { role: 'assistant', content: [{ toolUse: { toolUseId: 't1', input: { seconds: 1 } } }] },
      { role: 'user', content: [{ toolResult: { toolUseId: 't1' } }, { text: 'second' }] },
    ],
  });
  expect(parts).toMatchObject([{ type: 'failure', failure: { code: 'PROVIDER_ERROR', retryable: true } }]);
});

test('without credentials in its environment, says so', async () => {
  credentials(undefined);
  expect(await collect(afterTool, refusal(500).fetch)).toMatchObject([
    { type: 'failure', failure: { code: 'AUTH_ERROR', retryable: false } },
  ]);
});
