import type { Principal } from '../../core/store/items.ts';

/**
 * Of tenant and subject, in UTF-8. Both become parts of keys, percent-encoded and so at most three times as long:
 * with a session's and a message's id beside them they stay below the 2048 bytes of a DynamoDB key, and below the
 * 8 KB of an authorizer's answer.
 */
const MAX_NAME_BYTES = 256;

/** Any text will do, in whatever characters, if it is one: half a surrogate pair could not be written into a key. */
const isName = (text: unknown): text is string =>
  typeof text === 'string' && text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= MAX_NAME_BYTES;

/** Undefined: these are no names that we could keep apart from all others. */
export const principalOf = (tenant: unknown, subject: unknown): Principal | undefined =>
  isName(tenant) && isName(subject) ? { tenant, subject } : undefined;
