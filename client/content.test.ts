import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_CONTENT_BYTES } from '../lambdas/protocol/limits.ts';
import { contentBytes, DEFAULT_CONTENT_BYTES } from './content.ts';

it("counts the bytes of content's JSON encoding", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (content) => {
      expect(contentBytes(content)).toBe(Buffer.byteLength(JSON.stringify(content)));
    }),
  );
  const lone = 'a\ud800b';
  expect(contentBytes(lone)).toBe(Buffer.byteLength(JSON.stringify(lone)));
});

it("assumes the server's own limit until told another", () => {
  expect(DEFAULT_CONTENT_BYTES).toBe(MAX_CONTENT_BYTES);
});
