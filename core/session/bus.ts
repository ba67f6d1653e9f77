import { between, type EpochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { isEnd, type TurnEvent, type TurnFacts } from '../events/events.ts';
import type { BusEvent } from '../ports.ts';
import type { Session } from '../store/items.ts';

/** What the event bus is told. Each text follows from what is stored, so that a repeat is the same event. */

/** Whose session it is. */
type Whose = Pick<Session, 'principal' | 'sessionId' | 'name' | 'agent'>;

const whose = ({ principal: { tenant, subject }, sessionId, name, agent }: Whose) => ({
  tenant,
  subject,
  session_id: sessionId,
  ...(name !== undefined && { session_name: name }),
  ...(agent !== undefined && { agent }),
});

const iso = (at: EpochMs) => new Date(at).toISOString();

/** Events of a stream as events of the bus: those that other systems are told. */
const busEventsOf = (session: Whose, events: readonly TurnEvent[]): BusEvent[] =>
  events.flatMap((event) => {
    if (isEnd(event)) return event.facts ? [turnEnded(session, event, event.facts)] : [];
    return event.type === 'approval_request' ? [approvalRequested(session, event)] : [];
  });

function turnEnded(
  session: Whose,
  event: Extract<TurnEvent, { type: 'done' | 'aborted' | 'error' }>,
  { began, ended, messages, steps, usage, provider, model }: TurnFacts,
): BusEvent {
  return {
    type: 'Turn Ended',
    at: ended,
    detail: {
      id: `${event.turn}/ended`,
      ...whose(session),
      turn_id: event.turn,
      status: event.type,
      ...(event.type === 'error' && { code: event.code }),
      messages,
      steps,
      ...usage,
      ...(provider !== undefined && { provider }),
      ...(model !== undefined && { model }),
      started_at: iso(began),
      ended_at: iso(ended),
      duration_ms: between(began, ended),
    },
  };
}

const approvalRequested = (
  session: Whose,
  { request_id, turn, tool, at, timeout_secs }: Extract<TurnEvent, { type: 'approval_request' }>,
): BusEvent => ({
  type: 'Approval Requested',
  at,
  detail: {
    id: `${request_id}/requested`,
    ...whose(session),
    turn_id: turn,
    request_id,
    tool,
    timeout_secs,
    requested_at: iso(at),
  },
});

/** @param at when the deletion was requested */
const sessionDeleted = (session: Whose, at: EpochMs): BusEvent => ({
  type: 'Session Deleted',
  at,
  detail: {
    id: `${JSON.stringify([session.principal.tenant, session.principal.subject, session.sessionId, at])}/deleted`,
    ...whose(session),
    deleted_at: iso(at),
  },
});

type Teller = Pick<Core, 'bus' | 'log' | 'metrics'>;

/**
 * Tells the bus of committed events. It never throws: what the bus does not take is logged and counted, and the turn goes on. A worker
 * that dies before it returns has told nobody, perhaps: its successor finds the events on the lane and tells them again.
 */
export const tellBus = (core: Teller, session: Whose, events: readonly TurnEvent[]): Promise<boolean> =>
  tell(core, busEventsOf(session, events));

/** The same of a session's deletion. @returns whether the bus has taken it */
export const tellDeletion = (core: Teller, session: Whose, at: EpochMs): Promise<boolean> =>
  tell(core, [sessionDeleted(session, at)]);

async function tell({ bus, log, metrics }: Teller, events: readonly BusEvent[]): Promise<boolean> {
  if (!bus || events.length === 0) return true;
  try {
    await bus.put(events);
    return true;
  } catch (error) {
    metrics.count('BusEventsLost', events.length);
    const ids = events.map(({ detail }) => detail.id);
    log.error('the event bus did not take events', { ids, error: String(error) });
    return false;
  }
}
