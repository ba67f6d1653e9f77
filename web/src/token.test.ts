import { expect, it } from 'vitest';
import { keepToken, readToken } from './token.ts';

it('a token is kept for the server that it was entered for, without the blanks that came with it', () => {
  const items = new Map<string, string>();
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
  keepToken(storage, 'wss://one/prod', ' secret\n');
  expect(readToken(storage, 'wss://one/prod')).toBe('secret');
  expect(readToken(storage, 'wss://another/prod')).toBe('');
});
