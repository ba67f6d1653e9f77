import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allPages, pageAt, ROOT } from './markdown.ts';

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);

/** Scripts of the project that a text names. */
const scriptsIn = (text: string): string[] =>
  [...text.matchAll(/\bnpm (?:run (?:--silent )?([a-z][\w:-]*)|(start|test)\b)/g)].map(
    ([, script, short]) => script ?? short ?? '',
  );

describe('npm scripts', () => {
  it('are all on the page of commands', () => {
    expect(scriptsIn(pageAt('docs/commands.md').text)).toEqual(expect.arrayContaining(Object.keys(scripts)));
  });

  it.each(allPages())('$path names no script that does not exist', ({ text }) => {
    expect(scriptsIn(text).filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });
});
