import { randomBytes } from 'node:crypto';

/**
 * An id in the form of API Gateway's connection, request and message ids: 11 random bytes as URL-safe base64 with its
 * padding, so that code which forgets to encode the `=` in a path fails here too.
 */
export function newId(): string {
  return `${randomBytes(11).toString('base64url')}=`;
}
