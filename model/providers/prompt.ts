import { createHash } from 'node:crypto';
import type { AssistantModelMessage, ModelMessage, TextPart, ToolModelMessage, UserModelMessage } from 'ai';
import {
  type Content,
  type ContentPart,
  type FilePart,
  isBlank,
  isFilePart,
  shownFiles,
} from '../../core/content.ts';
import {
  CONTINUE_REQUEST,
  FILES_OF_TOOLS,
  fileBesideNote,
  fileNote,
  IMAGE_NOTE,
  joinedAnswers,
  needsRequest,
} from '../../core/events/prompt.ts';
import type { Json } from '../../core/json.ts';
import type { PromptFiles, PromptMessage, VerbatimPart } from '../../core/model.ts';
import { toJson } from '../tools/json-safe.ts';

/** The ids of calls that a provider accepts. */
export type CallIds = 'any' | 'plain';

/** The images of a prompt that the provider takes: a note replaces an address where it takes none. */
export type ShownImages = 'all' | 'inline';

/** The files of a prompt that the provider takes. */
export interface ShownFiles {
  /** By their types. */
  types: RegExp;
  /** Whether it takes their names. */
  named: boolean;
  /** Whether the results of tools can have files. Otherwise a message of the user follows that has them. */
  inResults: boolean;
}

export interface PromptForm {
  callIds?: CallIds;
  images?: ShownImages;
  /** Whether an answer that stands last is followed by the request to go on. Default: yes. */
  asksToGoOn?: boolean;
  files?: ShownFiles;
  /** The files that the messages name. */
  bytes?: PromptFiles | undefined;
}

const ALL_FILES: ShownFiles = { types: /^/, named: true, inResults: true };

/** Converts a prompt into the AI SDK's form. User messages stay separate; a provider may merge them. */
export function toModelMessages(
  messages: readonly PromptMessage[],
  {
    callIds = 'any',
    images = 'all',
    files = ALL_FILES,
    bytes = new Map(),
    asksToGoOn = true,
  }: PromptForm = {},
): ModelMessage[] {
  const idOf = callIds === 'plain' ? plainId : (id: string) => id;
  const prompt: ModelMessage[] = [];
  const joined = joinInterrupted(messages);
  const saysSo = joined.some((message) => message.role === 'assistant' && hasThought(message));
  for (const message of joined) {
    switch (message.role) {
      case 'user':
        prompt.push({ role: 'user', content: userContent(message.content, { images, files, bytes }) });
        break;
      case 'assistant': {
        const content = assistantContent(message, idOf);
        // Providers reject an empty message.
        if (content.length === 0) break;
        const silent = saysSo && message.calls.length > 0 && !hasThought(message);
        prompt.push({ role: 'assistant', content, ...(silent && NO_THOUGHT) });
        break;
      }
      case 'tool': {
        const { results } = message;
        prompt.push({
          role: 'tool',
          content: results.map((result) => toolResult(result, idOf, { files, bytes })),
        });
        const beside = files.inResults ? [] : results.flatMap(({ shown }) => shownFiles(shown));
        const parts = beside.map((part) => filePart(part, files, bytes.get(part.file) ?? 'gone', 'tool'));
        if (parts.length > 0)
          prompt.push({ role: 'user', content: [{ type: 'text', text: FILES_OF_TOOLS }, ...parts] });
        break;
      }
    }
  }
  const last = joined.at(-1);
  if (asksToGoOn && last?.role === 'assistant' && needsRequest(last))
    prompt.push({ role: 'user', content: CONTINUE_REQUEST });
  return prompt;
}

type AssistantMessage = Extract<PromptMessage, { role: 'assistant' }>;
type ToolResultOutput = Extract<ToolModelMessage['content'][number], { type: 'tool-result' }>['output'];
type ToolMessage = Extract<PromptMessage, { role: 'tool' }>;

/** Joins a text and its continuation by a later worker, because the break may be inside a word. */
function joinInterrupted(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (
      message.role === 'assistant' &&
      last?.role === 'assistant' &&
      !last.calls.length &&
      !message.verbatim
    ) {
      joined[joined.length - 1] = joinedAnswers(last, message);
    } else {
      joined.push(message);
    }
  }
  return joined;
}

/** Whether the model shows what it thinks as text of its own, without a signature. */
const hasThought = ({ verbatim }: AssistantMessage): boolean =>
  verbatim?.parts.some((part) => 'opaque' in part && isPlainReasoning(part.opaque)) ?? false;

const isPlainReasoning = (part: Json): boolean =>
  typeof part === 'object' &&
  part !== null &&
  'type' in part &&
  part.type === 'reasoning' &&
  !('providerOptions' in part);

/**
 * Fields of a message on OpenAI's wire; other packages leave them out. Once a model has shown a thought, each message with calls
 * says what was thought, if only nothing: DeepSeek and Kimi refuse a prompt in which one does not
 * (https://github.com/Lapis0x0/obsidian-yolo/pull/243), and a model does not think before each call.
 */
const NO_THOUGHT = { providerOptions: { openaiCompatible: { reasoning_content: '' } } };

type AssistantPart = Exclude<AssistantModelMessage['content'], string>[number];

/** The parts of an answer: those that its provider gave, in their order, then what they do not speak of. */
function assistantContent({ text, calls, verbatim, aside }: AssistantMessage, idOf: (id: string) => string) {
  const content: AssistantPart[] = [];
  const open = new Map(calls.map((call) => [call.id, call]));
  let said = 0;
  const say = (until: number, meta?: Json) => {
    const part = text.slice(said, until);
    said = until;
    // Anthropic rejects a text of only white space, and a model may write a line break before it calls a tool.
    if (!isBlank(part) || meta) content.push({ type: 'text', text: part, ...providerOptions(meta) });
  };
  const call = (id: string, meta?: Json) => {
    const { name, args } = open.get(id) ?? {};
    if (name === undefined || args === undefined) return;
    open.delete(id);
    const input = asObject(args);
    content.push({
      type: 'tool-call',
      toolCallId: idOf(id),
      toolName: name,
      input,
      ...providerOptions(meta),
    });
  };
  for (const part of verbatim?.parts ?? []) {
    if ('text' in part) say(said + part.text, part.meta);
    else if ('call' in part) call(part.call, part.meta);
    // Made by `verbatimParts` of the SDK's own part. The SDK checks each prompt.
    else content.push(part.opaque as AssistantPart);
  }
  say(text.length);
  if (aside) content.push({ type: 'text', text: `[${aside.join('\n')}]` });
  for (const id of [...open.keys()]) call(id);
  return content;
}

// Made by `verbatimParts` as well.
const providerOptions = (meta: Json | undefined) =>
  meta === undefined ? {} : { providerOptions: meta as NonNullable<TextPart['providerOptions']> };

/**
 * What has to be given back of an answer beside its text and calls. Undefined: nothing.
 *
 * @param content the SDK's own message of the answer
 */
export function verbatimParts(content: AssistantModelMessage['content']): VerbatimPart[] | undefined {
  if (typeof content === 'string') return undefined;
  const parts = content.filter((part) => part.type !== 'custom' || !REPORTS.has(part.kind)).map(verbatimPart);
  return parts.some((part) => 'opaque' in part || part.meta !== undefined) ? parts : undefined;
}

/** Parts that only report something. The SDK sends them to nobody. */
const REPORTS: ReadonlySet<string> = new Set(['anthropic.message_start']);

function verbatimPart(part: AssistantPart): VerbatimPart {
  if (part.type === 'text') return { text: part.text.length, ...metaOf(part) };
  const opaque = toJson(part);
  if (part.type === 'tool-call')
    return part.providerExecuted
      ? { opaque, of: 'call', id: part.toolCallId }
      : { call: part.toolCallId, ...metaOf(part) };
  // Results of the agent's own tools are in no answer.
  if (part.type === 'tool-result') return { opaque, of: 'result', id: part.toolCallId };
  return part.type === 'file' ? { opaque, of: 'file' } : { opaque };
}

const metaOf = ({ providerOptions }: Pick<TextPart, 'providerOptions'>) =>
  providerOptions && { meta: toJson(providerOptions) };

interface Shown {
  images: ShownImages;
  files: ShownFiles;
  bytes: PromptFiles;
}

/**
 * Converts text unchanged, and an image or a file into the form of the provider's client. A URL is passed on: this code never
 * fetches it.
 */
function userContent(content: Content, { images, files, bytes }: Shown): UserModelMessage['content'] {
  if (typeof content === 'string') return content;
  return content.flatMap((part): Exclude<UserModelMessage['content'], string> => {
    // The protocol allows a blank text beside an image, and providers reject it.
    if (part.type === 'text') return isBlank(part.text) ? [] : [{ type: 'text', text: part.text }];
    if (part.type === 'file') return [filePart(part, files, bytes.get(part.file) ?? 'gone')];
    if (!isShown(part, images)) return [{ type: 'text', text: IMAGE_NOTE }];
    if ('url' in part) {
      return [{ type: 'file', mediaType: 'image', data: { type: 'url', url: new URL(part.url) } }];
    }
    return [{ type: 'file', mediaType: part.media_type, data: { type: 'data', data: part.data } }];
  });
}

/** @param data in base64, or why there is none */
function filePart(part: FilePart, files: ShownFiles, data: string, by?: 'tool') {
  const { media_type: mediaType, name } = part;
  const note = (why: Parameters<typeof fileNote>[1]) => ({
    type: 'text' as const,
    text: fileNote(part, why, by),
  });
  if (!files.types.test(mediaType)) return note('unreadable');
  if (data === 'gone' || data === 'large') return note(data);
  return {
    type: 'file' as const,
    mediaType,
    data: { type: 'data' as const, data },
    ...(files.named && name !== undefined && { filename: name }),
  };
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
  { id, name, output, isError, shown }: ToolMessage['results'][number],
  idOf: (id: string) => string,
  given: Omit<Shown, 'images'>,
): ToolModelMessage['content'][number] {
  const part = { type: 'tool-result', toolCallId: idOf(id), toolName: name } as const;
  // Made by the tool's `toModelOutput`. The SDK checks each prompt.
  if (shown !== undefined) return { ...part, output: withFiles(shown, given) as ToolResultOutput };
  // Bedrock rejects an empty text. As JSON it is two quotation marks.
  if (typeof output === 'string' && !isBlank(output)) {
    return { ...part, output: { type: isError ? 'error-text' : 'text', value: output } };
  }
  return { ...part, output: { type: isError ? 'error-json' : 'json', value: output } };
}

/** The same, in which files of the session are given as files. */
function withFiles(shown: Json, { files, bytes }: Omit<Shown, 'images'>): Json {
  if (shownFiles(shown).length === 0) return shown;
  const { value, ...rest } = shown as { value: Json[] };
  const parts = value.map((part) => {
    if (!isFilePart(part)) return part;
    if (!files.inResults) return { type: 'text', text: fileBesideNote(part) };
    return filePart(part, files, bytes.get(part.file) ?? 'gone', 'tool');
  });
  return { ...rest, value: parts };
}

/**
 * Converts a call's id into the form that Anthropic and Bedrock accept. A session that began with another provider may
 * hold ids of any form (`functions.wait:0`), and every later turn would be rejected.
 */
function plainId(id: string): string {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return id;
  return `call_${createHash('sha256').update(id).digest('base64url').slice(0, 22)}`;
}
