import type { Principal } from '../../core/store/items.ts';

/**
 * The limit of tenant and subject, in bytes of UTF-8. Both become parts of keys and are percent-encoded, which makes
 * them up to three times as long. Together with a session's and a message's id they stay below 2048 bytes (a DynamoDB
 * key) and 8 KB (an authorizer's response).
 */
const MAX_NAME_BYTES = 256;

/** The tenant of everybody whose token names none. */
export const DEFAULT_TENANT = 'default';

/** Allows any well-formed text. Half a surrogate pair cannot be written into a key. */
const isName = (text: unknown): text is string =>
  typeof text === 'string' && text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= MAX_NAME_BYTES;

/** Returns undefined for names that cannot be stored without being mistaken for others. */
export const principalOf = (tenant: unknown, subject: unknown): Principal | undefined =>
  isName(tenant) && isName(subject) ? { tenant, subject } : undefined;
