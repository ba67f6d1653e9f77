import { createHash } from 'node:crypto';
import { ACCOUNT } from '../world.ts';
import type { JsonAnswer, JsonService } from './json-service.ts';
import { secretArn } from './secret-arn.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Secrets Manager, as far as functions use it: `GetSecretValue` of secrets that are given at the start.
 * @param values `SecretString` by name.
 * @param elsewhere answers for other secrets, by a request with the id that they have there. @default - there are none
 */
export function createSecrets(
  values: Readonly<Record<string, string>>,
  elsewhere?: (request: Fields) => Promise<JsonAnswer>,
): JsonService {
  const createdAt = Date.now() / 1000;

  /** Finds a secret by name, by ARN, or by ARN without its suffix. */
  function find(id: string): { name: string; arn: string; value?: string } {
    // A secret of an account, which has its own ARN.
    if (elsewhere && id.startsWith('arn:') && !id.includes(`:${ACCOUNT}:`)) return { name: id, arn: id };
    const name = id.startsWith('arn:') ? nameIn(id) : id;
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return { name, arn: secretArn(name), ...(value !== undefined && { value }) };
  }

  function nameIn(id: string): string {
    const last = id.slice(id.indexOf(':secret:') + ':secret:'.length);
    const full = Object.keys(values).find((name) => secretArn(name) === id);
    return full ?? last;
  }

  return {
    operation: (name, { SecretId }) => ({
      name,
      needs: [
        {
          action: `secretsmanager:${name}`,
          resource: typeof SecretId === 'string' ? find(SecretId).arn : '*',
        },
      ],
    }),
    answer(name, body) {
      const { SecretId } = body;
      if (name !== 'GetSecretValue') {
        return fault('InvalidRequestException', `The local cloud's Secrets Manager has no ${name}.`);
      }
      if (typeof SecretId !== 'string' || SecretId === '') {
        return fault('InvalidParameterException', 'SecretId is missing.');
      }
      const secret = find(SecretId);
      if (secret.value === undefined && elsewhere) return elsewhere({ ...body, SecretId: secret.name });
      if (secret.value === undefined) {
        return fault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      return {
        status: 200,
        body: {
          ARN: secret.arn,
          Name: secret.name,
          SecretString: secret.value,
          VersionId: versionOf(secret.name),
          VersionStages: ['AWSCURRENT'],
          CreatedDate: createdAt,
        },
      };
    },
  };
}

function fault(type: string, message: string): JsonAnswer {
  return { status: 400, body: { __type: type, Message: message } };
}

/** Makes an id in the form of a UUID. */
function versionOf(name: string): string {
  return createHash('md5')
    .update(name)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
