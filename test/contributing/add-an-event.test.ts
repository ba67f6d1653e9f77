import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { applySteps, follow, stepsOf } from './recipe.ts';

const root = join(import.meta.dirname, '../..');
const CODE = ['protocol', 'config', 'core', 'model', 'aws', 'lambdas', 'agent', 'client', 'web', 'chat'];
const OTHERS = ['conformance', 'local', 'test/simulation', 'test/chaos'];
/** Imported by the above here and there. */
const IMPORTED = ['infra', 'bench', 'test'];
const SOURCES = ['package.json', ...CODE, ...OTHERS, ...IMPORTED, 'docs/protocol.md', 'docs/protocol'];

/** All code in one program: quicker than one for each folder, as `npm run typecheck` has them. */
const tsconfig = (files: readonly string[]) => ({
  extends: join(root, 'tsconfig.json'),
  compilerOptions: {
    lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable'],
    jsx: 'react-jsx',
    types: ['node', 'vite/client'],
  },
  include: [...CODE, ...OTHERS],
  exclude: ['**/*.test.ts', '**/*.test.tsx'],
  files,
});

/** What the page promises of the event, as a test in the copy. It compiles only if each type follows from the definition. */
const CITATION_TEST = `
import { expect, it } from 'vitest';
import { receiveEvent } from './client/events.ts';
import { type EventFrame, isEvent, readFrame } from './client/protocol.ts';
import { initialState } from './client/state.ts';
import { decodeEvents, encodeEvents } from './core/events/events.ts';
import { generatedFiles } from './protocol/documents/generate.ts';
import { eventFrame } from './protocol/events.ts';
import { commitInMemory } from './core/testing/commit-in-memory.ts';

type Citation = Extract<EventFrame, { type: 'citation' }>;
const source = { source_id: 's1', url: 'https://example.com/a' };
const frame: Citation = { type: 'citation', seq: 2, turn_id: 't', ...source };

it('P4: a citation that is committed is sent, and is no part of the transcript', async () => {
  const { posted, stored, transcript } = await commitInMemory({ type: 'citation', ...source });
  expect(posted[1]).toBe(JSON.stringify(frame));
  expect(stored[1]).toEqual({ type: 'citation', seq: 2, turn: 't', ...source });
  expect(decodeEvents(encodeEvents(stored))).toEqual(stored);
  expect(transcript).toEqual([]);
});

it('P9: the client reads it with its type, counts it, and shows nothing of it', () => {
  const read = readFrame(JSON.stringify(frame));
  if (!read || !isEvent(read) || read.type !== 'citation') throw new Error('it is not read');
  const title: string | undefined = read.title;
  expect([read.source_id, title]).toEqual(['s1', undefined]);
  const state = receiveEvent({ ...initialState('s'), cursor: 1, heard: 1 }, read);
  expect([state.cursor, state.live]).toEqual([2, []]);
});

it('is in the schemas and in each document', async () => {
  expect(eventFrame.safeParse(frame).success).toBe(true);
  const files = await generatedFiles();
  expect(files.get('protocol/asyncapi.yaml')).toContain('server-citation:');
  expect(files.get('protocol/schemas/server-citation.json')).toContain('The id of the source, unique within the turn.');
  expect(files.get('protocol.md')).toContain('\`source_id\`');
});
`;

/** The project after those steps of the recipe that were made. */
let folder: string;

const run = (command: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'node_modules', command), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH },
  });

/** What the compiler says of the copy. Of the tests it reads `tests` alone. */
async function compile(...tests: string[]): Promise<string> {
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig(tests)));
  return run('typescript/bin/tsc', '--noEmit', '-p', '.').then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  );
}

const steps = await stepsOf('add-an-event.md');
const isTest = ({ file }: { file: string }) => file.endsWith('.test.ts');

beforeAll(async () => {
  const tests = steps.filter(isTest).map(({ file }) => file);
  folder = await follow('add-an-event', SOURCES, steps.slice(0, 1), tests);
});

describe('the recipe for an event', () => {
  it('changes at most eight files by hand, one of them a test', () => {
    expect(new Set(steps.map(({ file }) => file)).size).toBeLessThanOrEqual(8);
    expect(steps.filter(isTest)).toHaveLength(1);
  });

  it('needs no search: once the event is defined, the compiler names every other file that forgot it', async () => {
    const output = await compile();
    const named = new Set([...output.matchAll(/^(\S+)\(\d+,\d+\): error/gm)].map(([, file]) => file));
    const rest = steps.slice(1).filter((step) => !isTest(step));
    expect([...named].toSorted(), output).toEqual([...new Set(rest.map(({ file }) => file))].toSorted());
  });

  it('makes an event that compiles, is stored, sent, typed for clients, and documented', async () => {
    await applySteps(folder, steps.slice(1));
    await writeFile(join(folder, 'citation.test.ts'), CITATION_TEST);
    const tests = ['citation.test.ts', ...steps.filter(isTest).map(({ file }) => file)];
    expect(await compile(...tests)).toBe('');
    const report = join(folder, 'report.json');
    const reporter = ['--reporter=json', '--outputFile', report];
    await run('vitest/vitest.mjs', 'run', '--root', folder, ...reporter, ...tests);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({
      success: true,
      numFailedTests: 0,
      testResults: tests.map(() => ({ status: 'passed' })),
    });
  });
});
