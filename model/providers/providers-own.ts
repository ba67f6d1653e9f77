import type { LanguageModel, ToolSet } from 'ai';
import type { Json } from '../../core/json.ts';
import type { ModelPart } from '../../core/model.ts';
import { toJson } from '../tools/json-safe.ts';

/** What a provider gives beside text and calls of the agent's tools, in the core's form. */

/**
 * Whether a model takes a tool that a provider defines, by the provider in the tool's id (`anthropic.web_search_20250305`). Packages do
 * not agree on what becomes of another's: Google's then declares no tool at all.
 */
export function takesTool(model: LanguageModel, tool: ToolSet[string]): boolean {
  if (tool.type !== 'provider' || typeof model === 'string') return true;
  const [vendor = ''] = tool.id.split('.');
  const words = model.provider.split(/[.-]/);
  return words.includes('gateway') || words.some((word) => word === vendor || ALSO_TAKES[word] === vendor);
}

/** Providers that run the models, and the tools, of another one. */
const ALSO_TAKES: Readonly<Record<string, string>> = { azure: 'openai', bedrock: 'anthropic' };

interface SdkRun {
  toolCallId: string;
  toolName: string;
  input: unknown;
}

export const providerCall = ({ toolCallId, toolName, input }: SdkRun): ModelPart => ({
  type: 'provider_call',
  id: toolCallId,
  name: toolName,
  args: toJson(input),
});

export function providerResult({
  toolCallId,
  toolName,
  ...part
}: SdkRun & ({ type: 'tool-result'; output: unknown } | { type: 'tool-error'; error: unknown })): ModelPart {
  const given = part.type === 'tool-result' ? part.output : messageOf(part.error);
  return {
    type: 'provider_result',
    id: toolCallId,
    name: toolName,
    output: withoutEncrypted(toJson(given)),
    isError: part.type === 'tool-error',
  };
}

const messageOf = (error: unknown): unknown => (error instanceof Error ? error.message : error);

/** Encrypted content is for the provider alone, which is given it back with the answer. It can be most of a result. */
function withoutEncrypted(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutEncrypted);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !/^encrypted/i.test(name));
  return Object.fromEntries(kept.map(([name, part]) => [name, withoutEncrypted(part)]));
}

type SdkSource =
  | { sourceType: 'url'; url: string; title?: string | undefined }
  | { sourceType: 'document'; mediaType: string; title: string; filename?: string | undefined };

export function sourceOf(source: SdkSource): ModelPart {
  if (source.sourceType === 'url') {
    const { url, title } = source;
    return { type: 'source', source: { kind: 'url', url, ...(title !== undefined && { title }) } };
  }
  const { mediaType, title, filename } = source;
  return {
    type: 'source',
    source: { kind: 'document', mediaType, title, ...(filename !== undefined && { filename }) },
  };
}
