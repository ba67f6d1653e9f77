import type { Lane, PendingMessage } from './store/items.ts';

const natural = new Intl.Collator('en', { numeric: true });

type WithId<M> = M & { id: string };

/**
 * The order of arrival (P6). Frames of one connection run concurrently, so the order of the writes says nothing. A
 * client's own count decides where each of its messages has one (a resent message keeps its place); else the time at
 * which API Gateway received it, and within one millisecond the id, whose numbers compare as numbers. Among clients that
 * steer one turn the time decides: a message has arrived when those that its client counts before it have.
 */
export function inOrderOfArrival<M extends PendingMessage>(
  messages: Readonly<Record<string, M>>,
): WithId<M>[] {
  const list = Object.entries(messages).map(([id, message]) => ({ ...message, id }));
  const arrived = [...Map.groupBy(list, ({ from = '' }) => from)].flatMap(([from, ofOne]) => {
    let at = 0;
    return ofOneSender(ofOne).map((message) => {
      at = Math.max(at, message.at);
      return { from, at, message };
    });
  });
  // Stable: what one sender sent stays in its order.
  arrived.sort((a, b) => a.at - b.at || (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  return arrived.map(({ message }) => message);
}

function ofOneSender<M extends PendingMessage>(list: readonly WithId<M>[]): WithId<M>[] {
  const byId = (a: WithId<M>, b: WithId<M>) => natural.compare(a.id, b.id) || (a.id < b.id ? -1 : 1);
  const counted = list.every(({ order }) => order !== undefined);
  return list.toSorted((a, b) => (counted ? (a.order ?? 0) - (b.order ?? 0) : a.at - b.at) || byId(a, b));
}

/** Messages that are sent back to back reach the lane within this time of each other, with warm functions. */
const BURST_MS = 50;
/** A message that starts a function environment of its own can be this late. Rejected ones never come. */
const HOLE_MS = 1000;

/**
 * How long a boundary should wait for messages that were sent before those that it sees: they would end up behind them
 * otherwise. Zero in ordinary use; only a burst, or a hole in the client's own count, makes it wait.
 */
export function arrivalWait(lane: Pick<Lane, 'inbox' | 'lastOrder'>, now: number): number {
  const bySender = Map.groupBy(Object.values(lane.inbox), ({ from = '' }) => from);
  const waits = [...bySender].map(([from, messages]) => {
    const age = Math.max(0, now - Math.max(...messages.map((message) => message.at)));
    const counts = messages.map((message) => message.order).filter((order) => order !== undefined);
    if (counts.length < messages.length) return messages.length > 1 ? BURST_MS - age : 0;
    // What another lane's client has counted before is known on its own lane alone: only a hole among these shows.
    const before = from === '' ? (lane.lastOrder ?? 0) : Math.min(...counts) - 1;
    return Math.max(...counts) - before - new Set(counts).size > 0 ? HOLE_MS - age : 0;
  });
  return Math.max(0, ...waits);
}
