import type { Limits } from '../../config/settings.ts';
import { inOrderOfArrival } from '../arrival.ts';
import { bytesOf } from '../content.ts';
import type {
  AbortRequest,
  Decision,
  Lane,
  Listening,
  Notice,
  PendingMessage,
  WithdrawalCode,
} from './items.ts';
import type { Change, Condition, Update } from './update.ts';
import {
  absent,
  add,
  any,
  atMost,
  equals,
  exists,
  remove,
  set,
  setIfAbsent,
  sizeBelow,
  sizeIs,
} from './update.ts';

/**
 * Every write on a lane. Each is one conditional update, and each says how its writer recognises that it took effect
 * although the answer was lost (the SDK repeats a request whose answer did not come; the repeat may be refused).
 */

type When = Condition<Lane>;
type Then = Change<Lane>;

export const emptyLane = (session: string, connection: string, expires: number): Lane => ({
  session,
  connection,
  attempts: 0,
  inbox: {},
  waiting: {},
  bytes: 0,
  ids: {},
  prev: {},
  seq: 0,
  entry: 0,
  tail: [],
  audience: {},
  notices: {},
  elsewhere: {},
  expires,
});

export const contentBytes = (message: Pick<PendingMessage, 'content'>): number => bytesOf(message.content);

/** Whether the lane still has something to do with this slot. */
export const holds = (lane: Lane | undefined, slot: string): boolean =>
  lane !== undefined &&
  (lane.slot === slot || Object.values(lane.waiting).some((message) => message.turn === slot));

export const knows = (lane: Lane, id: string): boolean =>
  [lane.inbox, lane.waiting, lane.ids, lane.prev, lane.notices].some((map) => Object.hasOwn(map, id));

export interface Acceptance {
  session: string;
  id: string;
  message: PendingMessage;
  limits: Pick<Limits, 'inboxMessages' | 'inboxBytes'>;
  now: number;
  /** Days ahead: a lane that is in use never gets there, and one that is not must not stay for ever. */
  expires: number;
}

/** P12: the lane is of this session. P10: the id is new in all that it remembers. P2: there is room, or nothing is written. */
const acceptableHere = ({ session, id, message, limits }: Acceptance): When[] => [
  equals('session', session),
  absent(['inbox', id]),
  absent(['waiting', id]),
  absent(['ids', id]),
  absent(['prev', id]),
  absent(['notices', id]),
  sizeBelow('inbox', limits.inboxMessages),
  sizeBelow('waiting', limits.inboxMessages),
  atMost('bytes', limits.inboxBytes - contentBytes(message)),
];

/** The same, and the message has not set out for another lane. */
const acceptable = (acceptance: Acceptance): When[] => [
  ...acceptableHere(acceptance),
  absent(['elsewhere', acceptance.id]),
];

const intoTheInbox = ({ id, message, expires }: Acceptance): Then[] => [
  set(['inbox', id], message),
  add('bytes', contentBytes(message)),
  set('expires', expires),
];

/** The lane has a turn from now on, if it had none. */
const withTurn = ({ message, now }: Acceptance): Then[] => [
  setIfAbsent('turn', message.turn),
  setIfAbsent('slot', message.turn),
  setIfAbsent('since', now),
];

/**
 * The message goes into the inbox, and the lane has a turn from now on if it had none: the first message and steering
 * are the same write, so no message can fall between two turns (P1, P7). With `onlyIdle` it must open the turn.
 * Recognised: the id is in the inbox, or in what the lane remembers.
 */
export const accept = (acceptance: Acceptance, onlyIdle = false): Update<Lane> => ({
  when: [...acceptable(acceptance), ...(onlyIdle ? [absent<Lane>('turn')] : [])],
  change: [...intoTheInbox(acceptance), ...withTurn(acceptance)],
});

/** `delivery: queue` on a busy lane: the message waits with a turn of its own. Recognised like `accept`. */
export const acceptWaiting = (acceptance: Acceptance): Update<Lane> => ({
  when: [...acceptable(acceptance), exists('turn')],
  change: [
    set(['waiting', acceptance.id], acceptance.message),
    add('bytes', contentBytes(acceptance.message)),
  ],
});

/**
 * A message of this lane, which has no turn, sets out to steer another lane's. From now on it can be accepted there and
 * nowhere else, so that no repeat of it is accepted twice (P10). What it counts is not waited for here any more.
 * Recognised: `elsewhere` says so.
 */
export const sendElsewhere = (
  acceptance: Acceptance,
  place: string,
  counted: number | undefined,
): Update<Lane> => {
  const { id, message, limits, expires } = acceptance;
  const { order = 0 } = message;
  const counts = order > (counted ?? 0);
  return {
    when: [
      ...acceptable(acceptance),
      absent('turn'),
      sizeBelow('elsewhere', limits.inboxMessages),
      ...(counts ? [any<Lane>(absent('counted'), atMost('counted', order))] : []),
    ],
    change: [
      set(['elsewhere', id], place),
      set('expires', expires),
      ...(counts ? [set<Lane>('counted', order)] : []),
    ],
  };
};

/**
 * A message of another lane steers this one's turn, and can do nothing else: once that turn is over, nobody has set
 * anything off here that its own client does not know of. Recognised like `accept`.
 */
export const acceptFromElsewhere = (acceptance: Acceptance, turn: string): Update<Lane> => ({
  when: [...acceptable(acceptance), equals('turn', turn), exists('holder')],
  change: intoTheInbox(acceptance),
});

/** A message that had set out and came too late is its own lane's after all. Recognised like `accept`. */
export const acceptBack = (acceptance: Acceptance, place: string): Update<Lane> => ({
  when: [...acceptableHere(acceptance), equals(['elsewhere', acceptance.id], place)],
  change: [...intoTheInbox(acceptance), ...withTurn(acceptance), remove(['elsewhere', acceptance.id])],
});

/** Messages that had set out and are settled, or never arrived, are forgotten; nothing has moved since they were looked for. */
export const forgetElsewhere = (gone: Readonly<Record<string, string>>): Update<Lane> => ({
  when: Object.entries(gone).map(([id, place]) => equals<Lane>(['elsewhere', id], place)),
  change: Object.keys(gone).map((id) => remove<Lane>(['elsewhere', id])),
});

/** A message was withdrawn where it had set out to, and its sender is to hear that over its own lane. Done twice, it is done once. */
export const bringNoticeHome = (id: string, code: WithdrawalCode): Update<Lane> => ({
  when: [exists(['elsewhere', id])],
  change: [remove(['elsewhere', id]), set(['notices', id], { code } satisfies Notice), set(['ids', id], 1)],
});

const noticeOf = ({ from }: PendingMessage, code: WithdrawalCode): Notice => ({
  code,
  ...(from && { from }),
});

/**
 * Withdraws a message that nobody has taken in yet: compare-and-set against the drain, which removes by id too. Its
 * fate stays in `notices` until its sender heard it. Recognised: the notice is there, or its fate is.
 */
export const cancelPending = (
  session: string,
  place: 'inbox' | 'waiting',
  id: string,
  message: PendingMessage,
): Update<Lane> => ({
  when: [equals('session', session), exists([place, id])],
  change: [
    remove([place, id]),
    add('bytes', -contentBytes(message)),
    set(['notices', id], noticeOf(message, 'cancelled')),
    set(['ids', id], 1),
  ],
});

/** Asks the turn to stop. It names its turn, so that it can never stop another one; only a claimed turn can hear it. */
export const requestAbort = (request: AbortRequest): Update<Lane> => ({
  when: [equals('turn', request.turn), exists('holder')],
  change: [set('cancel', request)],
});

/**
 * A person's answer to a request for approval. It is the first one, and the turn still waits for it. Recognised: it is in
 * `decisions`.
 */
export const decide = (request: string, decision: Decision): Update<Lane> => ({
  when: [exists(['approvals', request]), absent(['decisions', request])],
  change: [set(['decisions', request], decision)],
});

/** The id of every message that is there, and no other one: what was read is what is written on. */
const messagesAsRead = (lane: Lane): When[] => [
  ...Object.keys(lane.inbox).map((id) => exists<Lane>(['inbox', id])),
  sizeIs('inbox', Object.keys(lane.inbox).length),
  // `ids` only grows within a turn, so the same size means the same ids.
  sizeIs('ids', Object.keys(lane.ids).length),
];

const waitingHead = (lane: Lane) => inOrderOfArrival(lane.waiting)[0];

/** What becomes of the lane when its turn ends: the next waiting message is its turn, or it has none. */
function afterTurn(lane: Lane, now: number, expires: number): { when: When[]; change: Then[] } {
  const head = waitingHead(lane);
  if (!head) {
    return {
      when: [sizeIs('waiting', 0)],
      change: [
        remove('turn'),
        remove('slot'),
        remove('since'),
        set('inbox', {}),
        set('expires', expires),
        // Nothing pends, so this is exact whatever was counted before.
        set('bytes', 0),
      ],
    };
  }
  const { id, ...message } = head;
  const left = Object.values(lane.inbox).reduce((sum, pending) => sum + contentBytes(pending), 0);
  return {
    when: [exists(['waiting', id])],
    change: [
      set('turn', message.turn),
      set('slot', message.turn),
      set('since', now),
      set('inbox', { [id]: message }),
      remove(['waiting', id]),
      add('bytes', -left),
    ],
  };
}

const remembered = (lane: Lane): Then[] => [set('prev', lane.ids), set('ids', {})];

/**
 * Refuses a turn that nobody has claimed (queue full, wait over), with all its messages: P2. Demands that no worker
 * holds it, so that a turn which began is never refused. Recognised: the messages are in `notices`.
 */
export function dropUnclaimed(
  lane: Lane,
  slot: string,
  code: WithdrawalCode,
  now: number,
  expires: number,
): Update<Lane> {
  const gone = Object.entries(lane.inbox);
  const next = afterTurn(lane, now, expires);
  return {
    when: [
      equals('slot', slot),
      equals('turn', slot),
      absent('holder'),
      ...messagesAsRead(lane),
      ...next.when,
    ],
    change: [
      ...gone.map(([id, message]) => set<Lane>(['notices', id], noticeOf(message, code))),
      set('prev', { ...lane.ids, ...Object.fromEntries(gone.map(([id]) => [id, 1])) }),
      set('ids', {}),
      remove('cancel'),
      ...next.change,
    ],
  };
}

/** Refuses a waiting message and the slot of its own. Recognised like `dropUnclaimed`. */
export const dropWaiting = (id: string, message: PendingMessage, code: WithdrawalCode): Update<Lane> => ({
  when: [exists(['waiting', id])],
  change: [
    remove(['waiting', id]),
    add('bytes', -contentBytes(message)),
    set(['notices', id], noticeOf(message, code)),
    set(['ids', id], 1),
  ],
});

/** Whoever told a fate forgets the notice. */
export const forgetNotice = (id: string): Update<Lane> => ({
  when: [exists('session')],
  change: [remove(['notices', id])],
});

/** An old lane goes on under a new connection, if it is of the same session (P12). */
export const adopt = (session: string, connection: string): Update<Lane> => ({
  when: [equals('session', session)],
  change: [set('connection', connection)],
});

export const listen = (connection: string, how: Listening): Update<Lane> => ({
  when: [exists('session')],
  change: [set(['audience', connection], how)],
});

export const stopListening = (connection: string): Update<Lane> => ({
  when: [exists('session')],
  change: [remove(['audience', connection])],
});

/**
 * A worker takes the lane: from now on only it can commit (P8). `me` is new with each claim and never learnt by
 * reading. Demands the lane's `seq` as it was read: a late duplicate of an old claim would give a lane to a worker that
 * is long gone, and nobody would come for what is accepted there. Recognised: `holder` is me; done twice, it only counts
 * an attempt more.
 */
export const claim = (slot: string, me: string, seq: number, expires: number): Update<Lane> => ({
  when: [equals('slot', slot), equals('seq', seq)],
  change: [set('holder', me), add('attempts', 1), set('expires', expires)],
});

export interface Extension {
  me: string;
  /** The `seq` that the commit extends: a commit can never be made twice, nor after another's. */
  from: number;
  to: number;
  tail: string[];
  mark: string;
  /** Something new is durable by it, or the turn is over: attempts count only claims without that. */
  progress: boolean;
  when?: When[];
  change?: Then[];
}

/**
 * Appends events, fenced: demands that I hold the lane and that it stands where I left it (P8). Everything else that
 * happens in a turn is part of such a commit. Recognised: the lane bears my mark, which is new with each commit.
 */
export const commit = ({
  me,
  from,
  to,
  tail,
  mark,
  progress,
  when = [],
  change = [],
}: Extension): Update<Lane> => ({
  when: [equals('holder', me), equals('seq', from), ...when],
  change: [
    set('tail', tail),
    set('seq', to),
    set('mark', mark),
    ...(progress ? [set<Lane>('attempts', 0)] : []),
    ...change,
  ],
});

/** Part of the commit of `applied`: takes messages out by id, each of which must still be there (P1, P6). */
export const takingIn = (
  lane: Lane,
  ids: readonly string[],
  fresh: readonly string[],
): { when: When[]; change: Then[] } => {
  const pending = ids.flatMap((id) => lane.inbox[id] ?? []);
  // The count is that of the lane's own messages: another's are counted where they come from.
  const counts = pending.flatMap(({ from, order }) => (from === undefined ? (order ?? []) : []));
  return {
    when: ids.map((id) => exists(['inbox', id])),
    change: [
      ...ids.map((id) => remove<Lane>(['inbox', id])),
      ...fresh.map((id) => set<Lane>(['ids', id], 1)),
      add('bytes', -pending.reduce((sum, message) => sum + contentBytes(message), 0)),
      ...(counts.length ? [set<Lane>('counted', Math.max(lane.counted ?? 0, ...counts))] : []),
    ],
  };
};

const turnOver: Then[] = [
  remove('holder'),
  remove('cancel'),
  remove('meter'),
  remove('unstarted'),
  remove('approvals'),
  remove('decisions'),
];

/** Part of the commit that ends an answered turn: only on an empty inbox (P7). */
export function finishing(
  lane: Lane,
  entry: number,
  now: number,
  expires: number,
): { when: When[]; change: Then[] } {
  const next = afterTurn(lane, now, expires);
  return {
    when: [sizeIs('inbox', 0), sizeIs('ids', Object.keys(lane.ids).length), ...next.when],
    change: [...turnOver, ...remembered(lane), set('entry', entry), ...next.change],
  };
}

/** Part of the commit that ends a turn by error or abort: what is still in the inbox becomes a turn in the same slot. */
export function breakingOff(
  lane: Lane,
  entry: number,
  followUp: string,
  now: number,
  expires: number,
): { when: When[]; change: Then[] } {
  if (Object.keys(lane.inbox).length === 0) return finishing(lane, entry, now, expires);
  return {
    when: messagesAsRead(lane),
    change: [...turnOver, ...remembered(lane), set('entry', entry), set('turn', followUp), set('since', now)],
  };
}

/**
 * The same, when what pends on this lane is not wanted any more, neither in the inbox nor waiting for a turn of its own:
 * each message is answered `cancelled`.
 */
export function discarding(
  lane: Lane,
  entry: number,
  now: number,
  expires: number,
): { when: When[]; change: Then[] } {
  const gone = Object.entries({ ...lane.inbox, ...lane.waiting });
  const waiting = Object.keys(lane.waiting);
  const next = afterTurn({ ...lane, waiting: {} }, now, expires);
  return {
    when: [
      ...messagesAsRead(lane),
      ...waiting.map((id) => exists<Lane>(['waiting', id])),
      sizeIs('waiting', waiting.length),
    ],
    change: [
      ...turnOver,
      ...gone.map(([id, message]) => set<Lane>(['notices', id], noticeOf(message, 'cancelled'))),
      set('prev', { ...lane.ids, ...Object.fromEntries(gone.map(([id]) => [id, 1])) }),
      set('ids', {}),
      set('entry', entry),
      set('waiting', {}),
      ...next.change,
    ],
  };
}

/**
 * The lane's session is deleted: no worker holds it any more, what pends is withdrawn, and `tail` and `seq` hold the last
 * words of a turn that was running. Recognised: the lane is closed; done twice is done once.
 */
export function close(lane: Lane, seq: number, tail: readonly string[]): Update<Lane> {
  const gone = Object.entries({ ...lane.inbox, ...lane.waiting });
  return {
    when: [
      equals('seq', lane.seq),
      ...messagesAsRead(lane),
      ...Object.keys(lane.waiting).map((id) => exists<Lane>(['waiting', id])),
      sizeIs('waiting', Object.keys(lane.waiting).length),
    ],
    change: [
      ...turnOver,
      remove('turn'),
      remove('slot'),
      remove('since'),
      set('inbox', {}),
      set('waiting', {}),
      set('bytes', 0),
      ...gone.map(([id, message]) => set<Lane>(['notices', id], noticeOf(message, 'SESSION_DELETED'))),
      set('seq', seq),
      set('tail', tail),
    ],
  };
}

export const isClosed = (lane: Lane): boolean =>
  lane.turn === undefined &&
  lane.holder === undefined &&
  Object.keys(lane.inbox).length + Object.keys(lane.waiting).length === 0;
