import type { ToolValue } from '../../client/index.ts';

/**
 * What an agent has said and done that a tool asks, in lines: its output is an assistant's `UIMessage` of the AI SDK.
 *
 * @returns undefined for any other value
 */
export function agentMessage(value: ToolValue): string[] | undefined {
  if (!isObject(value) || value.role !== 'assistant' || !Array.isArray(value.parts)) return undefined;
  const lines = value.parts.flatMap((part) => (isObject(part) ? (lineOf(part) ?? []) : []));
  return value.metadata === undefined ? lines : ['…', ...lines];
}

type Part = { readonly [name: string]: ToolValue | undefined };

const isObject = (value: ToolValue | undefined): value is { [name: string]: ToolValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function lineOf({ type, text, input, output, errorText }: Part): string | undefined {
  if (type === 'text') return typeof text === 'string' ? text.trim() : undefined;
  if (typeof type !== 'string' || !type.startsWith('tool-')) return undefined;
  const gave = errorText === undefined ? output : `failed: ${inWords(errorText)}`;
  const call = `${type.slice('tool-'.length)} ${inWords(input)}`;
  return gave === undefined ? `▸ ${call} …` : `▸ ${call} → ${inWords(gave)}`;
}

const inWords = (value: ToolValue | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);
