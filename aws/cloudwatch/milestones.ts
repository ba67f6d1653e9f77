import type { Log, Milestones } from '../../core/ports.ts';

/**
 * Milestones as lines of level INFO, for so many of a hundred sessions. The choice follows from the session alone, so that every
 * function makes the same one.
 */
export const loggedMilestones = (log: Log, percent: number): Milestones => ({
  reached(milestone, session, fields) {
    if (shareOf(session) < percent) log.info(milestone, { session, ...fields });
  },
});

/** From 0 to 99, evenly distributed over texts: FNV-1a. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % 100;
}
