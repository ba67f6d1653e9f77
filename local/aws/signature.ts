import type { IncomingMessage } from 'node:http';

/** What a request says of its signer. The signature itself is not checked: nobody on this machine has to prove anything. */
export interface Signer {
  accessKeyId: string;
  /** From the credential's scope, as the service names itself: `dynamodb`, `execute-api`. */
  service: string;
}

const CREDENTIAL = /^AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)\/\d{8}\/[^/,\s]+\/([^/,\s]+)\/aws4_request/;

export function signerOf({ headers }: IncomingMessage): Signer | undefined {
  const [, accessKeyId, service] = CREDENTIAL.exec(headers.authorization ?? '') ?? [];
  return accessKeyId && service ? { accessKeyId, service } : undefined;
}
