import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { hermes, runInHermes } from './run-in-hermes.ts';

const CORE = ['connection', 'control', 'event-stream', 'outbox', 'session-requests'];

/** Declared where a script runs in Hermes. */
const PRINT = 'declare const print: (line: string) => void;';

const engine = hermes();
if (!engine) console.warn('SKIPPED: the client in Hermes. The package has no binary for this machine.');

describe.skipIf(!engine)('in Hermes, the engine of React Native', () => {
  const run = (source: string) => runInHermes(engine ?? '', `${PRINT}\n${source}`, temporaryFolder());

  it('the engine lacks what the client must do without', async () => {
    const lines = await run(`
      print(typeof Symbol.asyncIterator);
      print(typeof [].at);
      print(typeof TextEncoder);
    `);
    expect(lines).toEqual(['undefined', 'undefined', 'undefined']);
  });

  it("the README's first example prints the answer", async () => {
    const readme = await readFile(join(import.meta.dirname, '..', 'README.md'), 'utf8');
    const [head, ...body] =
      readme
        .split('\n\n')
        .find((block) => block.includes('import { createMidturn }'))
        ?.trim()
        .split('\n') ?? [];
    expect(head).toBe("import { createMidturn } from 'midturn-client';");
    const lines = await run(`
      import { createMidturn } from './index.ts';
      import { answerWith } from './hermes/first-example.ts';
      answerWith('Begin ', 'at the ', 'castle.');
      const fetchToken = async () => 'schlüssel';
      const show = print;
      async function example() {
        ${body.join('\n')}
        chat.close();
      }
      example().then(() => print('end'), (error) => print(String(error)));
    `);
    expect(lines).toEqual(['Begin ', 'at the ', 'castle.', 'end']);
  });

  describe('the tests of the core', () => {
    let results: { title: string; failure?: string }[] = [];
    beforeAll(async () => {
      const imports = CORE.map((name) => `import './${name}.test.ts';`);
      const lines = await run(`${imports.join('\n')}\nimport { runAll } from 'vitest';\nvoid runAll(print);`);
      results = lines.map((line) => JSON.parse(line));
    });

    it('P1, P6, P9, P10: all pass', () => {
      expect(results.filter(({ failure }) => failure !== undefined)).toEqual([]);
    });

    it.each(CORE)('%s: its tests ran', async (name) => {
      const file = await readFile(join(import.meta.dirname, '..', `${name}.test.ts`), 'utf8');
      const titles = [...file.matchAll(/\n {2}it\('([^'%]+)'/g)].flatMap(([, title]) => title ?? []);
      expect(titles.length).toBeGreaterThan(3);
      for (const title of titles)
        expect(results.map((result) => result.title.split(' > ').pop())).toContain(title);
    });
  });
});
