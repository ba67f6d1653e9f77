import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Circumstances } from './circumstances.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');

/** A bench's place on a page: its name and the command that writes there. */
export interface Section {
  name: string;
  command: string;
  /** In `docs/`; without it `performance.md`. */
  page?: string;
}

/** Puts a text where this bench's last one is. @throws when the page has no place for it. */
export async function writeSection(section: Section, text: string): Promise<void> {
  const page = join(DOCS, section.page ?? 'performance.md');
  await writeFile(page, withSection(await readFile(page, 'utf8'), section, text));
}

export function withSection(page: string, { name, command }: Section, text: string): string {
  const begin = `<!-- ${name}: written by ${command} -->`;
  const end = `<!-- /${name} -->`;
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`the page has no ${begin} … ${end}`);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

/** When and where it was measured, in one line. */
export function dated({ command, date, machine }: Circumstances, more = ''): string {
  const { cores, cpu, memoryMiB, node, loadAverage } = machine;
  const where = `${cores} cores (${cpu}), ${Math.round(memoryMiB / 1024)} GiB, Node ${node.slice(1)}`;
  return `\`${command}\` on ${date.slice(0, 10)}: ${where}, load average ${loadAverage} before${more}.`;
}

/** The first column is text, the others are figures. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, at) => (at === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
