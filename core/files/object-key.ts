import { createHash } from 'node:crypto';
import type { FileId, SessionKey } from '../ids.ts';
import type { Principal } from '../store/items.ts';

/**
 * Where the bytes of a file are in the bucket: tenant, subject, session and file, each of the first three as a digest. So a key has
 * at most 200 characters, whatever a token calls its subject, and nobody reads a name in it. A reference of a client is the last
 * part alone: it reaches no other session, and no other principal's (P12).
 */
export const objectKey = (session: SessionKey, file: FileId): string =>
  [...session.split('#').map(digest), file].join('/');

/** What the keys of all files of a principal begin with. */
export const objectPrefix = ({ tenant, subject }: Principal): string =>
  `${[tenant, subject].map((part) => digest(encodeURIComponent(part))).join('/')}/`;

const digest = (part: string): string => createHash('sha256').update(part).digest('base64url');
