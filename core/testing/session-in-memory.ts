import { epochMs, epochSeconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, type ConnectionId, slotOf } from '../ids.ts';
import type { Sender } from '../inbound/acknowledge.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore } from './memory-core.ts';
import { MemoryTable, memoryStore, type StoreCall } from './memory-store.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const SESSION_ID = asSessionId('s');
const SESSION = sessionOf(ANN, SESSION_ID);
const EXPIRES = epochSeconds(4_000_000_000);
const BEGAN = epochMs(1_800_000_000_000);

/** A turn, and its slot, that a worker has. */
export const RUNNING = asTurnId('running');

/** What a lane has while a worker has its turn. */
export const leased: Partial<Lane> = {
  turn: RUNNING,
  slot: slotOf(RUNNING),
  since: BEGAN,
  lease: 'worker',
  begun: { turn: RUNNING, seq: 1, entry: 1, at: BEGAN },
  seq: 1,
};

/** A session whose items are as a test says, and who is posted what. Time passes only while somebody waits. */
export function sessionInMemory({
  lanes,
  session = {},
  core: parts = {},
  before = () => {},
}: {
  /** By id: the first one is active if it has a lease. The connection of a lane is named after it. */
  lanes: Readonly<Record<string, Partial<Lane>>>;
  session?: Partial<Session>;
  core?: Partial<Core>;
  /** Called before each call of the store: a failure of it is that of the call. */
  before?: (call: StoreCall) => unknown;
}) {
  const table = new MemoryTable();
  const posted: [ConnectionId, Record<string, unknown>][] = [];
  let now: number = BEGAN + 10_000;
  const active = Object.entries(lanes).find(([, { lease }]) => lease !== undefined);
  table.put(sessionKey(SESSION), {
    principal: ANN,
    sessionId: SESSION_ID,
    created: BEGAN,
    queue: {},
    audience: {},
    seq: 0,
    entry: 0,
    expires: EXPIRES,
    ...(active?.[1].slot && { active: { slot: active[1].slot, lane: asLaneId(active[0]) } }),
    ...session,
  });
  for (const [id, lane] of Object.entries(lanes))
    table.put(laneKey(SESSION, asLaneId(id)), {
      ...emptyLane(SESSION, asConnectionId(`c-${id}`), EXPIRES),
      ...lane,
    });
  const store = memoryStore(table, async (call, run) => {
    await before(call);
    return run();
  });
  const core = memoryCore({
    store,
    gateway: {
      async post(to, frame) {
        posted.push([to, JSON.parse(frame)]);
        return 'sent';
      },
      disconnect: async () => 'closed',
    },
    clock: {
      now: () => epochMs(now),
      // What is waited for beside it has come.
      sleep: async (ms, signal) => {
        if (!signal) now += ms;
      },
    },
    ...parts,
  });
  return {
    core,
    table,
    session: SESSION,
    /** Each frame, with its connection. */
    posted,
    /** What was posted to the connection of this lane. */
    told: (lane: string) => posted.filter(([to]) => to === `c-${lane}`).map(([, frame]) => frame),
    /** Whoever sends over the connection of this lane. */
    from: (lane: string): Sender => ({
      id: asConnectionId(`c-${lane}`),
      connection: { principal: ANN, session: SESSION, lane: asLaneId(lane) },
    }),
    lane: (lane: string) => table.get(laneKey(SESSION, asLaneId(lane))),
    wait: (ms: number) => {
      now += ms;
    },
  };
}
