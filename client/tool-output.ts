import type { EventOf, ToolValue } from './protocol.ts';
import type { ToolItem } from './state.ts';

/** The output of a tool as a value. On the wire it is always text. */
export function outputOf({ output, json }: { output: string; json?: true | undefined }): ToolValue {
  return json ? JSON.parse(output) : output;
}

export const resultOf = (
  given: Pick<EventOf<'tool_result'>, 'output' | 'json' | 'is_error' | 'truncated' | 'output_length'>,
): ToolItem['result'] => ({
  output: outputOf(given),
  isError: given.is_error === true,
  truncated: given.truncated === true,
  outputLength: given.output_length,
});
