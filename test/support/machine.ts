import { availableParallelism, loadavg } from 'node:os';

/** What `workUnitMs` gives on the machine that the time limits were chosen for: two quiet cores of a cloud server. */
const REFERENCE_MS = 25;
/** What a whole test run adds to the load by itself: three workers, whose local clouds have threads of their own. */
const OWN_LOAD = 4;

/**
 * How many times slower than the reference machine a test run is here: the speed of one core, times the share of it that
 * other processes leave. At least 1. `MIDTURN_TEST_TIME_FACTOR` overrides the measurement.
 */
export function measureTimeFactor(): number {
  const given = Number(process.env.MIDTURN_TEST_TIME_FACTOR);
  if (given > 0) return given;
  const speed = Math.min(workUnitMs(), workUnitMs(), workUnitMs()) / REFERENCE_MS;
  const [load = 0] = loadavg();
  const crowding = (load + OWN_LOAD) / availableParallelism();
  return Math.round(Math.max(1, speed) * Math.max(1, crowding) * 10) / 10;
}

/** Time of a fixed computation on one thread, in milliseconds. */
function workUnitMs(): number {
  const begun = performance.now();
  let hash = 0;
  for (let i = 0; i < 20_000_000; i++) hash = Math.imul(hash ^ i, 16_777_619);
  // The result is used, so that the loop is not optimized away.
  return performance.now() - begun + (hash === 0.5 ? 1 : 0);
}
