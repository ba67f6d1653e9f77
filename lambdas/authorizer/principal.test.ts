import { expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { principalOf } from './principal.ts';

it.each(['a', 'é', '€', '😀'])('P12: names of 256 bytes of UTF-8 are the longest, of %j too', (character) => {
  const bytes = Buffer.byteLength(character);
  for (const length of around(256)) {
    const name = character.repeat(Math.floor(length / bytes)) + 'x'.repeat(length % bytes);
    const isKnown = length <= 256;
    expect(principalOf(name, 'ann')).toEqual(isKnown ? { tenant: name, subject: 'ann' } : undefined);
    expect(principalOf('acme', name)).toEqual(isKnown ? { tenant: 'acme', subject: name } : undefined);
  }
});

it.each(['', '\ud83d', undefined, null, 7, ['ann']])('P12: %j is no name', (name) => {
  expect(principalOf(name, 'ann')).toBeUndefined();
  expect(principalOf('acme', name)).toBeUndefined();
});
