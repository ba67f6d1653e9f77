import { expect, it } from 'vitest';
import { plotSvg, slopeAtEnd } from './plot.ts';

it('draws what grows in proportion as a straight line', () => {
  const svg = plotSvg({
    title: 'a title',
    x: 'how many',
    series: [
      {
        name: 'calls',
        color: '#123456',
        points: [
          [1, 10],
          [10, 100],
          [100, 1000],
        ],
      },
    ],
  });
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = placesIn(svg);
  expect(x3 - x2).toBeCloseTo(x2 - x1, 0);
  expect(y3 - y2).toBeCloseTo(y2 - y1, 0);
  expect(y3).toBeLessThan(y1);
  for (const text of ['a title', 'how many', 'calls', '1,000']) expect(svg).toContain(text);
});

it('draws zero at the lower edge, as nothing has a logarithm there', () => {
  const svg = plotSvg({
    title: '',
    x: '',
    series: [
      {
        name: '',
        color: '',
        points: [
          [0, 5],
          [64, 50],
        ],
      },
    ],
  });
  expect(svg).not.toContain('NaN');
  expect(svg).not.toContain('Infinity');
});

it('over time, a steady rise is a straight line from zero, without dots', () => {
  const svg = plotSvg({
    title: '',
    x: 'minutes',
    across: 'linear',
    up: 'linear',
    series: [
      {
        name: 'turns',
        color: '#123456',
        points: [
          [0, 0],
          [30, 600],
          [60, 1200],
        ],
      },
    ],
  });
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = placesIn(svg);
  expect(x3 - x2).toBeCloseTo(x2 - x1, 0);
  expect(y3 - y2).toBeCloseTo(y2 - y1, 0);
  expect(svg).toContain('1,200');
  expect(svg).not.toContain('<circle');
});

it('a slope of one is in proportion, of zero is flat', () => {
  expect(
    slopeAtEnd([
      [1, 1],
      [10, 7],
      [100, 70],
    ]),
  ).toBeCloseTo(1);
  expect(
    slopeAtEnd([
      [10, 7],
      [100, 7],
    ]),
  ).toBeCloseTo(0);
  expect(() => slopeAtEnd([[1, 1]])).toThrow('two points');
});

/** Where the first line's points are. */
const placesIn = (svg: string): number[][] =>
  (/points="([^"]+)"/.exec(svg)?.[1] ?? '').split(' ').map((place) => place.split(',').map(Number));
