import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FilePart } from '../../core/content.ts';
import { FileError } from '../../core/file-error.ts';
import type { CallFiles, MadeFile } from '../../core/files/call-files.ts';
import { asFileId } from '../../core/ids.ts';
import type { Json } from '../../core/json.ts';
import { ANNS_SETUP, NO_FILES } from '../../core/testing/call-setup.ts';
import { pdf, png } from '../../test/support/files.ts';
import { startMcpServer, type TestMcpServer } from '../../test/support/mcp-server.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createToolbox } from '../tools/toolbox.ts';
import { createToolSource } from './tool-source.ts';

let library: TestMcpServer;
beforeAll(async () => {
  library = await startMcpServer();
});
afterAll(() => library.close());

/** Calls a tool of the server. @returns its outcome, and what it showed meanwhile */
async function call(name: string, { url = library.url, files = NO_FILES } = {}) {
  const agent = defineAgent({ mcp: { books: { url, connectSeconds: 5 } } });
  const source = createToolSource(agent, {
    urls: {},
    token: async () => '',
    warn: () => {},
    failed: () => {},
    now: () => 0,
  });
  const shown: Json[] = [];
  const outcome = await createToolbox(agent, source).run(
    { id: '1', name, args: {} },
    {
      signal: new AbortController().signal,
      idempotencyKey: 'key',
      setup: ANNS_SETUP,
      display: { progress: (value) => shown.push(value), data: () => {} },
      files,
    },
  );
  return { outcome, shown };
}

/** Takes PNG and PDF. */
function bucket(): { files: CallFiles; put: MadeFile[] } {
  const put: MadeFile[] = [];
  return {
    put,
    files: {
      async put(file) {
        if (!/png|pdf/.test(file.mediaType)) throw new FileError('FILE_TYPE_INVALID', 'of another type');
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
    },
  };
}

describe('what an MCP server gives', () => {
  it('meanwhile, of how far the call is, is shown; that of other calls is not', async () => {
    const { outcome, shown } = await call('books_scan');
    expect(outcome.isError).toBe(false);
    expect(shown).toEqual([{ progress: 1, total: 2, message: 'page 1' }, { progress: 2 }]);
  });

  it.each([
    ['books_cover', '2-image', png(), 'The cover:\n[image image/png]\nIts first page.'],
    [
      'books_scan',
      '2-pages.pdf',
      pdf(),
      'Scanned.\n[resource contents book://1/pages.pdf application/pdf]\n[resource contents book://1/pages.html text/html]\n[resource_link book://2]',
    ],
  ])(
    'as images and resources is stored in the session and shown to the model: %s',
    async (name, file, bytes, text) => {
      const { files, put } = bucket();
      const { outcome } = await call(name, { files });
      expect(put).toMatchObject([{ name: file }]);
      expect(Buffer.from(put[0]?.bytes ?? []).equals(bytes)).toBe(true);
      expect(outcome).toMatchObject({
        output: { result: text, files: [{ type: 'file', file, name: file, size: bytes.length }] },
        shown: {
          type: 'content',
          value: [
            { type: 'text', text },
            { type: 'file', file },
          ],
        },
      });
      // Where none can be stored, they are mentioned, and the output is the text as before.
      expect((await call(name)).outcome).toEqual({ output: text, isError: false });
    },
  );
});
