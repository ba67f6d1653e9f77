import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Page } from './markdown.ts';
import { allPages, anchorsOf, codeSpansOf, exists, linksOf, pageAt, ROOT, resolveLink } from './markdown.ts';

const pages = allPages();

/** Why a link leads nowhere; undefined if it leads somewhere. */
function brokenness(page: Page, link: ReturnType<typeof linksOf>[number]): string | undefined {
  const place = resolveLink(page, link);
  if (!place) return undefined;
  const { path, anchor } = place;
  if (path.startsWith('..')) return 'it leaves the repository';
  if (!exists(path)) return `there is no ${path}`;
  if (anchor === undefined || !path.endsWith('.md')) return undefined;
  return anchorsOf(pageAt(path)).has(anchor) ? undefined : `${path} has no #${anchor}`;
}

/** A code span that names a file or a folder of this repository. */
const PATH =
  /^(?:protocol|config|core|model|aws|lambdas|agent|infra|local|client|web|chat|conformance|examples|test|bench|docs)\/[\w./-]+$/;

/** Made by whoever follows a page, or by a command that it names. */
const MADE_BY_READERS = ['agent/tools/roll.ts', 'agent/tools/roll.test.ts'];

describe('every page', () => {
  it('is found', () => {
    expect(pages.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/architecture.md',
        'docs/decisions/README.md',
        'agent/README.md',
      ]),
    );
  });

  it.each(pages)('$path: every relative link and every anchor leads somewhere', (page) => {
    const broken = linksOf(page.prose).flatMap((link) => {
      const why = brokenness(page, link);
      return why ? [`[${link.text}](${link.target}): ${why}`] : [];
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)('$path: every path of this repository that it names exists', ({ prose }) => {
    const missing = codeSpansOf(prose).filter(
      (code) => PATH.test(code) && !MADE_BY_READERS.includes(code) && !exists(code),
    );
    expect(missing).toEqual([]);
  });
});

describe('the source', () => {
  it('names pages and anchors that exist', () => {
    const broken: string[] = [];
    const files = globSync('*/**/*.{ts,tsx}', {
      cwd: ROOT,
      exclude: (name) => ['node_modules', 'dist', 'cdk.out'].includes(name),
    });
    for (const file of files) {
      const source = readFileSync(join(ROOT, file), 'utf8');
      for (const [name, path = '', anchor] of source.matchAll(/\b(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g))
        if (!exists(path) || (anchor && !anchorsOf(pageAt(path)).has(anchor)))
          broken.push(`${file}: ${name}`);
    }
    expect(broken).toEqual([]);
  });
});

describe('three clicks', () => {
  it('P7: lead from the README to the write that keeps it, and to the race that it closes', () => {
    const readme = pageAt('README.md');
    const first = linksOf(readme.prose).find(({ text }) => text.includes('P7'));
    expect(first?.target).toBe('docs/architecture.md#p7');

    const architecture = pageAt('docs/architecture.md');
    expect(anchorsOf(architecture)).toContain('p7');
    const row = architecture.prose.split('\n').find((line) => line.includes('<a id="p7"></a>')) ?? '';
    const second = linksOf(row)[0];
    expect(second?.text).toBe('`endAnswered`');

    const place = second && resolveLink(architecture, second);
    expect(place?.path).toBe('core/store/lane/end.ts');
    const source = readFileSync(join(ROOT, place?.path ?? ''), 'utf8');
    const comment = source.slice(0, source.indexOf('export function endAnswered(')).split('/**').at(-1) ?? '';
    expect(comment).toContain('P7');
    for (const word of ['race', 'worker', 'client', 'inbox', 'refused']) expect(comment).toContain(word);
  });
});
