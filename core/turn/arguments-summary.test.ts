import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentsSummary, MAX_SUMMARY_LENGTH } from './arguments-summary.ts';

const SECRET = 'hunter2';

describe('the summary of arguments that a person decides by', () => {
  it('shows plain arguments as they are', () => {
    const args = { to: 'ann@example.org', amount: 12.5, monkey: 'chimp', path: '/tmp/reports/final_results' };
    expect(argumentsSummary(args)).toBe(JSON.stringify(args));
  });

  it.each([
    'password',
    'dbPassword',
    'client_secret',
    'X-Api-Key',
    'apiKey',
    'key',
    'Authorization',
    'accessToken',
    'PIN',
  ])('shows no value under %s, at any depth', (name) => {
    fc.assert(
      fc.property(fc.constantFrom(SECRET, [SECRET], { deep: SECRET }), fc.nat(4), (value, depth) => {
        let args: Parameters<typeof argumentsSummary>[0] = { [name]: value };
        for (let level = 0; level < depth; level++) args = level % 2 ? [args] : { inner: args };
        expect(argumentsSummary(args)).not.toContain(SECRET);
      }),
    );
  });

  it.each([
    [{ name: 'Authorization', value: SECRET }],
    [{ header: `Bearer ${SECRET}` }],
    [{ body: `password=${SECRET}&user=ann` }],
    [{ url: `https://ann:${SECRET}@example.org/` }],
    [{ url: `https://example.org/?access_token=${SECRET}` }],
  ])('shows no secret in %j', (args) => {
    expect(argumentsSummary(args)).not.toContain(SECRET);
  });

  it('shows no part of a string that looks like a credential, wherever the text is cut', () => {
    const credential = 'Zx9Qw7Lk3Vb5Nm1Rt8Yp2Gd4';
    for (let before = 0; before <= 600; before++) {
      expect(argumentsSummary({ note: `${'a '.repeat(before)}${credential}` })).not.toContain('Zx9');
    }
  });

  it('shows which thing a call is about', () => {
    const id = '0b8f6a52-3c1d-4e9a-8f77-1c2d3e4f5a6b';
    expect(argumentsSummary({ order: id })).toContain(id);
  });

  it('is bounded, and a long argument leaves room for the others', () => {
    const words = 'word '.repeat(100);
    expect(argumentsSummary(Array(50).fill(words))).toHaveLength(MAX_SUMMARY_LENGTH);
    expect(argumentsSummary({ body: words.repeat(100), to: 'ann' })).toContain('"to":"ann"');
  });

  it('never ends in half a character', () => {
    for (const before of ['', 'a']) {
      const long = argumentsSummary([`${before}${'😀'.repeat(150)}`]);
      const many = argumentsSummary([before, ...Array(10).fill('😀'.repeat(90))]);
      for (const summary of [long, many]) {
        expect(summary.isWellFormed()).toBe(true);
        expect(summary).not.toContain('\\ud8');
      }
    }
  });

  it('does not let an argument turn the order of the text around', () => {
    expect(argumentsSummary({ file: 'a\u202egpj.exe' })).toBe('{"file":"a\\u202egpj.exe"}');
  });
});
