import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { SecretError } from '../../core/secret-error.ts';
import { SERVICE_TIMEOUTS } from '../timeouts.ts';

/**
 * Reads a Secrets Manager secret as text, without surrounding white space, which editors and shells add to files. The
 * SDK's client is loaded with the first call, so that functions without secrets do not load it.
 *
 * @param id name or ARN of a secret that holds a string
 * @throws {SecretError}
 */
export async function readSecret(id: string, config: SecretsManagerClientConfig = {}): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({ ...SERVICE_TIMEOUTS, ...config });
  let text: string | undefined;
  try {
    ({ SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: id })));
  } catch (error) {
    throw new SecretError(`The secret ${id} cannot be read: ${kindOf(error)}.`);
  } finally {
    client.destroy();
  }
  const value = text?.trim();
  if (!value) throw new SecretError(`The secret ${id} holds no text.`);
  return value;
}

/** Returns the error's name only: the message of a parse error may quote the secret. */
const kindOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
