import type { Lane, PendingMessage } from './items.ts';

const natural = new Intl.Collator('en', { numeric: true });

/**
 * The order of arrival (P6). Frames of one connection run concurrently, so the order of the writes says nothing. The
 * client's own count decides where every message has one (a resent message keeps its place); else the time at which
 * API Gateway received it, and within one millisecond the id, whose numbers compare as numbers.
 */
export function inOrderOfArrival<M extends PendingMessage>(
  messages: Readonly<Record<string, M>>,
): (M & { id: string })[] {
  const list = Object.entries(messages).map(([id, message]) => ({ ...message, id }));
  const byId = (a: { id: string }, b: { id: string }) =>
    natural.compare(a.id, b.id) || (a.id < b.id ? -1 : 1);
  if (list.every((message) => message.order !== undefined)) {
    return list.sort((a, b) => (a.order ?? 0) - (b.order ?? 0) || byId(a, b));
  }
  return list.sort((a, b) => a.at - b.at || byId(a, b));
}

/** Messages that are sent back to back reach the lane within this time of each other, with warm functions. */
const BURST_MS = 50;
/** A message that starts a function environment of its own can be this late. Rejected ones never come. */
const HOLE_MS = 1000;

/**
 * How long a boundary should wait for messages that were sent before those that it sees: they would end up behind them
 * otherwise. Zero in ordinary use; only a burst, or a hole in the client's own count, makes it wait.
 */
export function arrivalWait(lane: Pick<Lane, 'inbox' | 'counted'>, now: number): number {
  const messages = Object.values(lane.inbox);
  if (messages.length === 0) return 0;
  const newest = Math.max(...messages.map((message) => message.at));
  const age = Math.max(0, now - newest);
  const counts = messages.map((message) => message.order).filter((order) => order !== undefined);
  if (counts.length === messages.length) {
    const missing = Math.max(...counts) - (lane.counted ?? 0) - new Set(counts).size;
    return missing > 0 ? Math.max(0, HOLE_MS - age) : 0;
  }
  return messages.length > 1 ? Math.max(0, BURST_MS - age) : 0;
}
