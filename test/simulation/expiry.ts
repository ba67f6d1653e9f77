import type { Session } from '../../core/store/items.ts';
import type { Key } from '../../core/store/keys.ts';
import type { Random } from './random.ts';
import type { Scheduler, Source } from './scheduler.ts';

export interface ExpirySettings {
  random: Random;
  /** As an earlier version stored them: they do not say where their turn begins. */
  areOld: boolean;
}

/** What the expiry of entries needs of its cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly session: Session | undefined;
  readonly table: {
    all(): Iterable<{ pk: string; sk: string; item: Record<string, unknown> }>;
    delete(key: Key<unknown>): void;
  };
  /** Numbers of the entries that have expired. */
  readonly vanished: Set<number>;
}

/**
 * DynamoDB removes expired items one by one, in any order. The oldest turns expire first.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export function expirySource(world: World, { random }: ExpirySettings): Source {
  const { scheduler, table, vanished } = world;
  let nextAt = scheduler.now + random.int(1000, 6000);
  return {
    // Nothing waits for it: where all else rests, it does too.
    readyAt: (now) => (nextAt <= now && expired(world).length > 0 ? now : Number.POSITIVE_INFINITY),
    act: () => {
      const found = expired(world);
      const { pk, sk, item } = found[random.int(0, found.length - 1)] ?? {};
      if (pk === undefined || sk === undefined || typeof item?.n !== 'number') return;
      vanished.add(item.n);
      table.delete({ pk, sk });
      scheduler.count('entry expired');
      scheduler.log(`${sk} expires`);
      nextAt = scheduler.now + random.int(20, 1500);
    },
  };
}

/** Entries of the two oldest turns that are over, but not of the last one. */
function expired({ table, session }: World) {
  const counted = session?.entry ?? 0;
  const entries = [...table.all()]
    .filter(({ sk, item }) => sk.startsWith('ENTRY#') && Number(item.n) <= counted)
    .sort((a, b) => (a.sk < b.sk ? -1 : 1));
  const turns = [...new Set(entries.map(({ item }) => item.turn))];
  const old = new Set(turns.slice(0, Math.min(2, turns.length - 1)));
  return entries.filter(({ item }) => old.has(item.turn));
}
