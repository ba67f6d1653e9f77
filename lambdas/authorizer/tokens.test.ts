import { describe, expect, it } from 'vitest';
import { SettingError } from '../../config/settings/setting.ts';
import { findToken, parseTokens } from './tokens.ts';

describe('known tokens', () => {
  const known = parseTokens(' abc==acme/ann, t2=globex/bob/smith,');

  it('name their principals', () => {
    expect(findToken(known, 'abc=')).toEqual({ tenant: 'acme', subject: 'ann' });
    expect(findToken(known, 't2')).toEqual({ tenant: 'globex', subject: 'bob/smith' });
  });

  it.each(['', 'abc', 'abc==', 'ABC=', ' t2', 'acme/ann'])('do not match "%s"', (token) => {
    expect(findToken(known, token)).toBeUndefined();
  });

  it.each([
    'hunter2',
    'hunter2=acme',
    '=acme/ann',
    'hunter2=/ann',
    'hunter2=acme/',
    `hunter2=acme/${'x'.repeat(257)}`,
    'hunter2=acme/ann,hunter2=acme/bob',
  ])('are refused as a whole where one is "%s", and the refusal quotes nothing', (text) => {
    const refused = () => parseTokens(`good=acme/ann,${text}`);
    expect(refused).toThrow(SettingError);
    expect(refused).not.toThrow(/hunter2|good/);
  });
});
