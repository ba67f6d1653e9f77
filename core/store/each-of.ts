/**
 * Work on so many items of the table is under way at the same time. The SDK has 50 sockets, and what waits for one of them is given
 * up after a second, like a connection that nobody answers. A small function opens some 50 connections in that time.
 */
const AT_ONCE = 25;

/** Does the work for each, in order, a few at a time. If one fails, those after its group are not begun. */
export async function eachOf<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < all.length; i += AT_ONCE) await Promise.all(all.slice(i, i + AT_ONCE).map(work));
}
