import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../test/support/sample.ts';
import { newSealKeys } from '../test/support/seal-keys.ts';
import { anyText } from '../test/support/text.ts';
import { openerWith, SealError, sealerFor } from './sealed-text.ts';

const keys = newSealKeys();
const seal = sealerFor(keys.publicKey);
const open = openerWith(keys.privateKey);

describe('a sealed text', () => {
  it('is opened by the private key, for the place that it was sealed for, and looks different each time', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (text, place) => {
        const sealed = seal(text.toWellFormed(), place);
        expect(open(sealed, place)).toBe(text.toWellFormed());
        expect(seal(text.toWellFormed(), place)).not.toBe(sealed);
      }),
      { numRuns: cases(50) },
    );
  });

  it('cannot be opened for another place, with another key, or when any byte of it was changed', () => {
    const sealed = seal('a token', 'here');
    expect(() => open(sealed, 'there')).toThrow(SealError);
    expect(() => openerWith(newSealKeys().privateKey)(sealed, 'here')).toThrow('sealed with another key');
    const bytes = Buffer.from(sealed, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => open(changed.toString('base64url'), 'here'), `byte ${at}`).toThrow(SealError);
    }
    for (const short of ['', 'AAAA', sealed.slice(0, 60)])
      expect(() => open(short, 'here')).toThrow(SealError);
  });

  it('of an earlier deployment is opened: the functions are not replaced at the same moment', () => {
    const earlier = 'MC4CAQAwBQYDK2VuBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH';
    const sealed =
      'D20lU_8MD0QoyUPoMnBaT059g06gDP8wvkYOZKUY2JCv8FKKlBBmT-XuEzkQtGDcU9DrsZZ5xPAuiQzzAVKihMkLmA';
    expect(openerWith(earlier)(sealed, 'here')).toBe('a token: é');
  });

  it('is opened while its key is being replaced: there are two', () => {
    const next = newSealKeys();
    const both = openerWith(`${next.privateKey}, ${keys.privateKey}\n`);
    expect(both(seal('old', 'here'), 'here')).toBe('old');
    expect(both(sealerFor(next.publicKey)('new', 'here'), 'here')).toBe('new');
  });
});

it.each([
  'no key',
  generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
])('what is no private key is refused, and not quoted', (text) => {
  const refusal = (() => {
    try {
      return openerWith(text);
    } catch (error) {
      return error;
    }
  })();
  expect(refusal).toBeInstanceOf(SealError);
  expect(String(refusal)).not.toContain(text);
});
