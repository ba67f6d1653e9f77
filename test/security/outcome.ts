/** What an attack came to, with all that followed from it. */
export interface Outcome {
  attack: string;
  /** Frames or handshakes that the attacker sent. */
  tried: number;
  refused: number;
  /** Frames that the stack sent. */
  framesOut: number;
  /** Calls of the table. */
  calls: number;
  readUnits: number;
  /** At list prices. */
  usd: number;
}

/** A table for people. `polite`: what a frame of a well-behaved client costs, in USD. */
export function table(outcomes: readonly Outcome[], polite: number): string {
  const head = [
    'attack',
    'tried',
    'refused',
    'frames out',
    'table calls',
    'read units',
    'USD per million',
    'times',
  ];
  const rows = outcomes.map(({ attack, tried, refused, framesOut, calls, readUnits, usd }) => [
    attack,
    ...[tried, refused, framesOut, calls, readUnits].map((value) => String(value)),
    ((1e6 * usd) / tried).toFixed(1),
    (usd / tried / polite).toFixed(2),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return [line(head), ...rows.map(line)].join('\n');
}
