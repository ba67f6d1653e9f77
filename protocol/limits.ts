/**
 * Limits of the wire itself. They are not settings: a deployment cannot change what API Gateway fixes.
 * Source: "Quotas for configuring and running a WebSocket API", API Gateway developer guide.
 */

/** API Gateway bills and splits posted payloads by 32 KB. No frame is larger, so one event is always one frame. */
export const MAX_FRAME_BYTES = 32 * 1024;

/**
 * Message content, as bytes of its JSON encoding. A client sends a message as one WebSocket frame, and a frame over
 * 32 KB closes the connection with 1009; 24 KiB leaves room for the envelope, both on the way in and in `applied`.
 */
export const MAX_CONTENT_BYTES = 24 * 1024;

/** The options of a message, or of a connection, as bytes of their JSON encoding. */
export const MAX_OPTIONS_BYTES = 4 * 1024;

/** Objects and arrays within each other in a frame, with the frame. A value with thousands of levels overflows the stack of its readers. */
export const MAX_FRAME_LEVELS = 100;

/** What a client gives for a tool that it runs, as bytes of its JSON encoding: it is part of each later prompt, as any result. */
export const MAX_TOOL_OUTPUT_BYTES = 16 * 1024;

/** Parts of one message: the number of images that the strictest provider accepts in one prompt. */
export const MAX_CONTENT_PARTS = 20;

/** The URL of an image: a length that browsers and proxies support. */
export const MAX_URL_LENGTH = 2048;

/** A file that a client uploads: what the largest requests of the model providers hold beside a conversation, base64 and all. */
export const MAX_FILE_BYTES = 20 * 1024 * 1024;

/** Messages that one `abort` withdraws by id: with ids of full length they fill half a frame. */
export const MAX_PENDING_IDS = 256;

/** Free text: the name of a session or of a device. */
export const MAX_LABEL_LENGTH = 200;

/** What an `always` covered: the name of a tool, a colon, and what the agent counts as the same call. */
export const MAX_TRUST_LENGTH = 400;

/** Subprotocols that the server selects, in order of preference. `zeroclaw.v1` is the one that this protocol extends. */
export const SUBPROTOCOLS = ['midturn.v1', 'zeroclaw.v1'] as const;

/** A page of `sessions`, before the byte limit of a frame cuts it shorter. */
export const MAX_SESSIONS_LIMIT = 100;
export const DEFAULT_SESSIONS_LIMIT = 50;

/** Entries of a fork: they are copied, each by a write of its own. */
export const MAX_FORK_ENTRIES = 10_000;

/** A page of `history`: entries, before the byte limit of a frame cuts it shorter. */
export const MAX_HISTORY_LIMIT = 200;
export const DEFAULT_HISTORY_LIMIT = 50;
