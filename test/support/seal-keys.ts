import { generateKeyPairSync } from 'node:crypto';

/** A key pair as `MIDTURN_FORWARD_TOKEN_KEY` and its private key hold it. */
export function newSealKeys(): { publicKey: string; privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  });
  return { publicKey: publicKey.toString('base64'), privateKey: privateKey.toString('base64') };
}
