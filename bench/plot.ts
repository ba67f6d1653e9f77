/**
 * A small plot as SVG: lines over two logarithmic axes, so that what grows in proportion is a line of slope one. Over time it has
 * a linear axis across, and no dots.
 */
export interface Plot {
  title: string;
  x: string;
  series: readonly Series[];
  /** @default - logarithmic */
  across?: 'linear';
  /** @default - logarithmic */
  up?: 'linear';
}

interface Series {
  name: string;
  color: string;
  points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 420;
const HEIGHT = 300;
const LEFT = 52;
/** Half of the last tick's text is beyond the axis. */
const RIGHT = 28;
const TOP = 30;
const BOTTOM = 44;
const LEGEND = 16;

/** Zero has no logarithm: what is below this is drawn here. */
const LEAST = 0.5;

export function plotSvg({ title, x, series, across: acrossKind, up: upKind }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const across = axisOf(acrossKind)(
    all.map((point) => point[0]),
    LEFT,
    WIDTH - RIGHT,
  );
  const up = axisOf(upKind)(
    all.map((point) => point[1]),
    HEIGHT - BOTTOM - LEGEND * series.length,
    TOP,
  );
  const bottom = HEIGHT - BOTTOM - LEGEND * series.length;
  const lines = series.map(({ color, points }) => {
    const at = points.map(([px, py]) => `${across.place(px)},${up.place(py)}`);
    const dots = (acrossKind ? [] : at).map((place) => {
      const [cx, cy] = place.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="2.5" fill="${color}"/>`;
    });
    return `<polyline points="${at.join(' ')}" fill="none" stroke="${color}" stroke-width="1.5"/>${dots.join('')}`;
  });
  const grid = [
    ...across.ticks.map(
      ({ at, text }) =>
        `<path d="M${at} ${TOP}V${bottom}" stroke="#ddd"/><text x="${at}" y="${bottom + 14}" text-anchor="middle">${text}</text>`,
    ),
    ...up.ticks.map(
      ({ at, text }) =>
        `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${text}</text>`,
    ),
  ];
  const legend = series.map(({ name, color }, n) => {
    const y = HEIGHT - LEGEND * (series.length - n) + 4;
    return `<path d="M${LEFT} ${y - 4}h16" stroke="${color}" stroke-width="2"/><text x="${LEFT + 22}" y="${y}">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="#333">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18" font-size="13">${title}</text>`,
    ...grid,
    ...lines,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${bottom + 30}" text-anchor="middle">${x}</text>`,
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

interface Axis {
  place(value: number): number;
  ticks: { at: number; text: string }[];
}

const axisOf = (kind: 'linear' | undefined) => (kind ? linearAxis : logarithmicAxis);

/** From zero to the first round number above all values, in at most six steps. */
function linearAxis(values: readonly number[], from: number, to: number): Axis {
  const most = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(most / 6));
  const step = power * ([1, 2, 5, 10].find((times) => most / (times * power) <= 6) ?? 10);
  const high = Math.ceil(most / step) * step;
  const place = (value: number) => Number((from + (value / high) * (to - from)).toFixed(1));
  const ticks = Array.from({ length: Math.round(high / step) + 1 }, (_, n) => ({
    at: place(n * step),
    text: (n * step).toLocaleString('en-US'),
  }));
  return { place, ticks };
}

/** From the power of ten below all values to the one above. */
function logarithmicAxis(values: readonly number[], from: number, to: number): Axis {
  const log = (value: number) => Math.log10(Math.max(LEAST, value));
  const low = Math.floor(Math.min(...values.map(log)));
  const high = Math.max(low + 1, Math.ceil(Math.max(...values.map(log))));
  const place = (value: number) =>
    Number((from + ((log(value) - low) / (high - low)) * (to - from)).toFixed(1));
  const ticks = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)).map((value) => ({
    at: Number((from + ((Math.log10(value) - low) / (high - low)) * (to - from)).toFixed(1)),
    text: value >= 1 ? value.toLocaleString('en-US') : String(value),
  }));
  return { place, ticks };
}

/** The slope between the last two points of a line on these axes: 1 is in proportion, 0 is flat. */
export function slopeAtEnd(points: readonly (readonly [x: number, y: number])[]): number {
  const [a, b] = points.slice(-2);
  if (!a || !b) throw new RangeError('A slope needs two points.');
  return Math.log(b[1] / a[1]) / Math.log(b[0] / a[0]);
}
