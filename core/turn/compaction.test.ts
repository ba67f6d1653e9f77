import { expect, it, test } from 'vitest';
import { systemClock } from '../../aws/system.ts';
import {
  allEvents,
  eventsOf,
  FAILURE,
  compactingConversation as given,
  storedSummaries,
  USAGE,
  untilCut,
} from '../../test/support/compacting-conversation.ts';
import type { ModelPart } from '../model.ts';
import { entryKey } from '../store/keys.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';

/** What the prompts of turns have in the place of what does not fit. How a summary is made: summaries.test.ts. */

it('P11: the turn that cuts answers with the cut, and the next one with the summary in the place of what was cut', async () => {
  const all = await given();
  const n = await untilCut(all);
  expect(all.prompts().at(-1)).not.toContainEqual(expect.stringContaining('sum'));
  expect(all.asked).toEqual([]);
  expect(await all.turn.compact()).toBe(1);
  expect(all.asked).toHaveLength(1);
  await all.say();
  const prompt = all.prompts().at(-1) ?? [];
  const cut = ((await all.turn.promptFrom()) ?? 0) - 1;
  const first = Number(prompt[1]?.slice(1));
  expect(prompt[0]).toBe('sum: SUMMARY 1');
  expect(prompt.slice(1)).toEqual(
    Array.from({ length: n + 1 - first + 1 }, (_, i) => first + i)
      .flatMap((turn) => [`u${turn}`, `a${turn}`])
      .slice(0, -1),
  );
  const request = JSON.stringify(all.asked[0]);
  for (let turn = 1; turn < first; turn++) expect(request).toContain(`the words of turn ${turn} `);
  expect(request).not.toContain(`the words of turn ${first} `);
  expect(await eventsOf(all.turn, 'compacted')).toMatchObject([
    {
      from_entry: 1,
      to_entry: cut,
      model: 'small',
      provider: 'house',
      input_tokens: 900,
      cache_read_tokens: 500,
    },
  ]);
  expect((await eventsOf(all.turn, 'history_trimmed')).map((event) => event.compacted_to)).toEqual([
    undefined,
    cut,
  ]);
});

it('a prompt begins with the same bytes in each turn until the next cut, and the summary is told of once', async () => {
  const all = await given({ more: { settings: { MIDTURN_CONTEXT_TOKENS: '400' } } });
  await untilCut(all);
  await all.turn.compact();
  for (let n = 0; n < 2; n++) await all.say();
  const [before = [], after = []] = all.prompts().slice(-2);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(before[0]).toBe('sum: SUMMARY 1');
  expect(await eventsOf(all.turn, 'compacted')).toHaveLength(1);
  expect(await all.turn.compact()).toBe(0);
});

it('at the next cut the summary stays until the next one is written, which is made of it and of what was cut since', async () => {
  const all = await given();
  await untilCut(all);
  await all.turn.compact();
  const from = await all.turn.promptFrom();
  while ((await all.turn.promptFrom()) === from) await all.say();
  expect(all.prompts().at(-1)?.[0]).toBe('sum: SUMMARY 1');
  await all.turn.compact();
  const request = JSON.stringify(all.asked[1]);
  expect(request).toContain('SUMMARY 1');
  expect(request).not.toContain('the words of turn 1 ');
  await all.say();
  const prompt = all.prompts().at(-1) ?? [];
  expect(prompt.filter((message) => message.startsWith('sum'))).toEqual(['sum: SUMMARY 2']);
  expect(prompt[0]).toBe('sum: SUMMARY 2');
  expect(await eventsOf(all.turn, 'compacted')).toMatchObject([{ from_entry: 1 }, { from_entry: 1 }]);
});

test('a summary that is stored while a turn runs is for the next turn, also where a worker takes over', async () => {
  let during = async () => {};
  let calls = 0;
  const all = await given({
    answers: (n) => async () => {
      calls = n;
      await during();
      return [
        { type: 'text', text: `answer ${n}` },
        { type: 'finish', reason: 'stop', usage: USAGE },
      ];
    },
  });
  const n = await untilCut(all);
  const before = calls;
  let dies = true;
  during = async () => {
    if (!dies) return;
    dies = false;
    await all.turn.compact();
    throw new Error('the worker dies');
  };
  await all.say();
  // The turn after the cut: called twice, and both prompts are without the summary.
  expect(
    all
      .prompts()
      .slice(before)
      .map(([first]) => first?.slice(0, 3)),
  ).not.toContain('sum');
  expect(await storedSummaries(all.turn)).toHaveLength(1);
  await all.say();
  expect(all.prompts().at(-1)?.[0]).toBe('sum: SUMMARY 1');
  expect(n).toBeGreaterThan(1);
});

it('P11: stays in the prompt where the table has removed what it is about before the summary', async () => {
  const store = memoryStore(new MemoryTable());
  const all = await given({ more: { core: { store } } });
  await untilCut(all);
  await all.turn.compact();
  const from = (await all.turn.promptFrom()) ?? 0;
  for (let n = 1; n < from; n++) await store.delete(entryKey(all.turn.session, n));
  await all.say();
  expect(all.prompts().at(-1)?.[0]).toBe('sum: SUMMARY 1');
  expect((await eventsOf(all.turn, 'history_trimmed')).at(-1)?.compacted_to).toBe(from - 1);
});

it('expires with the first of what it is made of, and is not shown from then on', async () => {
  let now = systemClock.now();
  const clock = { now: () => now, sleep: systemClock.sleep };
  const all = await given({ more: { core: { clock } } });
  const began = now;
  await all.say();
  now = (now + 86_400_000) as typeof now;
  await untilCut(all);
  await all.turn.compact();
  const [stored] = await storedSummaries(all.turn);
  expect(stored?.expires).toBe(Math.floor(began / 1000) + 30 * 86_400);
  now = ((stored?.expires ?? 0) * 1000) as typeof now;
  await all.say();
  expect(all.prompts().at(-1)?.[0]).not.toContain('sum');
});

it('without a budget of earlier turns there is no summary', async () => {
  const all = await given({ more: { settings: { MIDTURN_CONTEXT_TOKENS: '0' } } });
  await all.say();
  await all.say();
  await all.turn.compact();
  expect(all.asked).toEqual([]);
});

it('a prompt that is refused is sent again without the summary', async () => {
  let poisoned = false;
  const all = await given({
    answers: (n) => (poisoned && n ? refusedIfSummary : `answer ${n}`),
  });
  const refusedIfSummary = async (): Promise<readonly ModelPart[]> =>
    all.prompts().at(-1)?.[0]?.startsWith('sum')
      ? [{ type: 'failure', failure: { ...FAILURE, reason: 'rejected', retryable: false } }]
      : [
          { type: 'text', text: 'answered' },
          { type: 'finish', reason: 'stop', usage: USAGE },
        ];
  await untilCut(all);
  await all.turn.compact();
  poisoned = true;
  await all.say();
  expect((await eventsOf(all.turn, 'done')).length).toBeGreaterThan(1);
  expect(all.prompts().at(-1)?.[0]).not.toContain('sum');
  expect((await allEvents(all.turn)).at(-1)?.type).toBe('done');
});

/** Plays a conversation over two cuts. @param dies the number of the write at which a worker dies, once */
async function played(dies: number) {
  let writes = 0;
  const store = memoryStore(new MemoryTable(), async (call, run) => {
    if (isWrite(call) && ++writes === dies) throw new Error('the worker dies');
    return run();
  });
  const all = await given({ more: { core: { store } } }).catch(() => undefined);
  if (!all) return undefined;
  for (let n = 1; n <= 8; n++) {
    await all.say();
    await all.turn.compact();
  }
  return { all, writes };
}

test('P8, P11: whichever write a worker dies at, no summary is stored twice, and none stands beside what it is about', async () => {
  const whole = await played(0);
  if (!whole) throw new Error('the conversation was not played');
  expect((await storedSummaries(whole.all.turn)).length).toBeGreaterThan(1);
  for (let dies = 1; dies <= whole.writes; dies++) {
    const run = await played(dies).catch(() => undefined);
    // The message itself was not accepted.
    if (!run) continue;
    for (const prompt of run.all.prompts()) {
      const summaries = prompt.filter((message) => message.startsWith('sum'));
      expect(summaries.length).toBeLessThanOrEqual(1);
      if (summaries.length > 0) expect(prompt[0]).toBe(summaries[0]);
      const numbers = prompt
        .filter((message) => message.startsWith('u'))
        .map((message) => Number(message.slice(1)));
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    }
    const told = (await eventsOf(run.all.turn, 'compacted')).map((event) => event.to_entry);
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeGreaterThan(0);
  }
});
