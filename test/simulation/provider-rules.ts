import { isDeepStrictEqual } from 'node:util';
import { CONTINUE_REQUEST, needsRequest } from '../../core/events/prompt.ts';
import type { PromptMessage, VerbatimPart } from '../../core/model.ts';
import type { Given } from './parts.ts';

/**
 * What providers refuse of a prompt with 400. `test/providers/wires` has the same rules in each provider's own form, with their
 * sources.
 */

type Answer = Extract<PromptMessage, { role: 'assistant' }>;

const partsOf = (message: PromptMessage): readonly VerbatimPart[] =>
  message.role === 'assistant' ? (message.verbatim?.parts ?? []) : [];

/** @returns why, or undefined if the provider takes it */
export function refusalOf(
  messages: readonly PromptMessage[],
  model: string,
  gave: ReadonlyMap<number, Given>,
): string | undefined {
  for (const [n, message] of messages.entries()) {
    const why =
      unpaired(message, messages[n + 1]) ??
      (message.role === 'assistant' ? (foreign(message, model) ?? changed(message, gave)) : undefined) ??
      (message.role === 'tool' && messages[n - 1]?.role !== 'assistant'
        ? 'results without calls'
        : undefined);
    if (why) return `messages.${n}: ${why}`;
  }
  const last = messages.at(-1);
  // As the adapters do it.
  const asks = last?.role === 'assistant' && needsRequest(last);
  return runsWithoutResult(asks ? [...messages, { role: 'user', content: CONTINUE_REQUEST }] : messages);
}

/** Each call has one result, in the message behind it, and each result its call. */
function unpaired(message: PromptMessage, next: PromptMessage | undefined): string | undefined {
  if (message.role !== 'assistant') return undefined;
  const calls = message.calls.map(({ id }) => id).sort();
  const results = next?.role === 'tool' ? next.results.map(({ id }) => id).sort() : [];
  return calls.join() === results.join() ? undefined : `calls ${calls}, results ${results}`;
}

const foreign = ({ verbatim }: Answer, model: string): string | undefined =>
  verbatim && verbatim.model !== model ? `thoughts of ${verbatim.model}` : undefined;

/** Thoughts are what they were, in their order, and none is the last of its answer. */
function changed({ verbatim }: Answer, gave: ReadonlyMap<number, Given>): string | undefined {
  if (!verbatim) return undefined;
  const calls = new Set(verbatim.parts.flatMap((part) => ('opaque' in part ? [numberOf(part.opaque)] : [])));
  // A search that was left out says of no call.
  if (calls.size === 0) return undefined;
  const given = [...calls].flatMap((call) => gave.get(call)?.parts ?? []);
  if (!isDeepStrictEqual(withoutRuns(verbatim.parts), withoutRuns(given)))
    return `an answer is not as it was given: ${JSON.stringify(verbatim.parts)}, not ${JSON.stringify(given)}`;
  const last = verbatim.parts.at(-1);
  return last && 'opaque' in last && !('of' in last) ? 'an answer ends with a thought' : undefined;
}

const withoutRuns = (parts: readonly VerbatimPart[]) => parts.filter((part) => !('of' in part));

/** The number of the model call that gave it. */
const numberOf = (opaque: unknown): number => Number(/^\((\d+)\./.exec(String(opaque))?.[1]);

/** A search without its result may stand only where nothing of the user follows, and no result without its search. */
function runsWithoutResult(messages: readonly PromptMessage[]): string | undefined {
  const open = new Set<string>();
  for (const [n, message] of messages.entries()) {
    if (message.role === 'user' && open.size > 0) return `messages.${n}: ${[...open]} without a result`;
    for (const part of partsOf(message)) {
      if (!('of' in part) || part.of === 'file') continue;
      if (part.of === 'call') open.add(part.id);
      else if (!open.delete(part.id)) return `messages.${n}: a result without ${part.id}`;
    }
  }
  return undefined;
}

/** Searches whose result the answer to this prompt can have. */
export function runsOpenIn(messages: readonly PromptMessage[]): string[] {
  const open = new Set<string>();
  for (const part of messages.flatMap(partsOf)) {
    if (!('of' in part) || part.of === 'file') continue;
    if (part.of === 'call') open.add(part.id);
    else open.delete(part.id);
  }
  return [...open];
}
