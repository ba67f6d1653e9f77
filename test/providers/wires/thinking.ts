import { chatCompletions } from './openai-compatible.ts';
import { PromptRefused } from './wire.ts';

/** Servers that speak OpenAI's chat completions, and want back what their models thought. */

/**
 * DeepSeek and Kimi: each assistant message with calls has its `reasoning_content`, also in later turns.
 * Sources: https://api-docs.deepseek.com/guides/thinking_mode, https://github.com/anomalyco/opencode/issues/24722 (DeepSeek),
 * https://github.com/microsoft/vscode/issues/306695, https://github.com/bytedance/deer-flow/issues/3043 (Kimi, whose words
 * these are).
 */
export const reasoningContent = chatCompletions({
  label: 'reasoning_content',
  check(messages) {
    for (const [n, message] of messages.entries()) {
      if (message.role !== 'assistant' || !message.tool_calls || message.reasoning_content !== undefined)
        continue;
      throw new PromptRefused(
        `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${n}`,
      );
    }
  },
});

/** Stands for a signature. It belongs to its call. */
const signatureOf = (callId: string) => `thought-of-${callId}`;

/**
 * Gemini: the first call of each step has the thought signature that it came with. It is demanded within the turn, which
 * begins with the last message of the user; in earlier turns it may be absent, but not changed.
 * Sources: https://ai.google.dev/gemini-api/docs/thought-signatures, and for the words
 * https://docs.apiyi.com/en/faq/gemini-thought-signature-missing.md
 */
export const thoughtSignature = chatCompletions({
  label: 'thought_signature',
  sign: signatureOf,
  check(messages) {
    const turn = messages.findLastIndex(({ role }) => role === 'user');
    for (const [n, message] of messages.entries()) {
      if (message.role !== 'assistant') continue;
      const [call, ...others] = message.tool_calls ?? [];
      if (!call) continue;
      const signature = call.extra_content?.google.thought_signature;
      if (signature === undefined && n > turn)
        throw new PromptRefused('Function call is missing a thought_signature in functionCall parts.');
      if (signature !== undefined && signature !== signatureOf(call.id))
        throw new PromptRefused('Corrupted thought signature.');
      if (others.some(({ extra_content }) => extra_content))
        throw new PromptRefused('Corrupted thought signature.');
    }
  },
});
