import { createHash } from 'node:crypto';
import type { AssistantModelMessage, ModelMessage, ToolModelMessage, UserModelMessage } from 'ai';
import { type Content, type ContentPart, isBlank } from '../../core/content.ts';
import type { Json } from '../../core/json.ts';
import type { PromptMessage } from '../../core/model.ts';

/**
 * Sent after a text of the assistant's own that ends the prompt: a turn that another worker took over in mid-answer.
 * Several models refuse a prompt that ends with the assistant, and so this message of the user's role asks for the rest.
 * It is not an entry of the transcript, and it is the same whenever the prompt is built again (P11).
 */
export const CONTINUE_REQUEST =
  'Your last message was interrupted before it was complete. Continue it exactly where the text stops, as if there had been no interruption: do not repeat anything, do not apologise, do not mention this request.';

/** Which ids of calls a provider takes. */
export type CallIds = 'any' | 'plain';

/** Which images of a prompt a model is shown; a note stands in the place of the others. */
export type ShownImages = 'all' | 'inline' | 'none';

export interface PromptForm {
  callIds?: CallIds;
  images?: ShownImages;
}

/** In the place of an image that the model is not shown. It is told, so that it can tell the user. */
export const IMAGE_NOTE =
  '[The user attached an image here. You were not given it: this model, or its provider, cannot load it. Say so if it matters.]';

/** What the model is shown, in the AI SDK's form. User messages stay apart; whether they are merged is the provider's affair. */
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
        // Providers refuse a message with nothing in it.
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
  return last?.role === 'assistant' && last.calls.length === 0 && !isBlank(last.text);
}

function assistantContent({ text, calls }: AssistantMessage, idOf: (id: string) => string) {
  const content: Exclude<AssistantModelMessage['content'], string> = [];
  // Anthropic refuses a text of nothing but white space, and a model may well begin with a line break and call a tool.
  if (!isBlank(text)) content.push({ type: 'text', text });
  for (const { id, name, args } of calls) {
    content.push({ type: 'tool-call', toolCallId: idOf(id), toolName: name, input: asObject(args) });
  }
  return content;
}

/** Text as it is; an image as the provider's client takes it. A URL goes to the provider as a URL: nobody here fetches it. */
function userContent(content: Content, images: ShownImages): UserModelMessage['content'] {
  if (typeof content === 'string') return content;
  return content.flatMap((part): Exclude<UserModelMessage['content'], string> => {
    // Beside an image a blank text is allowed, and providers refuse it.
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

/** Whether the model is shown any image of these. */
export const hasImages = (messages: readonly PromptMessage[], images: ShownImages): boolean =>
  messages.some(
    (message) =>
      message.role === 'user' &&
      typeof message.content !== 'string' &&
      message.content.some((part) => isShown(part, images)),
  );

/** Anthropic and Bedrock take objects alone as arguments, and a call with invalid ones may hold anything. */
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
  // Bedrock refuses an empty text; as JSON it is two quotation marks.
  if (typeof output === 'string' && !isBlank(output)) {
    return { ...part, output: { type: isError ? 'error-text' : 'text', value: output } };
  }
  return { ...part, output: { type: isError ? 'error-json' : 'json', value: output } };
}

/**
 * The id of a call in the form that Anthropic and Bedrock take. A session that began with a model of another provider may
 * hold ids of any form (`functions.wait:0`), and would be refused for ever after the team has changed its model.
 */
function plainId(id: string): string {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return id;
  return `call_${createHash('sha256').update(id).digest('base64url').slice(0, 22)}`;
}
