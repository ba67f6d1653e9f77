import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactQuotes } from './redaction.ts';

describe('a diagnostic', () => {
  it('loses what it quotes of a conversation, and keeps the rest', () => {
    const said = ['Tell me how to bake a cake for my secret wedding', 'Sure'];
    expect(
      redactQuotes('400: messages.0: "how to bake a cake for my s" is not allowed (HTTP 400)', said),
    ).toBe('400: messages.0: "[…]" is not allowed (HTTP 400)');
  });

  it('loses a short message that is quoted as a whole, wherever it stands', () => {
    expect(redactQuotes('hunter22 is bad; hunter22', ['hunter22'])).toBe('[…] is bad; […]');
  });

  it('loses a text of eight characters where it stands whole, and a part of sixteen of a longer one', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (const length of [7, 8, 15])
      expect(redactQuotes(`<${letters.slice(0, length)}>`, [letters.slice(0, length)])).toBe(
        length < 8 ? `<${letters.slice(0, length)}>` : '<[…]>',
      );
    expect(redactQuotes(`<${letters.slice(3, 18)}>`, [letters])).toBe(`<${letters.slice(3, 18)}>`);
    expect(redactQuotes(`<${letters.slice(3, 19)}>`, [letters])).toBe('<[…]>');
    expect(redactQuotes(`<${letters.slice(0, 8)}>`, [letters.slice(0, 9)])).toBe(`<${letters.slice(0, 8)}>`);
    expect(redactQuotes(letters.slice(0, 16), [letters.slice(0, 16)])).toBe('[…]');
  });

  it('has whole characters, where a quotation ends within one', () => {
    // Both emojis begin with the same half.
    expect(redactQuotes('<0123456789abcdef😀>', ['0123456789abcdef😁'])).toBe('<[…]\ufffd>');
  });

  it('keeps words that it has in common with a conversation by chance', () => {
    const diagnostic = 'APICallError: model not found, status 404';
    expect(redactQuotes(diagnostic, ['model', 'the model was not found in my garage'])).toBe(diagnostic);
  });

  it('is cleaned in time that grows with the texts, and not with their product: the heartbeat waits for it', () => {
    // Minutes, if each of the 2,000 places were compared with each of the million.
    expect(redactQuotes('a'.repeat(2000), ['a'.repeat(1_000_000)])).toBe('[…]');
    const short = Array.from({ length: 100_000 }, (_, n) => `aaaaaaaaa${n % 10}`);
    expect(redactQuotes('a'.repeat(2000), short)).toBe('a'.repeat(2000));
  });

  it('holds no sixteen characters in a row of anything that was said', () => {
    const words = fc.string({ minLength: 16, maxLength: 60, unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 3 }), words, (said, between) => {
        const clean = redactQuotes(said.join(between), said);
        for (const text of said) {
          for (let at = 0; at + 16 <= text.length; at++) expect(clean).not.toContain(text.slice(at, at + 16));
        }
      }),
    );
  });
});
