import { expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { asSessionKey, asTurnId } from '../ids.ts';
import { eventsKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { encodeEvents, type TurnEvent } from './events.ts';
import { readEventPages, readEvents } from './journal.ts';

const SESSION = asSessionKey('s');
const NEVER = epochSeconds(4_000_000_000);

const event = (seq: number): TurnEvent => ({
  type: 'chunk',
  seq,
  turn: asTurnId('t'),
  content: 'x',
  offset: seq - 1,
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Items of two events each. `overlap`: each has the last event of the one before too. */
async function given(items: number, { overlap = false, expired = 0 } = {}) {
  const core = memoryCore();
  for (let n = 1; n <= items; n++) {
    const seqs = range(2 * n - (overlap && n > 1 ? 2 : 1), 2 * n);
    await core.store.put(eventsKey(SESSION, 2 * n), {
      events: encodeEvents(seqs.map(event)),
      expires: n <= expired ? epochSeconds(0) : NEVER,
    });
  }
  return core;
}

async function seqsOfPages(core: Awaited<ReturnType<typeof given>>, first: number): Promise<number[][]> {
  const pages: number[][] = [];
  for await (const { events } of readEventPages(core, SESSION, first))
    pages.push(events.map(({ seq }) => seq));
  return pages;
}

it.each([0, 1, 49, 50, 51, 130])('P9: %i items, page by page, are what is read at once', async (items) => {
  for (const overlap of [false, true]) {
    const core = await given(items, { overlap });
    const whole = (await readEvents(core, SESSION, 1)).map(({ seq }) => seq);
    const paged = [...new Set((await seqsOfPages(core, 1)).flat())];
    expect(paged).toEqual(whole);
    expect(paged).toEqual(range(1, 2 * items));
  }
});

it('P9: a page of expired items is empty, and the next one follows', async () => {
  const core = await given(120, { expired: 60 });
  const pages = await seqsOfPages(core, 1);
  expect(pages[0]).toEqual([]);
  expect(pages.flat()).toEqual(range(121, 240));
});
