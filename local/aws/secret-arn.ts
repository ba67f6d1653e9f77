import { createHash } from 'node:crypto';
import { arn } from '../world.ts';

/** Secrets Manager appends a hyphen and six random characters to a name. Here they are derived from the name. */
export function secretArn(name: string): string {
  const suffix = createHash('sha256').update(name).digest('base64').replace(/[+/=]/g, '').slice(0, 6);
  return arn('secretsmanager', `secret:${name}-${suffix}`);
}
