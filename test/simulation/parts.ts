import type { VerbatimPart } from '../../core/model.ts';

/** A finished model call. */
export interface Given {
  /** As `provider:model`. */
  model: string;
  text: string;
  parts: readonly VerbatimPart[];
}

/** A part of a prompt, or what an event adds to later prompts. */
export interface Part {
  kind: string;
  text: string;
  /** The id of a user's message. */
  id?: string;
}
