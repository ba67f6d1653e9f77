/** `npm test` tries a tenth of the random cases; `npm run test:all` and a file that is run by itself with `--project full` try all. */
const share = process.env.MIDTURN_TEST_SAMPLE === 'tenth' ? 0.1 : 1;

/** How many random cases to try, of so many in a full run. */
export const cases = (full: number): number => Math.ceil(full * share);
