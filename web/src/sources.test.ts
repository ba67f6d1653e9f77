import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import type { Source, SourcesItem } from '../../client/index.ts';
import { ModelFile, Sources } from './sources.tsx';

const shown = (...sources: Source[]): string => {
  const item: SourcesItem = { kind: 'sources', key: 'e1', turnId: 't', sources };
  return renderToStaticMarkup(createElement(Sources, { item }));
};

test('sources are links to pages of the web, and names of documents', () => {
  const html = shown(
    { id: 's1', type: 'url', url: 'https://example.com/tide', title: 'Tides & moon' },
    { id: 's2', type: 'url', url: 'http://example.com/', title: undefined },
    { id: 's4', type: 'url', url: 'HTTPS://EXAMPLE.ORG/', title: undefined },
    { id: 's3', type: 'document', mediaType: 'application/pdf', title: 'Table', filename: 't.pdf' },
  );
  expect(html).toContain('href="https://example.com/tide"');
  expect(html).toContain('>Tides &amp; moon</a>');
  expect(html).toContain('>http://example.com/</a>');
  expect(html).toContain('href="HTTPS://EXAMPLE.ORG/"');
  expect(html).toContain('<span>Table</span>');
});

test('an address of another scheme is no link: it could run in the page', () => {
  const html = shown({ id: 's1', type: 'url', url: 'javascript:alert(1)', title: 'Free' });
  expect(html).not.toContain('href');
  expect(html).toContain('Free');
});

test('a file of the model is an image, a file to save, or a note of what was too large', () => {
  const file = { kind: 'file', key: 'e1', turnId: 't', bytes: 3, omitted: undefined } as const;
  const html = (mediaType: string, data: string | undefined) =>
    renderToStaticMarkup(createElement(ModelFile, { item: { ...file, mediaType, data } }));
  expect(html('image/png', 'AAAA')).toContain('<img class="attached" src="data:image/png;base64,AAAA"');
  expect(html('image/svg+xml', 'AAAA')).not.toContain('<img');
  expect(html('text/csv', 'AAAA')).toContain('download=""');
  expect(html('image/png', undefined)).toContain('too large to be kept');
});
