import type { EventDraft } from '../events/events.ts';
import { type Model, modelId, type Verbatim, type VerbatimPart } from '../model.ts';
import { MAX_COMMIT_BYTES } from './leased-turn.ts';

/**
 * The provider's own of a finished model call: what the model thought, with signatures and ids. It is committed with the call's
 * last event, so that it is durable exactly when the call is: a call that is cut leaves none, and a thought that was cut has no
 * signature.
 */

/**
 * The most that is kept of one call, as JSON, together with the event that carries it. It is in one item with the event, then
 * in one with an entry, and an item has at most 400 KB.
 */
const MAX_CARRIED_BYTES = 200_000;

/** What a finished call gave. */
interface Finished {
  model: Pick<Model, 'provider' | 'name'>;
  parts: readonly VerbatimPart[];
  /** Its tool calls, as they are committed: their ids can differ from the provider's. */
  calls: readonly { id: string }[];
  /** UTF-16 code units of its text, as committed. */
  textLength: number;
  paused: boolean;
}

export function verbatimOf({ model, parts, calls, textLength, paused }: Finished): Verbatim {
  const left = [...calls];
  const named = fitted(parts, textLength).map((part) =>
    'call' in part ? { ...part, call: left.shift()?.id ?? part.call } : part,
  );
  return { model: modelId(model), parts: named, ...(paused && { paused }) };
}

/** Half of a surrogate pair is dropped from the text. Then the text is one part, and the provider's own of its parts is lost. */
function fitted(parts: readonly VerbatimPart[], textLength: number): readonly VerbatimPart[] {
  const lengths = parts.flatMap((part) => ('text' in part ? [part.text] : []));
  if (lengths.reduce((sum, length) => sum + length, 0) === textLength) return parts;
  const first = parts.findIndex((part) => 'text' in part);
  const others = parts.filter((part, at) => !('text' in part) || at === first);
  return others.map((part) => ('text' in part ? { text: textLength } : part));
}

/**
 * The last events of a finished call, of which the last one carries `verbatim`. If there is none, it is an empty piece of
 * thinking.
 *
 * @returns undefined if that is more than one item holds
 */
export function carrying(drafts: readonly EventDraft[], verbatim: Verbatim): EventDraft[] | undefined {
  const last: EventDraft = drafts.at(-1) ?? { type: 'thinking', content: '' };
  const fitting = [verbatim, withoutLarge(verbatim)].find(
    (form) => bytesOf({ ...last, verbatim: form }) <= MAX_CARRIED_BYTES,
  );
  return fitting && [...drafts.slice(0, -1), { ...last, verbatim: fitting }];
}

/**
 * Without files and what the provider's tools gave, which can be of any size. What the model thought and its calls stay: without
 * them its provider refuses the next prompt.
 */
const withoutLarge = (verbatim: Verbatim): Verbatim => ({
  ...verbatim,
  parts: verbatim.parts.filter((part) => !('of' in part)),
});

/** Whether a lane that holds all that one commit may add has no room for these. */
export const areLarge = (drafts: readonly EventDraft[]): boolean =>
  drafts.some((draft) => bytesOf(draft) > MAX_COMMIT_BYTES);

const bytesOf = (draft: EventDraft): number => Buffer.byteLength(JSON.stringify(draft));
