import type { EventFrame } from '../index.ts';

/**
 * The events of a turn, held until they are read: a chat itself keeps those of few turns. They can be read once.
 * `release` lets go of them unread.
 */
export interface HeldEvents extends AsyncIterable<EventFrame> {
  release(): void;
}

/** Begins to read at once: from then on the stream keeps what comes. */
export function held(events: AsyncIterable<EventFrame>): HeldEvents {
  const iterator = events[Symbol.asyncIterator]();
  const first = iterator.next();
  // Whoever reads is told. Nobody may.
  first.catch(() => {});
  const letGo = () => void iterator.return?.().catch(() => {});
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (let next = await first; !next.done; next = await iterator.next()) yield next.value;
      } finally {
        letGo();
      }
    },
    release: letGo,
  };
}
