import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import type { Content } from '../../core/content.ts';
import { asSessionKey } from '../../core/ids.ts';
import type { Store } from '../../core/ports.ts';
import type { Key } from '../../core/store/keys.ts';
import { eventsKey } from '../../core/store/keys.ts';
import type { Update } from '../../core/store/update.ts';
import {
  absent,
  add,
  any,
  atMost,
  count,
  differs,
  equals,
  exists,
  remove,
  set,
  setIfAbsent,
  sizeBelow,
  sizeIs,
} from '../../core/store/update.ts';
import { anyText } from '../support/text.ts';

/** What every store must do, whatever it stands on. The core is checked on one of them and runs on another. */

/** Names that DynamoDB reserves, and ids as clients may choose them. */
interface Thing {
  name?: string;
  size?: number;
  other?: number;
  inbox: Record<string, { content: Content }>;
  ids: Record<string, 1>;
  unspilled: string[];
  active?: { slot: string };
}

const fresh = (): Thing => ({ inbox: {}, ids: {}, unspilled: [], size: 0 });

export interface StoreUnderTest {
  store: Store;
  close(): Promise<void>;
}

let made = 0;
const newKey = (): Key<Thing> => ({ pk: `THING#${++made}`, sk: '-' });

export function storeContract(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.close());

    it('gives back what was put, and nothing where nothing is', async () => {
      const key = newKey();
      expect(await store.get(key)).toBeUndefined();
      await store.put(key, { ...fresh(), name: 'a' });
      expect(await store.get(key)).toEqual({ ...fresh(), name: 'a' });
      await store.delete(key);
      expect(await store.get(key)).toBeUndefined();
    });

    it('puts if absent once', async () => {
      const key = newKey();
      expect(await store.putIfAbsent(key, fresh())).toBe(true);
      expect(await store.putIfAbsent(key, { ...fresh(), name: 'second' })).toBe(false);
      expect(await store.get(key)).toEqual(fresh());
    });

    it('gives back the parts of a message as they were, wherever they are put', async () => {
      const content: Content = [
        { type: 'text', text: '' },
        { type: 'image', url: 'https://images.test/a.png?#x=ü'.normalize('NFC') },
        { type: 'image', media_type: 'image/gif', data: 'AAAA'.repeat(6000) },
      ];
      const key = newKey();
      await store.put(key, { ...fresh(), inbox: { first: { content } } });
      const written = await store.update(key, { when: [], change: [set(['inbox', 'second'], { content })] });
      const inbox = { first: { content }, second: { content } };
      expect(written).toEqual({ ok: true, item: { ...fresh(), inbox } });
      expect(await store.get(key)).toEqual({ ...fresh(), inbox });
    });

    it('refuses an update whose condition does not hold, and changes nothing', async () => {
      const key = newKey();
      await store.put(key, fresh());
      const update: Update<Thing> = { when: [exists('name')], change: [set('size', 9)] };
      expect(await store.update(key, update)).toEqual({ ok: false });
      expect(await store.get(key)).toEqual(fresh());
    });

    it('P1: holds messages whose ids are names of properties that every object has', async () => {
      const key = newKey();
      const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
      const all = Object.fromEntries(names.map((name) => [name, { content: name }]));
      await store.put(key, { ...fresh(), inbox: all });
      await store.update(key, {
        when: [],
        change: [set('ids', Object.fromEntries(names.map((n) => [n, 1])))],
      });
      const read = await store.get(key);
      expect(Object.entries(read?.inbox ?? {}).map(([id, { content }]) => [id, content])).toEqual(
        expect.arrayContaining(names.map((name) => [name, name])),
      );
      expect(Object.keys(read?.ids ?? {}).toSorted()).toEqual(names.toSorted());
      for (const name of names) {
        const taken = await store.update(key, {
          when: [exists(['inbox', name])],
          change: [remove(['inbox', name])],
        });
        expect(taken.ok, name).toBe(true);
      }
      expect(Object.keys((await store.get(key))?.inbox ?? {})).toEqual([]);
    });

    it('refuses a number and an item that DynamoDB cannot hold, and changes nothing', async () => {
      const key = newKey();
      await store.put(key, fresh());
      const refused = { name: expect.stringContaining('ValidationException') };
      await expect(store.put(key, { ...fresh(), size: 1e200 })).rejects.toMatchObject(refused);
      await expect(
        store.update(key, { when: [], change: [set('name', 'x'.repeat(401 * 1024))] }),
      ).rejects.toMatchObject(refused);
      expect(await store.get(key)).toEqual(fresh());
    });

    it('computes each change from the item as it was', async () => {
      const key = newKey();
      await store.put(key, { ...fresh(), size: 5 });
      const update: Update<Thing> = {
        when: [equals('size', 5)],
        change: [add('size', 2), set(['inbox', 'toString'], { content: 'x' }), setIfAbsent('name', 'n')],
      };
      expect(await store.update(key, update)).toEqual({
        ok: true,
        item: { ...fresh(), size: 7, name: 'n', inbox: { toString: { content: 'x' } } },
      });
    });

    it('counts from zero where nothing is, and each of many concurrent writers once', async () => {
      const key = newKey();
      const counted = await Promise.all(
        Array.from({ length: 20 }, () =>
          store.update(key, { when: [], change: [count<Thing>('size', 1), setIfAbsent('name', 'first')] }),
        ),
      );
      const seen = counted
        .map((written) => written.ok && written.item.size)
        .sort((a, b) => Number(a) - Number(b));
      expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(await store.get(key)).toEqual({ size: 20, name: 'first' });
    });

    it('queries a range of one partition in order, backwards and with a limit', async () => {
      const session = asSessionKey(`s${++made}`);
      for (const n of [3, 12, 1, 200])
        await store.put(eventsKey(session, n), { events: [String(n)], expires: epochSeconds(n) });
      const range = [eventsKey(session, 2), eventsKey(session, 999)] as const;
      const numbers = async (options?: { backwards?: boolean; limit?: number }) =>
        (await store.query(...range, options)).map((item) => item.expires);
      expect(await numbers()).toEqual([3, 12, 200]);
      expect(await numbers({ backwards: true })).toEqual([200, 12, 3]);
      expect(await numbers({ backwards: true, limit: 2 })).toEqual([200, 12]);
    });

    it('gives the keys of a range, and no more than asked for', async () => {
      const session = asSessionKey(`s${++made}`);
      for (const n of [3, 12, 1, 200])
        await store.put(eventsKey(session, n), { events: [], expires: epochSeconds(n) });
      const range = [eventsKey(session, 2), eventsKey(session, 999)] as const;
      expect(await store.keys(...range, 9)).toEqual([3, 12, 200].map((n) => eventsKey(session, n)));
      expect(await store.keys(...range, 2)).toEqual([3, 12].map((n) => eventsKey(session, n)));
    });

    it('reads a range that is longer than one page', async () => {
      const session = asSessionKey(`s${++made}`);
      const long = 'x'.repeat(350_000);
      for (let n = 1; n <= 5; n++)
        await store.put(eventsKey(session, n), { events: [long], expires: epochSeconds(n) });
      expect(await store.query(eventsKey(session, 1), eventsKey(session, 9))).toHaveLength(5);
    });

    it('gives as many items as asked for, though they are longer than one page', async () => {
      const session = asSessionKey(`s${++made}`);
      // DynamoDB ends a page at 1 MB.
      const long = 'x'.repeat(24 * 1024);
      for (let n = 1; n <= 101; n++)
        await store.put(eventsKey(session, n), { events: [long], expires: epochSeconds(n) });
      const range = [eventsKey(session, 1), eventsKey(session, 999)] as const;
      const numbers = async (backwards: boolean) =>
        (await store.query(...range, { backwards, limit: 100 })).map((item) => item.expires);
      expect(await numbers(false)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      expect(await numbers(true)).toEqual(Array.from({ length: 100 }, (_, i) => 101 - i));
      expect(await store.keys(...range, 100)).toHaveLength(100);
    });

    it('lets one of many concurrent writers through', async () => {
      const key = newKey();
      await store.put(key, fresh());
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          store.update(key, { when: [absent<Thing>('name')], change: [set('name', String(i))] }),
        ),
      );
      expect(claims.filter((claim) => claim.ok)).toHaveLength(1);
    });
  });
}

const ids = fc.constantFrom(
  'a',
  'b',
  'name',
  'constructor',
  '#x',
  ':v0',
  'a.b',
  'ü'.normalize('NFD').slice(0, 1),
);
const path = fc.oneof(
  fc.constantFrom('name', 'size', 'active', 'unspilled', 'inbox', 'ids' as const),
  fc.tuple(fc.constantFrom('inbox' as const, 'ids' as const), ids),
) as fc.Arbitrary<'name' | readonly ['inbox' | 'ids', string]>;
const mapPath = fc.tuple(fc.constantFrom('inbox' as const, 'ids' as const), ids);
const small = fc.integer({ min: -2, max: 3 });

const condition = fc.oneof(
  path.map((p) => exists<Thing>(p)),
  path.map((p) => absent<Thing>(p)),
  fc
    .tuple(fc.constantFrom('name' as const, 'size' as const), fc.oneof(small, ids))
    .map(([p, v]) => equals<Thing>(p, v)),
  ids.map((v) => equals<Thing>(['active', 'slot'], v)),
  ids.map((v) => differs<Thing>(['active', 'slot'], v)),
  fc
    .tuple(fc.constantFrom('inbox' as const, 'ids' as const, 'unspilled' as const), small)
    .map(([p, n]) => sizeIs<Thing>(p, n)),
  fc.tuple(fc.constantFrom('inbox' as const, 'ids' as const), small).map(([p, n]) => sizeBelow<Thing>(p, n)),
  small.map((n) => atMost<Thing>('size', n)),
  fc.tuple(ids, small).map(([id, n]) => any(exists<Thing>(['ids', id]), sizeBelow<Thing>('inbox', n))),
);
const change = fc.oneof(
  ids.map((v) => set<Thing>('name', v)),
  small.map((n) => add<Thing>('size', n)),
  small.map((n) => count<Thing>('size', n)),
  small.map((n) => count<Thing>('other', n)),
  mapPath.map((p) => set<Thing>(p, p[0] === 'ids' ? 1 : { content: p[1] })),
  mapPath.map((p) => setIfAbsent<Thing>(p, { content: 'first' })),
  mapPath.map((p) => remove<Thing>(p)),
  ids.map((slot) => set<Thing>('active', { slot })),
  fc.constant(remove<Thing>('active')),
  fc.array(anyText(), { maxLength: 3 }).map((unspilled) => set<Thing>('unspilled', unspilled)),
);
const target = (c: { path: unknown }) => JSON.stringify(c.path);
export const updates = fc.record({
  when: fc.array(condition, { maxLength: 3 }),
  // DynamoDB refuses paths that overlap; the core never writes such an update.
  change: fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: target }),
});

/** Two stores that are given the same updates are the same. */
export function sameBehaviour(a: () => Store, b: () => Store, runs: number): void {
  it('does the same as the other store with any sequence of updates', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(updates, { minLength: 1, maxLength: 8 }), async (sequence) => {
        const key = newKey();
        await Promise.all([a().put(key, fresh()), b().put(key, fresh())]);
        for (const update of sequence) {
          expect(await a().update(key, update)).toEqual(await b().update(key, update));
        }
        expect(await a().get(key)).toEqual(await b().get(key));
      }),
      { numRuns: runs },
    );
  });
}
