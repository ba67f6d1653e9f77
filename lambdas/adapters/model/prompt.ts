import type { AssistantModelMessage, ModelMessage, ToolModelMessage } from 'ai';
import type { Json } from '../../core/json.ts';
import type { PromptMessage } from '../../core/model.ts';

/**
 * Sent after a text of the assistant's own that ends the prompt: a turn that another worker took over in mid-answer.
 * Several models refuse a prompt that ends with the assistant, and so this message of the user's role asks for the rest.
 * It is not an entry of the transcript, and it is the same whenever the prompt is built again (P11).
 */
export const CONTINUE_REQUEST =
  'Your last message was interrupted before it was complete. Continue it exactly where the text stops, as if there had been no interruption: do not repeat anything, do not apologise, do not mention this request.';

/** What the model is shown, in the AI SDK's form. User messages stay apart; whether they are merged is the provider's affair. */
export function toModelMessages(messages: readonly PromptMessage[]): ModelMessage[] {
  const prompt: ModelMessage[] = [];
  for (const message of joinInterrupted(messages)) {
    switch (message.role) {
      case 'user':
        prompt.push({ role: 'user', content: message.content });
        break;
      case 'assistant': {
        const content = assistantContent(message);
        // Providers refuse a message with nothing in it.
        if (content.length > 0) prompt.push({ role: 'assistant', content });
        break;
      }
      case 'tool':
        prompt.push({ role: 'tool', content: message.results.map(toolResult) });
        break;
    }
  }
  if (endsInText(messages)) prompt.push({ role: 'user', content: CONTINUE_REQUEST });
  return prompt;
}

type AssistantMessage = Extract<PromptMessage, { role: 'assistant' }>;
type ToolMessage = Extract<PromptMessage, { role: 'tool' }>;

/** A text and its continuation by a later worker are one message: the break may be in the middle of a word. */
function joinInterrupted(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (message.role === 'assistant' && last?.role === 'assistant' && last.calls.length === 0) {
      joined[joined.length - 1] = { ...message, text: last.text + message.text };
    } else {
      joined.push(message);
    }
  }
  return joined;
}

function endsInText(messages: readonly PromptMessage[]): boolean {
  const last = messages.at(-1);
  return last?.role === 'assistant' && last.calls.length === 0;
}

function assistantContent({ text, calls }: AssistantMessage) {
  const content: Exclude<AssistantModelMessage['content'], string> = [];
  if (text !== '') content.push({ type: 'text', text });
  for (const { id, name, args } of calls) {
    content.push({ type: 'tool-call', toolCallId: id, toolName: name, input: asObject(args) });
  }
  return content;
}

/** Anthropic and Bedrock take objects alone as arguments, and a call with invalid ones may hold anything. */
function asObject(args: Json): Json {
  return typeof args === 'object' && args !== null && !Array.isArray(args)
    ? args
    : { invalid_arguments: args };
}

function toolResult({
  id,
  name,
  output,
  isError,
}: ToolMessage['results'][number]): ToolModelMessage['content'][number] {
  const part = { type: 'tool-result', toolCallId: id, toolName: name } as const;
  if (typeof output === 'string') {
    return { ...part, output: { type: isError ? 'error-text' : 'text', value: output } };
  }
  return { ...part, output: { type: isError ? 'error-json' : 'json', value: output } };
}
