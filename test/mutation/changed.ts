import { git } from './project-copy.ts';

/** The folders whose faults are searched for: the product, its client, its page and what it is tried on. */
const AREAS = [
  'protocol',
  'config',
  'core',
  'model',
  'aws',
  'lambdas',
  'agent',
  'infra',
  'local',
  'client',
  'chat',
  'web',
];

const isSource = (file: string): boolean =>
  AREAS.includes(file.split('/')[0] ?? '') &&
  /\.ts$/.test(file) &&
  !/\.(test|d)\.ts$|\/(testing|fixtures|packaging|documents)\/|\/(vite\.config|write-page|release|build)\.ts$/.test(
    file,
  );

/** Whether a line of a file counts, by its number from 1. */
export type Lines = (line: number) => boolean;

/** The source files below these paths, whole. */
export const filesBelow = (paths: readonly string[]): ReadonlyMap<string, Lines> =>
  new Map(git('ls-files', ...paths).flatMap((file) => (isSource(file) ? [[file, () => true] as const] : [])));

/** The source files that were changed since a commit, with the lines that are new there. */
export function changedSince(commit: string): ReadonlyMap<string, Lines> {
  return changedLines(git('diff', '--unified=0', '--diff-filter=d', '--no-color', commit, '--'));
}

/** Reads `git diff --unified=0`. */
export function changedLines(diff: readonly string[]): ReadonlyMap<string, Lines> {
  const ranges = new Map<string, { from: number; to: number }[]>();
  let file: string | undefined;
  for (const line of diff) {
    const [, path] = /^\+\+\+ b\/(.*)$/.exec(line) ?? [];
    if (path !== undefined) file = path;
    const [, from, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (file === undefined || from === undefined || !isSource(file)) continue;
    const to = Number(from) + Number(count) - 1;
    ranges.set(file, [...(ranges.get(file) ?? []), { from: Number(from), to }]);
  }
  return new Map(
    [...ranges].map(([path, parts]) => [
      path,
      (line) => parts.some(({ from, to }) => line >= from && line <= to),
    ]),
  );
}
