import type { Json } from '../json.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import type { EventDraft } from './events.ts';
import { outputText } from './output-text.ts';

/** Limit of an output as JSON on the wire. A result must fit into one frame, and is a part of each later prompt. */
const MAX_OUTPUT_BYTES = 16 * 1024;

/** The event for the one result of a call (P13). */
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
  // One character takes at most six bytes as JSON. The cut output is text, because a part of an object is not JSON.
  return { output: `${plain.slice(0, Math.floor(MAX_OUTPUT_BYTES / 6))}…`, truncated: true };
}
