import fc from 'fast-check';
import { expect, it } from 'vitest';
import { base64url } from './base64url.ts';

it('any text is encoded as its UTF-8 in base64url, without padding', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(base64url(text)).toBe(Buffer.from(text, 'utf8').toString('base64url'));
    }),
  );
});
