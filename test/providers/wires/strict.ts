import { openaiCompatible } from './openai-compatible.ts';
import { callsOf, type HttpAnswer, PromptRefused, type SeenMessage, type Wire } from './wire.ts';

/** Servers that speak OpenAI's chat completions and take fewer prompts than OpenAI. */

function stricter(label: string, check: (messages: readonly SeenMessage[], body: unknown) => void): Wire {
  return {
    ...openaiCompatible,
    label,
    read(body) {
      const seen = openaiCompatible.read(body);
      check(seen, body);
      return seen;
    },
  };
}

/**
 * Mistral's API wants an assistant message between a result and the next message of the user. The last message is the user's
 * or a result.
 * Sources: https://github.com/zed-industries/zed/issues/37021, https://github.com/onyx-dot-app/onyx/issues/6458,
 * https://github.com/0xPlaygrounds/rig/pull/1130
 */
export const mistral = stricter('mistral', (messages) => {
  const refused = (message: string, type = 'invalid_request_message_order', code = '3230') =>
    new PromptRefused(message, { status: 400, body: { object: 'error', message, type, param: null, code } });
  for (const [n, { role }] of messages.entries()) {
    const before = messages[n - 1]?.role;
    if (role === 'user' && before === 'tool') throw refused("Unexpected role 'user' after role 'tool'");
  }
  if (messages.at(-1)?.role === 'assistant') {
    throw refused(
      'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant',
    );
  }
});

const badRequest = (message: string): HttpAnswer => ({
  status: 400,
  body: { object: 'error', message, type: 'BadRequestError', param: null, code: 400 },
});

/**
 * The template of Mistral's first models, as vLLM runs it: messages of user and assistant alternate. Results, and messages
 * with calls, do not count.
 * Sources: https://github.com/vllm-project/vllm/issues/6862, and the template in
 * https://github.com/nomic-ai/gpt4all/issues/3273
 */
export const mistralTemplate = stricter('template of Mistral 7B', (messages) => {
  const counted = messages.filter((message) => message.role !== 'tool' && callsOf(message).length === 0);
  for (const [n, { role }] of counted.entries()) {
    if ((role === 'user') === (n % 2 === 0)) continue;
    const message =
      'After the optional system message, conversation roles must alternate user/assistant/user/assistant/...';
    throw new PromptRefused(message, badRequest(message));
  }
});

/**
 * Gemma's template, as llama.cpp runs it: messages of user and assistant alternate, and there is no third role. A template's
 * exception is answered with 500.
 * Sources: https://github.com/withcatai/node-llama-cpp/issues/263 (the template),
 * https://github.com/dnakov/anon-kode/issues/60
 */
export const gemmaTemplate = stricter('template of Gemma', (messages) => {
  for (const [n, { role }] of messages.entries()) {
    if ((role === 'user') === (n % 2 === 0) && role !== 'tool') continue;
    const message = 'Conversation roles must alternate user/assistant/user/assistant/... at row 9, column 12';
    throw new PromptRefused(message, {
      status: 500,
      body: { error: { code: 500, message, type: 'server_error' } },
    });
  }
});

/**
 * A model without tools, as Ollama runs it.
 * Sources: https://github.com/pydantic/pydantic-ai/issues/703, https://github.com/ollama/ollama/issues/14795
 */
export const toolless = stricter('model without tools', (_messages, body) => {
  if (typeof body !== 'object' || body === null || !('tools' in body) || body.tools === undefined) return;
  const message = 'registry.ollama.ai/library/gemma3:latest does not support tools';
  throw new PromptRefused(message, {
    status: 400,
    body: { error: { message, type: 'api_error', param: null, code: null } },
  });
});

/**
 * A model whose template knows no instructions, and no tools either.
 * Source: https://github.com/microsoft/autogen/issues/1037
 */
export const systemless = stricter('template without instructions', (messages, body) => {
  const { messages: all } = body as { messages: { role: string }[] };
  const message = 'Conversation roles must alternate user/assistant/user/assistant/...';
  if (all.some(({ role }) => role === 'system') || messages.some(({ role }) => role === 'tool')) {
    throw new PromptRefused(message, badRequest(message));
  }
});
