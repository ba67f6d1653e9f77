import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { SecretError } from '../../core/secret-error.ts';
import { SERVICE_PATIENCE } from '../timeouts.ts';

/**
 * The text of a Secrets Manager secret, without white space around it: that is how editors and shells leave a file. The
 * client is loaded here and not before, so that functions without secrets do without it.
 *
 * @param id name or ARN of a secret that holds a plain string
 * @throws {SecretError}
 */
export async function readSecret(id: string, config: SecretsManagerClientConfig = {}): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({ ...SERVICE_PATIENCE, ...config });
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

/** Not its message: one about an answer that could not be read may quote the answer. */
const kindOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
