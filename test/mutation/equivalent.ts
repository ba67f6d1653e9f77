import type { Planted } from './operators.ts';

/** Faults of the operators that are none: no test can tell the program with it from the one without. */
export const EQUIVALENT: readonly (Pick<Planted, 'file' | 'operator' | 'before' | 'after'> & {
  why: string;
})[] = [
  {
    file: 'core/store/lane/connection.ts',
    operator: 'arguments swapped',
    before: "absent(['audience', connection]), atMost(['audience', connection], how)",
    after: "atMost(['audience', connection], how), absent(['audience', connection])",
    why: 'the order of alternatives',
  },
];
