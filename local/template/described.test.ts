import { expect, it } from 'vitest';
import { allDescribedIn, describedIn } from './described.ts';
import type { Value } from './template.ts';

const of = (Midturn?: Value) => ({ Resources: {}, ...(Midturn !== undefined && { Metadata: { Midturn } }) });
const one = (path: string) => ({ path, table: 'T', deadlineQueue: 'Q' });

it('a Midturn of a template has what its construct says of it, and no more', () => {
  const whole = { ...one('Theirs/Chat'), httpApi: 'H', agent: '/a.ts', page: '/page' };
  expect(describedIn(of([{ ...whole, other: 1 }]))).toEqual(whole);
  expect(describedIn(of([{ ...one('Chat'), httpApi: null, agent: 5, page: false }]))).toEqual(one('Chat'));
});

it('there is exactly one of a stack that runs', () => {
  expect(allDescribedIn(of([one('A'), 'x', one('B')])).map(({ path }) => path)).toEqual(['A', 'B']);
  expect(() => describedIn(of([one('A'), one('B'), one('C')]))).toThrow('has A and B and C: put them');
  for (const template of [of(), of('x'), of([])])
    expect(() => describedIn(template)).toThrow('The template has no Midturn.');
});
