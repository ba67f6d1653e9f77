import { describe, expect, it } from 'vitest';
import type { FilePart } from '../../core/content.ts';
import { FileError } from '../../core/file-error.ts';
import type { CallFiles, MadeFile } from '../../core/files/call-files.ts';
import { asFileId } from '../../core/ids.ts';
import { readResult, shownOf } from './mcp-result.ts';

/** Stores anything but what fails. */
function bucket(fails: (file: MadeFile) => unknown = () => undefined) {
  const put: MadeFile[] = [];
  const files: CallFiles = {
    async put(file) {
      const error = fails(file);
      if (error) throw error;
      put.push(file);
      const { name, mediaType, bytes } = file;
      return {
        type: 'file',
        file: asFileId(name),
        media_type: mediaType,
        size: bytes.length,
        name,
      } as FilePart;
    },
  };
  return { put, files, names: () => put.map(({ name }) => name) };
}

const data = Buffer.from('bytes').toString('base64');
const image = { type: 'image', data, mimeType: 'image/png' };
const audio = { type: 'audio', data, mimeType: 'audio/wav' };
const resource = (uri: unknown, mimeType = 'application/pdf') => ({
  type: 'resource',
  resource: { uri, mimeType, blob: data },
});
const text = (words: string) => ({ type: 'text', text: words });

describe('a result of an MCP server', () => {
  it.each<[string, object, unknown]>([
    ['texts, a line each', { content: [text('One.'), text('Two.')] }, 'One.\nTwo.'],
    ['nothing', { content: [] }, ''],
    [
      'structured content, which goes before the texts',
      { content: [text('{"n":0}')], structuredContent: { n: 0 } },
      { n: 0 },
    ],
    ['structured content without texts', { structuredContent: { n: 1 } }, { n: 1 }],
    ['what is neither, as of an older version', { toolResult: 7 }, { toolResult: 7 }],
    [
      'a text in a resource',
      { content: [{ type: 'resource', resource: { uri: 'a:1', text: 'Page.' } }] },
      'Page.',
    ],
    [
      'links and files, mentioned',
      { content: [{ type: 'resource_link', uri: 'a:1' }, audio, resource('a:2')] },
      '[resource_link a:1]\n[audio audio/wav]\n[resource contents a:2 application/pdf]',
    ],
    ['what is no object', { content: ['words', null, 7] }, 'words\nnull\n7'],
  ])('is its output: %s', async (_what, given, output) => {
    expect(await readResult(given, undefined)).toEqual({ output, isError: false });
    for (const [said, isError] of [
      [true, true],
      ['yes', false],
    ])
      expect(await readResult({ ...given, isError: said }, undefined)).toMatchObject({ isError });
  });

  it('stores images, audio and resources, by names that tell two apart and say nothing of a query', async () => {
    const { put, files, names } = bucket();
    const content = [
      text('All of it.'),
      image,
      audio,
      resource('book://1/pages.pdf?token=secret'),
      resource('book://1/pages.pdf#secret'),
      resource('book://1/folder/'),
      resource(undefined),
      resource(`book://1/${'é'.repeat(300)}`),
    ];
    const { output } = await readResult({ content }, files);
    expect(names()).toEqual([
      '2-image',
      '3-audio',
      '4-pages.pdf',
      '5-pages.pdf',
      '6-folder',
      '7-resource',
      `8-${'é'.repeat(198)}`,
    ]);
    for (const { bytes } of put) expect(Buffer.from(bytes).toString()).toBe('bytes');
    expect(put.map(({ mediaType }) => mediaType).slice(0, 3)).toEqual([
      'image/png',
      'audio/wav',
      'application/pdf',
    ]);
    expect(output).toMatchObject({ result: expect.stringMatching(/^All of it\./), files: { length: 7 } });
  });

  it.each([
    { ...image, data: 7 },
    { ...audio, mimeType: undefined },
    { type: 'resource', resource: { uri: 'a:1', mimeType: 'application/pdf' } },
    { type: 'resource', resource: { uri: 'a:1', blob: data } },
    { type: 'file', data, mimeType: 'image/png' },
    'image',
    null,
  ])('stores nothing of what has no bytes or no type: %j', async (part) => {
    const { put, files } = bucket();
    expect((await readResult({ content: [part] }, files)).output).toEqual(expect.any(String));
    expect(put).toEqual([]);
  });

  it('mentions a file that cannot be stored, and stores the others; that the store fails is no such thing', async () => {
    const takesPng = ({ mediaType }: MadeFile) =>
      mediaType === 'image/png' ? undefined : new FileError('FILE_TYPE_INVALID', 'of another type');
    const { files, names } = bucket(takesPng);
    const { output } = await readResult({ content: [audio, image] }, files);
    expect(names()).toEqual(['2-image']);
    expect(output).toMatchObject({ result: '[audio audio/wav]\n[image image/png]', files: { length: 1 } });
    const down = bucket(() => new Error('S3 is down'));
    await expect(readResult({ content: [image] }, down.files)).rejects.toThrow('S3 is down');
  });

  it('is shown to the model with its files: its words as they are, anything else as JSON', async () => {
    const { files } = bucket();
    for (const [given, words] of [
      [{ content: [text('Two.'), image] }, 'Two.\n[image image/png]'],
      [{ content: [image], structuredContent: { n: 1 } }, '{"n":1}'],
    ] as const) {
      const { output } = await readResult(given, files);
      expect(shownOf(output)).toMatchObject({
        type: 'content',
        value: [
          { type: 'text', text: words },
          { type: 'file', mediaType: 'image/png' },
        ],
      });
    }
    for (const output of ['words', { n: 1 }, { result: 'no files' }, null])
      expect(shownOf(output)).toBeUndefined();
  });
});
