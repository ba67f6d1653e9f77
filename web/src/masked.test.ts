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
