import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { SealToken } from '../core/ports.ts';

/**
 * Texts that one function seals with a public key and another one opens with the private key: a key of AES-256-GCM follows from an
 * X25519 exchange of a new key pair, made for this text alone, with the recipient's. What a text is bound to is authenticated with it.
 *
 * Sealed: base64url of key id (8 bytes), public key of the new pair (32), ciphertext, tag (16).
 */
const ID_BYTES = 8;
const POINT_BYTES = 32;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const PURPOSE = 'midturn sealed text 1';

/** What is sealed cannot be opened: it was sealed with another key, for another place, or was changed. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

const pointOf = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');

const publicOf = (point: Uint8Array): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(point).toString('base64url') },
    format: 'jwk',
  });

const idOf = (point: Uint8Array): Buffer => createHash('sha256').update(point).digest().subarray(0, ID_BYTES);

/** Each exchange is of a new key pair, so that key and nonce are used once. */
function keyOf(shared: Buffer, sender: Uint8Array, recipient: Uint8Array): { key: Buffer; nonce: Buffer } {
  const salt = Buffer.concat([sender, recipient]);
  const bytes = Buffer.from(hkdfSync('sha256', shared, salt, PURPOSE, KEY_BYTES + NONCE_BYTES));
  return { key: bytes.subarray(0, KEY_BYTES), nonce: bytes.subarray(KEY_BYTES) };
}

/**
 * @param publicKey of X25519, as base64 of its DER form (SubjectPublicKeyInfo)
 * @throws {Error} if it is none
 */
export function sealerFor(publicKey: string): SealToken {
  const recipient = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  const point = pointOf(recipient);
  const id = idOf(point);
  return (text, boundTo) => {
    const own = generateKeyPairSync('x25519');
    const sender = pointOf(own.publicKey);
    const shared = diffieHellman({ privateKey: own.privateKey, publicKey: recipient });
    const { key, nonce } = keyOf(shared, sender, point);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(boundTo));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([id, sender, sealed, cipher.getAuthTag()]).toString('base64url');
  };
}

/**
 * @param privateKeys of X25519, as base64 of their DER form (PKCS #8), with commas between: while a key is replaced there are two
 * @throws {SealError} if one is none. Its message quotes no part of them.
 */
export function openerWith(privateKeys: string): (sealed: string, boundTo: string) => string {
  const keys = new Map(
    privateKeys
      .split(',')
      .map((text) => text.trim())
      .filter(Boolean)
      .map((text) => {
        const privateKey = readPrivateKey(text);
        const point = pointOf(createPublicKey(privateKey));
        return [idOf(point).toString('hex'), { privateKey, point }] as const;
      }),
  );
  return (text, boundTo) => {
    const bytes = Buffer.from(text, 'base64url');
    const sender = bytes.subarray(ID_BYTES, ID_BYTES + POINT_BYTES);
    const known = keys.get(bytes.subarray(0, ID_BYTES).toString('hex'));
    if (!known) throw new SealError('It was sealed with another key.');
    try {
      const shared = diffieHellman({ privateKey: known.privateKey, publicKey: publicOf(sender) });
      const { key, nonce } = keyOf(shared, sender, known.point);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(boundTo));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const sealed = bytes.subarray(ID_BYTES + POINT_BYTES, -TAG_BYTES);
      return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
    } catch {
      throw new SealError('It was changed, or sealed for another place.');
    }
  };
}

function readPrivateKey(text: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    // Its message may quote the key.
  }
  if (key?.asymmetricKeyType !== 'x25519')
    throw new SealError('A private key is not X25519 in base64 of its DER form (PKCS #8).');
  return key;
}
