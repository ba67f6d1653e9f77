import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A code block of a recipe that changes one file: ```` ```diff path ```` changes it, ```` ```ts path ```` creates it. */
interface Step {
  language: string;
  file: string;
  lines: string[];
}

const BLOCK = /^```(diff|ts) (\S+)\n([\s\S]*?)\n```$/gm;

/** The changes that a page of docs/contributing describes, in its order. */
export async function stepsOf(page: string): Promise<Step[]> {
  const text = await readFile(join(root, 'docs/contributing', page), 'utf8');
  return [...text.matchAll(BLOCK)].map(([, language = '', file = '', code = '']) => ({
    language,
    file,
    lines: code.split('\n'),
  }));
}

/**
 * Copies sources of the project into `dist/recipes/<name>`, without their tests, and makes a recipe's changes there. Below
 * the project's root, so that the copy finds the same packages.
 * @param tests tests that are copied too
 * @returns the folder of the copy
 * @throws Error if a change does not fit the file that it is for: then the page is out of date
 */
export async function follow(
  name: string,
  sources: readonly string[],
  steps: readonly Step[],
  tests: readonly string[] = [],
): Promise<string> {
  const folder = join(root, 'dist/recipes', name);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  const isCopied = (path: string) =>
    !/(\.test\.tsx?|\/(dist|node_modules))$/.test(path) || tests.includes(relative(root, path));
  for (const source of sources) {
    await cp(join(root, source), join(folder, source), { recursive: true, filter: isCopied });
  }
  await applySteps(folder, steps);
  return folder;
}

/** Makes further changes in the copy. */
export async function applySteps(folder: string, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const path = join(folder, step.file);
    await mkdir(dirname(path), { recursive: true });
    const before = step.language === 'diff' ? await readFile(path, 'utf8') : undefined;
    await writeFile(path, before === undefined ? `${step.lines.join('\n')}\n` : change(before, step));
  }
}

function change(text: string, { file, lines }: Step): string {
  const without = (sign: string) =>
    lines
      .filter((line) => !line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join('');
  const [before, after, ...more] = text.split(without('+'));
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`the change of ${file} does not fit: its lines must be there once`);
  }
  return before + without('-') + after;
}
