import { EQUIVALENT } from './equivalent.ts';
import type { Planted } from './operators.ts';

/** What became of a fault. */
export interface Outcome extends Planted {
  /** The stage of tests that failed, and the first test. Undefined: the fault survives. */
  shownBy: string | undefined;
}

/** How the outcomes were found. */
export interface Run {
  /** Faults that the operators make of the same files. */
  all: number;
  command: string;
  /** ISO 8601. */
  date: string;
}

/** The part of the product that figures are counted by: a folder of the core, or a top folder. */
export const areaOf = (file: string): string => /^core\/\w+(?=\/)|^[^/]+/.exec(file)?.[0] ?? file;

/** Whether both are the same fault. The lines above it may have changed. */
export const isSame = (one: Naming, other: Naming): boolean =>
  one.file === other.file &&
  one.operator === other.operator &&
  one.before === other.before &&
  one.after === other.after;

type Naming = Pick<Planted, 'file' | 'operator' | 'before' | 'after'>;

/** The survivors, and how many were caught, by area: Markdown. */
export function pageOf(outcomes: readonly Outcome[], { all, command, date }: Run): string {
  const whyNoFault = (fault: Naming) => EQUIVALENT.find((one) => isSame(one, fault))?.why;
  const survivors = outcomes
    .filter(({ shownBy }) => shownBy === undefined)
    .toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  const holes = survivors.filter((one) => whyNoFault(one) === undefined);
  const areas = Map.groupBy(outcomes, ({ file }) => areaOf(file));
  const figures = [...areas]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([area, of]) => {
      const missed = holes.filter(({ file }) => areaOf(file) === area).length;
      const equivalent = survivors.filter(({ file }) => areaOf(file) === area).length - missed;
      const faults = of.length - equivalent;
      const share = faults === 0 ? '' : `${Math.round((100 * (faults - missed)) / faults)} %`;
      return `| ${area} | ${of.length} | ${equivalent} | ${faults - missed} | ${share} |`;
    });
  return [
    '# Faults that no test shows',
    '',
    `${date}. ${outcomes.length} of the ${all} single faults that the operators make were tried by`,
    '',
    `    ${command}`,
    '',
    '| area | tried | the same program | caught | caught, of faults |',
    '|---|---|---|---|---|',
    ...figures,
    '',
    ...section('Survivors', holes, whyNoFault),
    ...section(
      'The same program in other words',
      survivors.filter((one) => !holes.includes(one)),
      whyNoFault,
    ),
  ].join('\n');
}

const section = (
  title: string,
  faults: readonly Outcome[],
  whyNoFault: (fault: Outcome) => string | undefined,
): string[] =>
  faults.length === 0
    ? []
    : [
        `## ${title}`,
        '',
        ...faults.flatMap((fault) => [
          `- \`${fault.file}:${fault.line}\`, ${fault.operator}${because(whyNoFault(fault))}:`,
          '',
          `      - ${oneLine(fault.before)}`,
          `      + ${oneLine(fault.after)}`,
          '',
        ]),
      ];

const because = (why: string | undefined): string => (why === undefined ? '' : ` (${why})`);

const MAX_SHOWN = 140;
const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
};
