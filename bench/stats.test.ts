import { expect, it } from 'vitest';
import { percentile, summarize } from './stats.ts';

it('summarizes by nearest rank, whatever the order of the samples', () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(summarize(samples)).toEqual({ count: 100, min: 1, p50: 50, p90: 90, p99: 99, max: 100, mean: 50.5 });
});

it('takes a value that was measured, also of few', () => {
  expect([50, 90, 99].map((percent) => percentile([1, 10], percent))).toEqual([1, 10, 10]);
});

it('refuses to summarize nothing', () => {
  expect(() => summarize([])).toThrow('There are no samples.');
});
