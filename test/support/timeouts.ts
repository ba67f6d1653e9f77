/**
 * How long tests wait: the one place. A limit ends a test that would fail anyway; a test that passes waits for what it
 * needs, and never for a limit. So the limits are generous, and grow with the machine: `vitest.config.ts` measures it once a
 * run and hands the factor to all workers (see `machine.ts`). Outside a test run the factor is 1.
 */

const factor = Number(process.env.MIDTURN_TEST_TIME_FACTOR) || 1;

/** A limit in milliseconds that grows with the machine. */
export const scaled = (ms: number): number => ms * factor;

/** For one thing: a frame, a call of the model, an item in the table, a line in a terminal or a page. */
export const WAIT_MS = scaled(20_000);
/** For a wait that lasts as long as a visibility time, a time limit or a stopped browser. */
export const LONG_WAIT_MS = scaled(90_000);
/** For a test that waits for several things. */
export const TEST_MS = scaled(60_000);
/** For a test or hook that starts programs, builds, or runs for as long as a person would watch. */
export const LONG_TEST_MS = scaled(300_000);
/** For a search through many random histories, on what other tests leave of the processor. */
export const SEARCH_MS = scaled(1_800_000);
/** Between two looks at something that cannot be listened to. */
export const POLL_MS = 20;
