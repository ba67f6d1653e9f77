import type { IncomingMessage } from 'node:http';

/** Reads a request's signer. The signature itself is not verified. */
export interface Signer {
  accessKeyId: string;
  /** The service's name from the credential's scope: `dynamodb`, `execute-api`. */
  service: string;
}

const CREDENTIAL = /^AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)\/\d{8}\/[^/,\s]+\/([^/,\s]+)\/aws4_request/;

export function signerOf({ headers }: IncomingMessage): Signer | undefined {
  const [, accessKeyId, service] = CREDENTIAL.exec(headers.authorization ?? '') ?? [];
  return accessKeyId && service ? { accessKeyId, service } : undefined;
}
