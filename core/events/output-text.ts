import type { Json } from '../json.ts';

/** A tool's output on the wire: text as it is, anything else as its JSON text. */
export const outputText = (output: Json): { output: string; json?: true } =>
  typeof output === 'string' ? { output } : { output: JSON.stringify(output), json: true };
