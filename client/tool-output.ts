import type { ToolValue } from './protocol.ts';

/** The output of a tool as a value. On the wire it is always text. */
export function outputOf({ output, json }: { output: string; json?: true | undefined }): ToolValue {
  return json ? JSON.parse(output) : output;
}
