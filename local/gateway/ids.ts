import { randomBytes } from 'node:crypto';

/**
 * Makes an id in the form of API Gateway's connection, request and message ids: 11 random bytes as URL-safe base64 with
 * padding. So code that does not encode the `=` in a path fails here too.
 */
export function gatewayId(): string {
  return `${randomBytes(11).toString('base64url')}=`;
}
