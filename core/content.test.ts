import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../test/support/text.ts';
import {
  bytesOf,
  type Content,
  type ContentPart,
  type FilePart,
  fileBytes,
  filesOf,
  hasImageUrl,
  imagesOf,
  isBlank,
  quotesOf,
  shownBytes,
  shownFiles,
  showsMore,
  wordsOf,
} from './content.ts';
import { jsonBytes, levelsOf } from './json-bytes.ts';

const PNG: ContentPart = { type: 'image', media_type: 'image/png', data: 'QUJD' };
const LINKED: ContentPart = { type: 'image', url: 'https://example.com/a.png' };
const file = (media_type: string, size: number, name?: string): FilePart => ({
  type: 'file',
  file: 'f'.repeat(22),
  media_type: media_type as FilePart['media_type'],
  size,
  ...(name !== undefined && { name }),
});
const PDF = file('application/pdf', 1000, 'plan 📐.pdf');

const parts = fc.array(
  fc.oneof(
    anyText().map((text): ContentPart => ({ type: 'text', text })),
    fc.constantFrom(PNG, LINKED, PDF),
  ),
  { maxLength: 5 },
);

describe('what a content has', () => {
  it('is found part by part, and a text alone is one part of text', () => {
    fc.assert(
      fc.property(parts, anyText(), (content: Content & ContentPart[], text) => {
        const of = (...kinds: ContentPart[]) => content.filter((part) => kinds.includes(part));
        expect(imagesOf(content)).toBe(of(PNG, LINKED).length);
        expect(hasImageUrl(content)).toBe(of(LINKED).length > 0);
        expect(filesOf(content)).toEqual(of(PDF));
        expect(showsMore(content)).toBe(of(PNG, LINKED, PDF).length > 0);
        const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
        expect(wordsOf(content)).toBe(texts.join('\n'));
        expect(isBlank(content)).toBe(!showsMore(content) && texts.join('').trim() === '');
        expect(bytesOf(content)).toBe(Buffer.byteLength(JSON.stringify(content)));
        expect(bytesOf(text)).toBe(Buffer.byteLength(text));
        expect([wordsOf(text), isBlank(text)]).toEqual([text, text.trim() === '']);
        expect([imagesOf(text), showsMore(text), filesOf(text)]).toEqual([0, false, []]);
        // A log leaves out all that somebody said or showed.
        for (const said of [...texts, ...(of(PNG).length ? ['QUJD'] : [])])
          expect(quotesOf(content)).toContain(said);
        expect(quotesOf(content).includes(LINKED.url)).toBe(of(LINKED).length > 0);
        expect(quotesOf(content).includes(String(PDF.name))).toBe(of(PDF).length > 0);
      }),
    );
  });

  it('P11: takes room in a prompt by its kind: a document and a sound by their bytes, an image whatever it has', () => {
    for (const [size, pdf, sound] of [
      [25, 1, 1],
      [26, 2, 1],
      [125, 5, 1],
      [126, 6, 2],
    ] as const) {
      expect(shownBytes([file('application/pdf', size)])).toBe(pdf);
      expect(shownBytes([file('audio/mpeg', size)])).toBe(sound);
      expect(shownBytes([file('image/png', size)])).toBe(4000);
    }
    expect(shownBytes([PNG, LINKED, { type: 'text', text: 'words' }, PDF])).toBe(4000 + 4000 + 40);
    expect(shownBytes('words')).toBe(0);
    expect(fileBytes([PDF, file('image/gif', 1)])).toBe(4040);
  });

  it('P12: names a file of a tool only in a list of content, and only a whole reference', () => {
    const shown = (value: unknown, type = 'content') => shownFiles({ type, value } as never);
    expect(shown([PDF, { type: 'text', text: 'x' }, { ...PDF, size: 'big' }, { type: 'file' }])).toEqual([
      PDF,
    ]);
    for (const other of [
      shown([PDF], 'json'),
      shown(PDF),
      shownFiles([PDF as never]),
      shownFiles(null),
      shownFiles(undefined),
    ])
      expect(other).toEqual([]);
  });
});

describe('bytes of a text as JSON', () => {
  it('are those of its place in a frame', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const around = Buffer.byteLength(JSON.stringify({ text: '' }));
        expect(jsonBytes(text)).toBe(Buffer.byteLength(JSON.stringify({ text })) - around);
      }),
    );
  });

  it('levels of a text count what is open at once, and no bracket in a string', () => {
    const nested = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('[{', '\\"[[', ']]}', '"', '\\', 7, null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a[', '"{', 'b'), tie('value'), { maxKeys: 2 }),
      ),
    })).value;
    const depth = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
    fc.assert(
      fc.property(nested, fc.constantFrom(undefined, 1), (value, indent) => {
        expect(levelsOf(JSON.stringify(value, null, indent))).toBe(depth(value));
      }),
    );
  });
});
