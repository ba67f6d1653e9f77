import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_CONTENT_BYTES } from '../protocol/limits.ts';
import { brokenText } from '../test/support/text.ts';
import { contentBytes, DEFAULT_CONTENT_BYTES, isBlank, textOf } from './content.ts';
import type { Content } from './protocol.ts';

it("counts the bytes of content's JSON encoding", () => {
  fc.assert(
    fc.property(brokenText(), (content) => {
      expect(contentBytes(content)).toBe(Buffer.byteLength(JSON.stringify(content)));
    }),
  );
  const lone = 'a\ud800b';
  expect(contentBytes(lone)).toBe(Buffer.byteLength(JSON.stringify(lone)));
});

it("assumes the server's own limit until told another", () => {
  expect(DEFAULT_CONTENT_BYTES).toBe(MAX_CONTENT_BYTES);
});

const image = { type: 'image', url: 'https://a.test/b.png' } as const;

it.each<[Content, string, boolean]>([
  [' a ', ' a ', false],
  [' \n', ' \n', true],
  [[{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }], 'a\nb', false],
  [[image], '', false],
  [[{ type: 'text', text: ' ' }], ' ', true],
])('%j has the words %j; nothing to send: %j', (content, text, blank) => {
  expect(textOf(content)).toBe(text);
  expect(isBlank(content)).toBe(blank);
  expect(contentBytes(content)).toBe(Buffer.byteLength(JSON.stringify(content)));
});
