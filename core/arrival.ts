import { type EpochMs, type Milliseconds, milliseconds } from '../config/units.ts';
import { byId, type MessageId } from './ids.ts';
import type { Lane, PendingMessage } from './store/items.ts';

const natural = new Intl.Collator('en', { numeric: true });

type WithId<M> = M & { id: MessageId };

/**
 * Messages in the order of arrival (P6). Frames of one connection are handled concurrently, so the order of the writes
 * means nothing.
 *
 * - Messages of one client are ordered by the client's own count, if all of them have one: a resent message keeps its
 *   place. Otherwise by the time at which API Gateway received them, and within one millisecond by id, whose numbers
 *   compare as numbers.
 * - Clients that steer the same turn are ordered by time. A message has arrived when the client's earlier ones have.
 */
export function inOrderOfArrival<M extends PendingMessage>(
  messages: Readonly<Record<MessageId, M>>,
): WithId<M>[] {
  const list = byId(messages).map(([id, message]) => ({ ...message, id }));
  const arrived = [...Map.groupBy(list, ({ from = '' }) => from)].flatMap(([from, ofOne]) => {
    let at = 0;
    return ofOneSender(ofOne).map((message) => {
      at = Math.max(at, message.at);
      return { from, at, message };
    });
  });
  // The sort is stable: each sender's messages keep their order.
  arrived.sort((a, b) => a.at - b.at || (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  return arrived.map(({ message }) => message);
}

function ofOneSender<M extends PendingMessage>(list: readonly WithId<M>[]): WithId<M>[] {
  const byId = (a: WithId<M>, b: WithId<M>) => natural.compare(a.id, b.id) || (a.id < b.id ? -1 : 1);
  const counted = list.every(({ order }) => order !== undefined);
  return list.toSorted(
    (a, b) =>
      (counted ? /* rule: steering-in-order-of-client */ (a.order ?? 0) - (b.order ?? 0) : a.at - b.at) ||
      byId(a, b),
  );
}

/** With warm functions, messages that are sent back to back reach the lane within this time of each other. */
const BURST_MS = milliseconds(50);
/** A message whose frame starts a new execution environment can be this late. A rejected message never comes. */
const HOLE_MS = milliseconds(1000);

/**
 * How long a boundary should wait for messages that were sent before those in the inbox: otherwise they
 * would be applied after them. Zero in ordinary use. A burst, or a hole in the client's own count, makes a boundary wait.
 */
export function arrivalWait(lane: Pick<Lane, 'inbox' | 'lastOrder'>, now: EpochMs): Milliseconds {
  const bySender = Map.groupBy(Object.values(lane.inbox), ({ from = '' }) => from);
  const waits = [...bySender].map(([from, messages]) => {
    const age = Math.max(0, now - Math.max(...messages.map((message) => message.at)));
    const counts = messages.map((message) => message.order).filter((order) => order !== undefined);
    if (counts.length < messages.length) return messages.length > 1 ? BURST_MS - age : 0;
    // The last order of a forwarded message's sender is known on the sender's lane only: a hole shows among these only.
    const before = from === '' ? (lane.lastOrder ?? 0) : Math.min(...counts) - 1;
    return Math.max(...counts) - before - new Set(counts).size > 0 ? HOLE_MS - age : 0;
  });
  return milliseconds(Math.max(0, ...waits));
}
