import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/client/cases/cases.ts';
import { GAPS } from '../../conformance/gaps.ts';
import { RULES } from '../../conformance/rules/rules.ts';
import { coverageOf, pointsOf } from '../../protocol/documents/coverage.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
const points = pointsOf(page);
const numbers = points.map(({ point }) => point);

describe('the points of docs/protocol.md', () => {
  it('are numbered without a hole or a repeat, each below the section of its number', () => {
    let section = '';
    let last = 0;
    let count = 0;
    for (const line of page.split('\n')) {
      const [, heading] = /^### (\d+\.\d+) /.exec(line) ?? [];
      const [, point] = /^\*\*(\d+\.\d+\.\d+)\*\* /.exec(line) ?? [];
      if (heading !== undefined) [section, last] = [heading, 0];
      if (point === undefined) continue;
      last++;
      count++;
      expect(point).toBe(`${section}.${last}`);
    }
    expect(count).toBe(points.length);
    expect(new Set(numbers).size).toBe(points.length);
  });

  it('cite only points and sections that exist', () => {
    const headings = [...page.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, heading]) => heading);
    const known = new Set<string | undefined>([...headings, ...numbers]);
    const cited = points.flatMap(({ text }) =>
      [...text.matchAll(/[( ](\d+\.\d+(?:\.\d+)?)(?=[), ]|\n)/g)].map(([, number]) => number),
    );
    expect(cited.length).toBeGreaterThan(10);
    expect(cited.filter((number) => !known.has(number))).toEqual([]);
  });
});

describe('the rules and cases of the kit', () => {
  it('cite only points that exist', () => {
    for (const { name, points: cited } of [...RULES, ...CASES])
      expect(numbers, name).toEqual(expect.arrayContaining([...cited]));
  });

  it('check each point with a MUST, or the point is a gap that is accepted with a reason', () => {
    const unchecked = coverageOf(page).filter(({ rules, gaps }) => rules.length + gaps.length === 0);
    expect(unchecked.map(({ point }) => point)).toEqual([]);
  });
});

it('a gap is a point with a MUST, listed once', () => {
  const required: string[] = points.flatMap(({ point, required }) => (required ? [point] : []));
  const gaps = GAPS.flatMap((gap) => gap.points);
  expect(gaps.filter((point) => !required.includes(point))).toEqual([]);
  expect(new Set(gaps).size).toBe(gaps.length);
});
