import type { Json } from '../json.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import type { EventDraft } from './events.ts';
import { outputText } from './output-text.ts';

/** Of a result as it is on the wire: it is an event, an entry and part of each later prompt, and must fit into one frame. */
const MAX_OUTPUT_BYTES = 16 * 1024;

/** The one result of a call (P13). */
export function toolResultOf(
  { id, name }: Pick<ToolCall, 'id' | 'name'>,
  { output, isError }: ToolOutcome,
): EventDraft {
  const fitted = capped(output);
  return {
    type: 'tool_result',
    id,
    name,
    output: fitted.output,
    ...(isError && { is_error: true }),
    ...(fitted.truncated && { truncated: true }),
  };
}

function capped(output: Json): { output: Json; truncated: boolean } {
  const plain = outputText(output).output;
  if (Buffer.byteLength(JSON.stringify(plain)) <= MAX_OUTPUT_BYTES) return { output, truncated: false };
  // Cut to what fits whatever its characters cost as JSON, and as text, since half an object is not one.
  return { output: `${plain.slice(0, Math.floor(MAX_OUTPUT_BYTES / 6))}…`, truncated: true };
}
