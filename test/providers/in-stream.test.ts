import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RemoteProvider } from '../../config/settings/models.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { createModel } from '../../model/providers/create-model.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import { openaiCompatible } from './wires/openai-compatible.ts';
import type { Fault, Frame, Wire } from './wires/wire.ts';

/**
 * Errors that a provider reports inside an answer of HTTP 200. What the turn does next depends on their reason: whole turns
 * with each are in `failures.test.ts`.
 */

const REASONS: Readonly<Record<Fault, string>> = {
  throttled: 'throttled',
  overloaded: 'provider',
  model_error: 'provider',
};

const bytesOf = (frames: readonly Frame[]) =>
  Buffer.concat(frames.map((frame) => (typeof frame === 'string' ? Buffer.from(frame) : frame)));

/** What comes of an answer of these frames, a word each. */
async function heard(wire: Wire, frames: readonly Frame[]): Promise<string[]> {
  const fetch = async () => new Response(bytesOf(frames), { headers: { 'content-type': wire.contentType } });
  const provider: RemoteProvider = wire.name;
  const model = await createModel(
    { provider, modelId: wire.model },
    defineAgent({ instructions: 'Be brief.' }),
    {
      baseUrl: 'https://provider.midturn.invalid/v1',
      apiKey: 'key',
      region: 'eu-central-1',
      fetch,
    },
  );
  const request = { messages: [{ role: 'user' as const, content: 'go' }], toolChoice: 'auto' as const };
  const parts: string[] = [];
  for await (const part of model.stream(request, new AbortController().signal, () => {})) {
    if (part.type === 'text') parts.push(part.text);
    if (part.type === 'failure')
      parts.push(`${part.failure.reason}${part.failure.retryable ? ', retryable' : ''}`);
  }
  return parts;
}

describe.each([bedrock, anthropic, openaiCompatible, openai, google])('$name', (wire) => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-of-the-test');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each(Object.entries(REASONS))('%s as the first thing of an answer is: %s', async (fault, reason) => {
    const answer = wire.answer(wire.model);
    const frames = [...answer.begin({ input: 1, output: 1 }), ...answer.fault(fault as Fault)];
    expect(await heard(wire, frames)).toEqual([`${reason}, retryable`]);
  });

  it.each(Object.entries(REASONS))('%s after words is, with the words: %s', async (fault, reason) => {
    const answer = wire.answer(wire.model);
    const frames = [
      ...answer.begin({ input: 1, output: 1 }),
      ...answer.text('Ünder way 👩‍🚀'),
      ...answer.fault(fault as Fault),
    ];
    expect(await heard(wire, frames)).toEqual(['Ünder way 👩‍🚀', `${reason}, retryable`]);
  });
});
