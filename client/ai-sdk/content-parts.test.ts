import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Content } from '../index.ts';
import { filePart, sourcePart, toContent, toUIParts } from './content-parts.ts';
import type { MidturnUIMessage } from './ui-message.ts';

type Part = MidturnUIMessage['parts'][number];
const user = (...parts: object[]) => ({ id: 'm1', role: 'user' as const, parts: parts as Part[] });
const UNSUPPORTED = expect.objectContaining({ code: 'UNSUPPORTED' });

describe('what a message says', () => {
  it('is the same in the library’s form: texts, images and files in their order', () => {
    const anyName = fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }), {
      nil: undefined,
    });
    const anyPart = fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: fc.string({ unit: 'grapheme' }) }),
      fc.record({ type: fc.constant('image' as const), url: fc.constant('https://a.test/b.png') }),
      fc.record({
        type: fc.constant('image' as const),
        media_type: fc.constantFrom(
          'image/png' as const,
          'image/jpeg' as const,
          'image/gif' as const,
          'image/webp' as const,
        ),
        data: fc.base64String({ minLength: 4 }),
      }),
      fc
        .record({
          type: fc.constant('file' as const),
          file: fc.string({ minLength: 1, maxLength: 9 }),
          media_type: fc.constantFrom('application/pdf', 'audio/wav'),
          size: fc.integer({ min: 1 }),
          name: anyName,
        })
        .map(({ name, ...file }) => (name === undefined ? file : { ...file, name })),
    );
    fc.assert(
      fc.property(fc.array(anyPart, { minLength: 1, maxLength: 4 }), (parts) => {
        const content = toContent({ id: 'm1', role: 'user', parts: toUIParts(parts as Content) });
        const isText = parts.every(({ type }) => type === 'text');
        const text = parts.flatMap((part) => ('text' in part ? part.text : [])).join('\n');
        expect(content).toEqual(isText ? text : parts);
      }),
    );
    expect(toUIParts('hello')).toEqual([{ type: 'text', text: 'hello' }]);
  });

  it.each([
    ['another part', { type: 'reasoning', text: 'hm' }],
    ['an image by http', { type: 'file', mediaType: 'image/png', url: 'http://a.test/b.png' }],
    ['another file by https', { type: 'file', mediaType: 'application/pdf', url: 'https://a.test/b.pdf' }],
    ['an image of another type', { type: 'file', mediaType: 'image/bmp', url: 'data:image/bmp;base64,AAAA' }],
    ['an image that is not base64', { type: 'file', mediaType: 'image/png', url: 'data:image/png,AAAA' }],
  ])('is refused where the protocol has no form for it: %s', (_, part) => {
    expect(() => toContent(user(part))).toThrow(UNSUPPORTED);
  });
});

it('sources and files of the model have all that is known of them', () => {
  expect(sourcePart({ id: 'x', type: 'url', url: 'https://a.test/', title: 'A' })).toEqual({
    type: 'source-url',
    sourceId: 'x',
    url: 'https://a.test/',
    title: 'A',
  });
  expect(sourcePart({ id: 'x', type: 'url', url: 'https://a.test/', title: undefined })).not.toHaveProperty(
    'title',
  );
  const paper = { id: 'x', type: 'document', mediaType: 'application/pdf', title: 'A' } as const;
  expect(sourcePart({ ...paper, filename: 'a.pdf' })).toEqual({
    type: 'source-document',
    sourceId: 'x',
    mediaType: 'application/pdf',
    title: 'A',
    filename: 'a.pdf',
  });
  expect(sourcePart({ ...paper, filename: undefined })).not.toHaveProperty('filename');
  const file = { mediaType: 'image/png', bytes: 9, data: 'AAAA', omitted: undefined };
  expect(filePart(file)).toEqual({ type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' });
  expect(filePart({ ...file, data: undefined, omitted: 'too_large' })).toEqual({
    type: 'data-omitted-file',
    data: { mediaType: 'image/png', bytes: 9, reason: 'too_large' },
  });
});
