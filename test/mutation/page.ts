import type { Fault } from './operators.ts';

/** What became of a fault. */
export interface Outcome extends Fault {
  file: string;
  /** The stage of tests that failed. Undefined: the fault survives. */
  shownBy: string | undefined;
}

/** The survivors, and how many were caught, by area: Markdown. */
export function pageOf(outcomes: readonly Outcome[], all: number): string {
  const areas = Map.groupBy(outcomes, ({ file }) => file.split('/')[0] ?? '');
  const figures = [...areas]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([area, of]) => {
      const caught = of.filter(({ shownBy }) => shownBy !== undefined).length;
      return `| ${area} | ${of.length} | ${caught} | ${Math.round((100 * caught) / of.length)} % |`;
    });
  const survivors = outcomes
    .filter(({ shownBy }) => shownBy === undefined)
    .toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  return [
    '# Faults that no test shows',
    '',
    `${outcomes.length} of the ${all} single faults that the operators make were tried.`,
    '',
    '| area | tried | caught | |',
    '|---|---|---|---|',
    ...figures,
    '',
    ...survivors.flatMap(({ file, line, operator, before, after }) => [
      `- \`${file}:${line}\`, ${operator}:`,
      '',
      ...['-', '+'].map((sign) => `      ${sign} ${oneLine(sign === '-' ? before : after)}`),
      '',
    ]),
  ].join('\n');
}

const MAX_SHOWN = 140;
const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
};
