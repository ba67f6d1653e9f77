import type { Planted } from './operators.ts';

/** Faults of the operators that are none: no test can tell the program with it from the one without. */
export const EQUIVALENT: readonly (Pick<Planted, 'file' | 'operator' | 'before' | 'after'> & {
  why: string;
})[] = [];
