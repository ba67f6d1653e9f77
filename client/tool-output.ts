import type { ToolValue } from './protocol.ts';

/** What a tool gave: on the wire it is always text. */
export function outputOf({ output, json }: { output: string; json?: true | undefined }): ToolValue {
  return json ? JSON.parse(output) : output;
}
