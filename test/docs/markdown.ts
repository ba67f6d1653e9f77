import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** The repository's Markdown pages, as a reader of them on a forge sees them. */

export const ROOT = resolve(import.meta.dirname, '../..');

const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'cdk.out']);

export interface Page {
  /** From the repository's root. */
  path: string;
  text: string;
  /** The text without blocks of code, line by line. */
  prose: string;
}

export const pageAt = (path: string): Page => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return { path, text, prose: withoutCodeBlocks(text) };
};

export const allPages = (): Page[] =>
  ['**/*.md', '.github/**/*.md']
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: (name) => LEFT_OUT.has(name) }))
    .toSorted()
    .map(pageAt);

function withoutCodeBlocks(text: string): string {
  let fence: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      const mark = /^ *(```+|~~~+)/.exec(line)?.[1];
      if (fence === undefined && mark) {
        fence = mark;
        return '';
      }
      if (fence === undefined) return line;
      if (mark?.startsWith(fence)) fence = undefined;
      return '';
    })
    .join('\n');
}

export interface Link {
  text: string;
  target: string;
}

/** Links and images that stand outside of code. */
export const linksOf = (prose: string): Link[] => {
  const spans: string[] = [];
  // A link's text may be code; a link inside of code is none.
  const marked = prose.replace(/`[^`\n]+`/g, (code) => `⟦${spans.push(code) - 1}⟧`);
  const spelt = (text: string) => text.replace(/⟦(\d+)⟧/g, (_, i) => spans[Number(i)] ?? '');
  return [...marked.matchAll(/\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g)].map(
    ([, text = '', target = '']) => ({
      text: spelt(text),
      target: spelt(target),
    }),
  );
};

/** Code spans of the prose, without their marks. */
export const codeSpansOf = (prose: string): string[] =>
  [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** The anchors that GitHub gives to headings, and those that the page sets itself. */
export function anchorsOf({ prose }: Page): ReadonlySet<string> {
  const anchors = new Set([...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id));
  const seen = new Map<string, number>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?)(?: +#+)?$/gm)) {
    const slug = slugOf(heading);
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
}

const slugOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[*_]{1,2}([^*_]+)[*_]{1,2}/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

/** Where a relative link leads, from the repository's root. Undefined: to another site. */
export function resolveLink(
  from: Page,
  { target }: Link,
): { path: string; anchor: string | undefined } | undefined {
  if (/^[a-z][a-z\d+.-]*:/i.test(target)) return undefined;
  const [file = '', anchor] = target.split('#');
  const path =
    file === '' ? from.path : relative(ROOT, resolve(ROOT, dirname(from.path), decodeURIComponent(file)));
  return { path, anchor };
}

export const exists = (path: string): boolean => existsSync(join(ROOT, path));
