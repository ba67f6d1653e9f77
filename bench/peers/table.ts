import { table } from '../page.ts';
import type { PeerFigures, TurnFigures } from './measure.ts';
import type { Outcome } from './outcome.ts';
import { WORDS } from './script.ts';

/** What was measured of one peer, or what failed. */
export type PeerResult = {
  name: string;
  how: string;
  /** By package. */
  versions: Record<string, string>;
  seconds: number;
} & ({ figures: PeerFigures; variantName?: string } | { failed: string });

type Row = { name: string; turn: TurnFigures; figures: PeerFigures | undefined };

/** The tables of `docs/performance.md`: ratios to the first peer, then what they are made of. */
export function tablesOf(results: readonly PeerResult[]): string {
  const rows = results.flatMap(rowsOf);
  const ours = rows[0];
  if (!ours) return results.map(line).join('\n');
  const measured = rows.flatMap(({ name, figures }) => (figures ? [{ name, figures }] : []));
  return [
    table(
      [
        'over Midturn',
        'bytes on the wire',
        'frames',
        'steering sent to seen by the model',
        'first text over the model',
      ],
      rows.map(({ name, turn, figures }) => [
        name,
        times(bytesOf(turn), bytesOf(ours.turn)),
        times(turn.frames, ours.turn.frames),
        times(turn.steeringMs, ours.turn.steeringMs),
        figures && ours.figures ? times(figures.firstText.p50, ours.figures.firstText.p50) : '',
      ]),
    ),
    table(
      [
        'reference turn',
        'bytes down',
        'up',
        'frames',
        'steering, ms',
        'in model call',
        'words said twice',
        'first text over the model, ms p50',
        'p90',
      ],
      rows.map(({ name, turn, figures }) => [
        name,
        whole(turn.bytesDown),
        whole(turn.bytesUp),
        String(turn.frames),
        whole(turn.steeringMs),
        `${turn.steeringInCall} of ${turn.calls}`,
        String(turn.wordsAgain),
        figures ? figures.firstText.p50.toFixed(1) : '',
        figures ? figures.firstText.p90.toFixed(1) : '',
      ]),
    ),
    outcomes(
      'killed in mid-answer',
      measured.map(({ name, figures }) => [name, figures.killed]),
    ),
    takeOvers(measured.map(({ name, figures }) => [name, figures.killed])),
    outcomes(
      'client away for 2 s',
      measured.map(({ name, figures }) => [name, figures.dropped]),
    ),
    results.map(line).join('\n'),
  ].join('\n\n');
}

function rowsOf(result: PeerResult): Row[] {
  if (!('figures' in result)) return [];
  const { name, figures, variantName } = result;
  const own = { name, turn: figures.turn, figures };
  if (variantName === undefined || !figures.variant) return [own];
  return [own, { name: variantName, turn: figures.variant, figures: undefined }];
}

function outcomes(what: string, rows: readonly (readonly [string, Outcome])[]): string {
  const columns = [
    what,
    'new text after',
    'shown text kept',
    `words missing, of ${WORDS}`,
    'there twice',
    'missing after a reload',
    'there twice',
    'shown words that the model had to say again',
  ];
  return table(
    columns,
    rows.map(([name, outcome]) => [
      name,
      outcome.newTextAfterMs === null ? 'never' : `${(outcome.newTextAfterMs / 1000).toFixed(1)} s`,
      `${((100 * outcome.kept) / outcome.shown).toFixed(0)} %`,
      String(outcome.missing),
      String(outcome.repeated),
      String(outcome.missingAfterReload),
      String(outcome.repeatedAfterReload),
      String(outcome.wordsGeneratedAgain),
    ]),
  );
}

function takeOvers(rows: readonly (readonly [string, Outcome])[]): string {
  return table(
    [
      'after the kill',
      'thoughts of the tool call in the next model call',
      'shown words taken back or shown twice',
      'completion tokens paid twice',
    ],
    rows.map(([name, outcome]) => [
      name,
      outcome.thoughts,
      String(outcome.wordsTakenBack),
      String(outcome.tokensPaidTwice),
    ]),
  );
}

function line(result: PeerResult): string {
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`);
  const about = `- **${result.name}**: ${result.how}.${versions.length > 0 ? ` ${versions.join(', ')}.` : ''}`;
  return 'failed' in result ? `${about} Not measured: ${result.failed.replaceAll('\n', ' ')}` : about;
}

const bytesOf = ({ bytesDown, bytesUp }: TurnFigures): number => bytesDown + bytesUp;

export const times = (value: number, base: number): string => {
  const ratio = value / base;
  return ratio.toFixed(ratio < 0.095 ? 3 : ratio < 9.95 ? 2 : 1);
};

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
