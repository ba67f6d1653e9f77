/** The name of a data part, as an application chooses it. */
export const DATA_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** Names of the parts that the adapter for the AI SDK makes of other events. A tool cannot send one of them. */
export const OWN_DATA_NAMES = [
  'message-state',
  'approval',
  'trimmed',
  'compacted',
  'model-changed',
  'omitted-file',
  'output',
  'failure',
  'midturn-system-message',
  'midturn-elicitation',
] as const;

/** Later versions name parts of their own with this prefix. */
export const OWN_DATA_PREFIX = 'midturn-';

/** The value of a part, as bytes of its JSON: with all else it fits into a frame, as an event and as an entry of `history`. */
export const MAX_DATA_BYTES = 16 * 1024;

/** The id of a part that a tool gives, in UTF-16 code units. */
export const MAX_DATA_ID_LENGTH = 200;

/** Parts of one turn, each replacement of one counted. */
export const MAX_DATA_EVENTS = 500;
