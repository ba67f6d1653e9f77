import { describe, expect, it } from 'vitest';
import { highlighted } from './highlighter.ts';

describe('code in colours', () => {
  it('is left as it is where its parts are nested so deep that they cannot be shown', () => {
    expect(highlighted('/* 1 */', 'rust')).toBeDefined();
    for (const [language, opening] of [
      ['ruby', '"#{'],
      ['rust', '/*'],
      ['bash', '"$('],
    ] as const)
      expect(highlighted(opening.repeat(10_000 / opening.length), language)).toBeUndefined();
  });
});
