import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageAt, ROOT } from './markdown.ts';

const types = readFileSync(join(ROOT, 'core/store/items.ts'), 'utf8');
const section = pageAt('docs/architecture.md').prose.split('\n## Data model\n')[1] ?? '';

const attributesOf = (type: string): string[] => {
  const [, body = ''] = types.split(`export interface ${type} {\n`);
  return [...(body.split('\n}')[0] ?? '').matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = '']) => name);
};

/** Attributes of all items, or what the row says in its key. */
const ELSEWHERE = ['expires', 'session', 'connection', 'principal', 'sessionId'];

describe('the data model in docs/architecture.md', () => {
  it.each([
    ['session', 'Session'],
    ['lane', 'Lane'],
  ])('names every attribute of the item "%s"', (item, type) => {
    const row = section.split('\n').find((line) => line.startsWith(`| ${item} |`)) ?? '';
    const attributes = attributesOf(type).filter((name) => !ELSEWHERE.includes(name));
    expect(attributes.length).toBeGreaterThan(8);
    expect(attributes.filter((name) => !row.includes(`\`${name}\``))).toEqual([]);
  });
});
