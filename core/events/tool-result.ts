import { filesIn, filesOfCut } from '../../protocol/files-in.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { Json } from '../json.ts';
import { fittingLength, jsonBytes } from '../json-bytes.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import type { EventDraft } from './events.ts';
import { outputText } from './output-text.ts';

/** Limit of an output as JSON on the wire. A result must fit into one frame, and is a part of each later prompt. */
const MAX_OUTPUT_BYTES = 16 * 1024;
/** Of it, for the files that a cut output names. Twenty have this room if their names are short. */
const MAX_FILES_BYTES = 4 * 1024;
/** Limit of what a model is shown in its place, images and all: an item has at most 400 KB. What is longer is not kept. */
export const MAX_SHOWN_BYTES = 200_000;

/** The event for the one result of a call (P13). */
export function toolResultOf(
  { id, name, provider_executed }: Pick<ToolCall, 'id' | 'name'> & { provider_executed?: true | undefined },
  { output, isError, shown }: ToolOutcome,
): EventDraft {
  const keepsShown = shown !== undefined && jsonBytes(JSON.stringify(shown)) <= MAX_SHOWN_BYTES;
  return {
    type: 'tool_result',
    id,
    name,
    ...capped(wellFormed(output)),
    ...(keepsShown && { shown }),
    ...(isError && { is_error: true }),
    ...(provider_executed && { provider_executed }),
  };
}

/** The event for what a call shows before its result. It is cut as a result is, so that a value which fits once fits always. */
export const toolProgressOf = ({ id, name }: Pick<ToolCall, 'id' | 'name'>, value: Json) => ({
  type: 'tool_progress' as const,
  id,
  name,
  ...capped(wellFormed(value)),
});

/** A text as it would be stored as an output. */
export const cutOutput = (text: string): string => String(capped(text.toWellFormed()).output);

type Capped = Pick<Extract<EventDraft, { type: 'tool_result' }>, 'output' | 'truncated' | 'output_length'>;

/**
 * A cut output is the beginning of its text, or of its JSON text, and a sentence that tells the model what is missing: a
 * model that does not know of the cut takes the rest for absent. It is text, because a part of an object is not JSON. The files that
 * the output names stand at its end (`filesIn`).
 */
function capped(output: Json): Capped {
  const { output: text, json } = outputText(output);
  if (jsonBytes(text) <= MAX_OUTPUT_BYTES) return { output };
  const files = filesAtEnd(output);
  const note = (kept: number) => {
    const all = `${json ? 'JSON' : 'text'} of ${text.length} characters`;
    return `\n\n[Cut: the output is ${all}. Only its first ${kept} are above.${files}]`;
  };
  // The note is longest where it names the whole length.
  const kept = fittingLength(text, MAX_OUTPUT_BYTES - jsonBytes(note(text.length)));
  return { output: `${text.slice(0, kept)}${note(kept)}`, truncated: true, output_length: text.length };
}

/** The first files, each whole: clients show them, and forks copy them. */
function filesAtEnd(output: Json): string {
  let files = filesIn(output);
  while (jsonBytes(filesOfCut(files)) > MAX_FILES_BYTES) files = files.slice(0, -1);
  return filesOfCut(files);
}
