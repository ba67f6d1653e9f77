/** A secret could not be read. The message names the secret and the kind of failure, never the secret's content. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}
