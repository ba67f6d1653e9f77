import { readLimits } from '../config/settings/limits.ts';
import { milliseconds } from '../config/units.ts';
import type { SessionKey } from '../core/ids.ts';
import type { Clock, Store } from '../core/ports.ts';
import { type Inspection, inspectSession, type LaneInspection } from '../core/session/inspect.ts';

/** Between two looks at a turn that has a worker: a model or tool that is not silent makes commits in that time. */
const SECOND_LOOK_MS = milliseconds(3000);

/**
 * How a session stands, in lines for an operator: ids, figures and what they mean, no content.
 *
 * @returns undefined: there is no such session
 */
export async function inspectionText(
  store: Store,
  clock: Pick<Clock, 'now' | 'sleep'>,
  session: SessionKey,
): Promise<string | undefined> {
  const look = () => inspectSession({ store, now: clock.now(), limits: readLimits(process.env) }, session);
  const first = await look();
  if (!first) return undefined;
  if (!first.lanes.some(({ state }) => state === 'runs')) return textOf(first, first);
  await clock.sleep(SECOND_LOOK_MS);
  const second = await look();
  return second && textOf(second, first);
}

function textOf(now: Inspection, before: Inspection): string {
  const { live, catchingUp } = now.connections;
  const lines = [
    now.deleted === undefined
      ? `events ${now.lastEvent}, entries ${now.entries}, connections ${live} live and ${catchingUp} catching up`
      : `deleted at ${new Date(now.deleted).toISOString()}: this item keeps its id from being used for a day`,
    ...now.queue.map(
      ({ slot, lane, sinceMs, isActive }) =>
        `queue: slot ${slot} of lane ${lane}, admitted ${(sinceMs / 1000).toFixed(1)} s ago${isActive ? ', active' : ''}`,
    ),
    ...now.lanes.flatMap((lane) =>
      laneLines(
        lane,
        before.lanes.find((other) => other.lane === lane.lane),
      ),
    ),
    ...(now.lanes.length === 0 && now.deleted === undefined
      ? ['idle: no turn is in flight and nothing waits. The next message opens a turn.']
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function laneLines(lane: LaneInspection, before: LaneInspection | undefined): string[] {
  const { turn, slot, steps, lastEvent, inbox, waiting, attempts, claims } = lane;
  const figures = [
    ...(turn === undefined ? [] : [`turn ${turn}`, `slot ${slot}`, `steps ${steps}`]),
    `last event ${lastEvent}`,
    `inbox ${inbox}`,
    `waiting ${waiting}`,
    ...(turn === undefined ? [] : [`claims ${claims}, ${attempts} since its last commit`]),
  ];
  return [
    `lane ${lane.lane}: ${lane.state}`,
    `  ${figures.join(' · ')}`,
    `  ${lane.meaning}${moved(lane, before)}`,
  ];
}

/** What happened between the two looks at a turn that has a worker. */
function moved(lane: LaneInspection, before: LaneInspection | undefined): string {
  if (lane.state !== 'runs' || before?.state !== 'runs' || before.turn !== lane.turn) return '';
  const events = lane.lastEvent - before.lastEvent;
  const within = `in the last ${SECOND_LOOK_MS / 1000} s`;
  return events > 0
    ? ` It is alive: ${events} events ${within}.`
    : ` No event ${within}: its model or a tool is silent, or the worker died.`;
}
