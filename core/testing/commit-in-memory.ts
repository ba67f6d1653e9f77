import { epochMs, expiresAfter, seconds } from '../../config/units.ts';
import type { EventDraft, TurnEvent } from '../events/events.ts';
import { readEvents } from '../events/journal.ts';
import { readTranscriptBefore } from '../events/transcript.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { listening } from '../store/listening.ts';
import { LeasedTurn } from '../turn/leased-turn.ts';
import { memoryCore } from './memory-core.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const SESSION_ID = asSessionId('s');
const SESSION = sessionOf(ANN, SESSION_ID);
const LANE = asLaneId('l');
const TURN = asTurnId('t');
const SLOT = slotOf(TURN);
const CONNECTION = asConnectionId('connection');
const NOW = epochMs(Date.UTC(2026, 0, 1));
const EXPIRES = expiresAfter(NOW, seconds(3600));

export interface Committed {
  /** The frames that the session's one connection was sent. */
  posted: string[];
  /** The events as they are read from the table. */
  stored: TurnEvent[];
  /** The roles of the transcript's entries. */
  transcript: string[];
}

/** Commits the start of a turn and this event to a table in memory, as a worker does that has claimed the turn. */
export async function commitInMemory(draft: EventDraft): Promise<Committed> {
  const posted: string[] = [];
  const core = memoryCore({
    clock: { now: () => NOW, sleep: async () => {} },
    gateway: {
      async post(_, frame) {
        posted.push(frame);
        return 'sent';
      },
      disconnect: async () => 'closed',
    },
  });
  const session: Session = {
    principal: ANN,
    sessionId: SESSION_ID,
    created: NOW,
    queue: { [SLOT]: { lane: LANE, at: NOW } },
    active: { slot: SLOT, lane: LANE },
    seq: 0,
    entry: 0,
    audience: { [CONNECTION]: listening({ join: 1, seq: 0, isLive: true }) },
    expires: EXPIRES,
  };
  const lane: Lane = { ...emptyLane(SESSION, CONNECTION, EXPIRES), turn: TURN, slot: SLOT, since: NOW };
  await core.store.put(sessionKey(SESSION), session);
  await core.store.put(laneKey(SESSION, LANE), lane);
  const turn = await LeasedTurn.claim(core, {
    session: SESSION,
    laneId: LANE,
    slot: SLOT,
    seq: 0,
    sessionItem: session,
    posted: 0,
  });
  if (!turn) throw new Error('the turn was not claimed');
  const start: EventDraft = { type: 'turn_start', message_ids: [], entry: 1, at: NOW };
  if (!(await turn.commit([start, draft]))) throw new Error('the events were not committed');
  await turn.spill();
  await turn.writeEntries();
  await turn.settled();
  const transcript: string[] = [];
  for await (const { role } of readTranscriptBefore(core, SESSION)) transcript.push(role);
  return { posted, stored: await readEvents(core, SESSION, 1), transcript };
}
