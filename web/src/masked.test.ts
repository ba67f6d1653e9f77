import fc from 'fast-check';
import { expect, it } from 'vitest';
import { masked } from './masked.ts';

it.each([
  ['4111 1111 1111 1111', '••••1111'],
  ['pay with 5500-0000-0000-0004 today', 'pay with ••••0004 today'],
  ['378282246310005', '••••0005'],
  ['Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123', 'Bearer ••••F123'],
  ['sk-proj-abcdefghijklmnopqrst', '••••qrst'],
  ['ghp_abcdefghijklmnopqrstuvwxyz0123456789', '••••6789'],
  ['AKIAIOSFODNN7EXAMPLE', '••••MPLE'],
  ['wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12', '••••EY12'],
])('what looks like a card, a key or a token is masked by its form: %s', (text, shown) => {
  expect(masked(text)).toBe(shown);
});

it.each([
  'Lisbon, 2026-11-30 at 12:30',
  '4111 1111 1111 1112',
  '1234567890',
  'order 550e8400-e29b-41d4-a716-446655440000',
  'https://example.test/Some/Path-With-1-Number/And-Capitals?x=1',
  'rm -rf /var/lib/Docker2/overlay-of-a-long-name',
  'd41d8cd98f00b204e9800998ecf8427e',
])('other text is shown as it is: %s', (text) => {
  expect(masked(text)).toBe(text);
});

/** The digits, and the check digit that makes them the number of a card. */
function withCheckDigit(digits: readonly number[]): string {
  const sum = digits
    .toReversed()
    .map((digit, at) => (at % 2 === 0 ? digit * 2 : digit))
    .reduce((total, value) => total + Math.floor(value / 10) + (value % 10), 0);
  return `${digits.join('')}${(10 - (sum % 10)) % 10}`;
}

it('a number with the check digit of a card is masked where it has 13 to 19 digits, whatever its groups, and with another one it is not', () => {
  const digit = fc.integer({ min: 0, max: 9 });
  const numbers = fc.array(digit, { minLength: 11, maxLength: 18 }).map(withCheckDigit);
  const separators = fc.array(fc.constantFrom('', '', ' ', '-'), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(numbers, separators, (number, between) => {
      const grouped = (digits: string) =>
        [...digits].map((one, at) => (at > 0 ? between[at] : '') + one).join('');
      const isCard = number.length >= 13;
      const text = grouped(number);
      expect(masked(text)).toBe(isCard ? `••••${text.slice(-4)}` : text);
      // Of 20 digits and more, no part is the number of a card.
      expect(masked(`${number.padStart(19, '0')}0`)).not.toContain('••••');
      const other = grouped(number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10));
      expect(masked(`no. ${other}!`)).toBe(`no. ${other}!`);
    }),
  );
});

it.each([
  ...['sk-', 'sk_', 'pk-', 'pk_', 'rk_'].map((prefix) => [prefix, 16] as const),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'glpat-'].map((prefix) => [prefix, 12] as const),
  ...['xoxa-', 'xoxb-', 'xoxp-', 'xoxr-', 'xoxs-', 'AKIA', 'ASIA', 'AIza'].map(
    (prefix) => [prefix, 12] as const,
  ),
])('a key that begins with %s is masked from %i further characters on', (prefix, length) => {
  expect(masked(`key ${prefix}${'x'.repeat(length)}`)).toBe('key ••••xxxx');
  const short = `key ${prefix}${'x'.repeat(length - 1)}`;
  expect(masked(short)).toBe(short);
});

it('a run of 28 small and capital letters and digits is masked, and a shorter one is not', () => {
  expect(masked(`key ${'aB3'.repeat(10).slice(0, 27)}`)).not.toContain('••••');
  expect(masked(`key ${'aB3'.repeat(10).slice(0, 28)}`)).toBe('key ••••aB3a');
});
