import { createHash } from 'node:crypto';
import type { AssistantModelMessage, ModelMessage, ToolModelMessage, UserModelMessage } from 'ai';
import { type Content, type ContentPart, isBlank } from '../../core/content.ts';
import { IMAGE_NOTE } from '../../core/events/prompt.ts';
import type { Json } from '../../core/json.ts';
import type { PromptMessage } from '../../core/model.ts';

/**
 * Asks for the rest of an answer. It follows the assistant's own text at the end of a prompt, when another worker
 * continues a turn: several models reject a prompt that ends with the assistant. It is not in the transcript, and it is
 * the same each time the prompt is built (P11).
 */
export const CONTINUE_REQUEST =
  'Your last message was interrupted before it was complete. Continue it exactly where the text stops, as if there had been no interruption: do not repeat anything, do not apologise, do not mention this request.';

/** The ids of calls that a provider accepts. */
export type CallIds = 'any' | 'plain';

/** The images of a prompt that the provider takes: a note replaces an address where it takes none. */
export type ShownImages = 'all' | 'inline';

export interface PromptForm {
  callIds?: CallIds;
  images?: ShownImages;
}

/** Converts a prompt into the AI SDK's form. User messages stay separate; a provider may merge them. */
export function toModelMessages(
  messages: readonly PromptMessage[],
  { callIds = 'any', images = 'all' }: PromptForm = {},
): ModelMessage[] {
  const idOf = callIds === 'plain' ? plainId : (id: string) => id;
  const prompt: ModelMessage[] = [];
  const joined = joinInterrupted(messages);
  for (const message of joined) {
    switch (message.role) {
      case 'user':
        prompt.push({ role: 'user', content: userContent(message.content, images) });
        break;
      case 'assistant': {
        const content = assistantContent(message, idOf);
        // Providers reject an empty message.
        if (content.length > 0) prompt.push({ role: 'assistant', content });
        break;
      }
      case 'tool':
        prompt.push({ role: 'tool', content: message.results.map((result) => toolResult(result, idOf)) });
        break;
    }
  }
  if (endsInText(joined)) prompt.push({ role: 'user', content: CONTINUE_REQUEST });
  return prompt;
}

type AssistantMessage = Extract<PromptMessage, { role: 'assistant' }>;
type ToolMessage = Extract<PromptMessage, { role: 'tool' }>;

/** Joins a text and its continuation by a later worker, because the break may be inside a word. */
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
  return last?.role === 'assistant' && last.calls.length === 0 && !isBlank(last.text);
}

function assistantContent({ text, calls }: AssistantMessage, idOf: (id: string) => string) {
  const content: Exclude<AssistantModelMessage['content'], string> = [];
  // Anthropic rejects a text of only white space, and a model may write a line break before it calls a tool.
  if (!isBlank(text)) content.push({ type: 'text', text });
  for (const { id, name, args } of calls) {
    content.push({ type: 'tool-call', toolCallId: idOf(id), toolName: name, input: asObject(args) });
  }
  return content;
}

/**
 * Converts text unchanged, and an image into the form of the provider's client. A URL is passed on: this code never
 * fetches it.
 */
function userContent(content: Content, images: ShownImages): UserModelMessage['content'] {
  if (typeof content === 'string') return content;
  return content.flatMap((part): Exclude<UserModelMessage['content'], string> => {
    // The protocol allows a blank text beside an image, and providers reject it.
    if (part.type === 'text') return isBlank(part.text) ? [] : [{ type: 'text', text: part.text }];
    if (!isShown(part, images)) return [{ type: 'text', text: IMAGE_NOTE }];
    if ('url' in part) {
      return [{ type: 'file', mediaType: 'image', data: { type: 'url', url: new URL(part.url) } }];
    }
    return [{ type: 'file', mediaType: part.media_type, data: { type: 'data', data: part.data } }];
  });
}

const isShown = (part: ContentPart, images: ShownImages): boolean =>
  part.type === 'image' && (images === 'all' || (images === 'inline' && 'data' in part));

/** Anthropic and Bedrock accept only objects as arguments, and a call with invalid arguments may hold any value. */
function asObject(args: Json): Json {
  return typeof args === 'object' && args !== null && !Array.isArray(args)
    ? args
    : { invalid_arguments: args };
}

function toolResult(
  { id, name, output, isError }: ToolMessage['results'][number],
  idOf: (id: string) => string,
): ToolModelMessage['content'][number] {
  const part = { type: 'tool-result', toolCallId: idOf(id), toolName: name } as const;
  // Bedrock rejects an empty text. As JSON it is two quotation marks.
  if (typeof output === 'string' && !isBlank(output)) {
    return { ...part, output: { type: isError ? 'error-text' : 'text', value: output } };
  }
  return { ...part, output: { type: isError ? 'error-json' : 'json', value: output } };
}

/**
 * Converts a call's id into the form that Anthropic and Bedrock accept. A session that began with another provider may
 * hold ids of any form (`functions.wait:0`), and every later turn would be rejected.
 */
function plainId(id: string): string {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return id;
  return `call_${createHash('sha256').update(id).digest('base64url').slice(0, 22)}`;
}
