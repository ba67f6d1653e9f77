import { shortened } from '../../protocol/text.ts';
import type { PromptMessage, Verbatim, VerbatimPart } from '../model.ts';
import { type Entry, isShownToModels } from './entries.ts';
import { outputText } from './output-text.ts';

/**
 * What belongs to an answer and is not its text: sources, files, and tools that the provider ran. The model that gave it is given it
 * back as it was (`Verbatim`). Any other model is told of it in words, since other providers refuse what is not theirs.
 */

/** Of an output in words, in UTF-16 code units. */
const MAX_OUTPUT = 2000;

/**
 * Finds what a prompt has to say in words.
 *
 * @param givesBack whether the model is given this entry's call as its provider gave it
 * @returns the words for an entry, or undefined: it is text or a call of its own, or the model is given it
 */
export function asidesOf(
  entries: readonly Entry[],
  givesBack: (entry: Entry) => Verbatim | undefined,
): (entry: Entry) => string | undefined {
  const given = new Set<string>();
  /** Turns of which the model is given what the provider's tools found: the sources are in it. */
  const found = new Set<string>();
  for (const entry of entries) {
    for (const part of givesBack(entry)?.parts ?? []) {
      if (!('of' in part)) continue;
      if (part.of === 'file') given.add(`${entry.turn} file`);
      if (part.of !== 'result') continue;
      given.add(`${entry.turn} ${part.id}`);
      found.add(entry.turn);
    }
  }
  const args = new Map<string, string>();
  return (entry) => {
    if (entry.role === 'tool_call') {
      args.set(`${entry.turn} ${entry.id}`, shortened(JSON.stringify(entry.args), MAX_OUTPUT));
      return undefined;
    }
    if (entry.role === 'tool_result') {
      const key = `${entry.turn} ${entry.id}`;
      if (given.has(key)) return undefined;
      const { output } = outputText(entry.output);
      const verb = entry.is_error ? 'failed' : 'gave';
      return `${entry.name} was run with ${args.get(key) ?? 'unknown arguments'} and ${verb}: ${shortened(output, MAX_OUTPUT)}`;
    }
    if (entry.role !== 'event' || !isShownToModels(entry.event)) return undefined;
    const { event } = entry;
    if (event.type === 'file')
      return given.has(`${entry.turn} file`)
        ? undefined
        : `A file was made here (${event.media_type}, ${event.bytes} bytes).`;
    if (found.has(entry.turn)) return undefined;
    const { title, url, filename } = event;
    return `Source: ${[title, url ?? filename].filter(Boolean).join(', ')}`;
  };
}

type Answer = Extract<PromptMessage, { role: 'assistant' }>;

/**
 * Without calls of the provider's tools that were left without a result, where a message of the user follows: providers refuse
 * them ("`web_search` tool use with id … was found without a corresponding `web_search_tool_result` block",
 * https://github.com/AnswerDotAI/lisette/issues/108). One that the answer goes on from stays. A result without its call goes too.
 *
 * @param asksToGoOn whether the request to go on follows the last message
 */
export function pairedRuns(messages: readonly PromptMessage[], asksToGoOn: boolean): PromptMessage[] {
  // A prompt that ends with a part of an answer is followed by the request to go on.
  const isFollowed = (at: number) => asksToGoOn || messages.slice(at).some(({ role }) => role === 'user');
  const open = new Map<string, VerbatimPart>();
  const kept = new Set<VerbatimPart>();
  for (const [at, message] of messages.entries()) {
    if (message.role === 'user') open.clear();
    for (const part of partsOf(message)) {
      if (!('of' in part) || part.of === 'file') kept.add(part);
      else if (part.of === 'call') {
        open.set(part.id, part);
        if (!isFollowed(at)) kept.add(part);
      } else {
        const call = open.get(part.id);
        open.delete(part.id);
        if (call) kept.add(call).add(part);
      }
    }
  }
  return messages.map((message) => {
    if (message.role !== 'assistant' || !message.verbatim) return message;
    const parts = /* rule: unanswered-run-leaves-prompt */ message.verbatim.parts.filter((part) =>
      kept.has(part),
    );
    if (parts.length === message.verbatim.parts.length) return message;
    return { ...message, verbatim: { ...message.verbatim, parts: withoutLastThought(parts) } };
  });
}

const partsOf = (message: PromptMessage): readonly VerbatimPart[] =>
  message.role === 'assistant' ? (message.verbatim?.parts ?? []) : [];

/** What the model thought before a call that is left out leads to nothing, and an answer does not end with a thought. */
function withoutLastThought(parts: readonly VerbatimPart[]): VerbatimPart[] {
  const last = parts.findLastIndex((part) => !('opaque' in part) || 'of' in part);
  return parts.slice(0, last + 1);
}

/** An answer that has an aside more. */
export const withAside = (answer: Answer, words: string): Answer => ({
  ...answer,
  aside: [...(answer.aside ?? []), words],
});
