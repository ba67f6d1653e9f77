import { expect, it } from 'vitest';
import { parseMcpTokens } from './tokens.ts';

it('a token is looked up by its server; what cannot be read is told without a word of it', () => {
  expect([...parseMcpTokens(' books=a=b== , docs=c,')]).toEqual([
    ['books', 'a=b=='],
    ['docs', 'c'],
  ]);
  for (const text of ['hunter2', 'a_b=hunter2', 'docs=', 'docs=hunter 2']) {
    expect(() => parseMcpTokens(text)).toThrow(
      /^The tokens of the MCP servers are not of the form server=token,…$/,
    );
  }
});
