import type { Entry } from '../../core/events/entries.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { decodeEvents } from '../../core/events/events.ts';
import { entryOf } from '../../core/events/stored-entry.ts';
import type { Lane, MessageOutcome, Session, StoredEntry, StoredEvents } from '../../core/store/items.ts';
import type { Evidence } from './evidence.ts';

/** What is left in the table after a history. */
export interface Stored {
  session: Session | undefined;
  lanes: Map<string, Lane>;
  outcomes: Map<string, MessageOutcome>;
  entries: Entry[];
  spilled: Map<number, TurnEvent>;
}

export function readStored(cloud: Evidence): Stored {
  const stored: Stored = {
    session: undefined,
    lanes: new Map(),
    outcomes: new Map(),
    entries: [],
    spilled: new Map(),
  };
  for (const { pk, sk, item } of cloud.table.all()) {
    if (sk.startsWith('LANE#')) stored.lanes.set(sk.slice(5), item as unknown as Lane);
    else if (sk.startsWith('MESSAGE#')) stored.outcomes.set(sk.slice(8), item as unknown as MessageOutcome);
    else if (sk.startsWith('ENTRY#')) stored.entries.push(entryOf(item as unknown as StoredEntry));
    else if (sk.startsWith('EVENTS#')) {
      for (const event of decodeEvents((item as unknown as StoredEvents).events)) {
        const before = stored.spilled.get(event.seq);
        if (before && JSON.stringify(before) !== JSON.stringify(event)) {
          cloud.violated('P9', `EVENTS hold two events under ${event.seq}`);
        }
        stored.spilled.set(event.seq, event);
      }
    } else if (pk.startsWith('SESSION#') && sk === '-') stored.session = item as unknown as Session;
  }
  stored.entries.sort((a, b) => a.n - b.n);
  return stored;
}
