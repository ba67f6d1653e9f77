import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../config/units.ts';
import { asSessionId } from '../core/ids.ts';
import { dayOf } from '../core/session/spend.ts';
import { principalSpendKey, sessionOf, tenantSpendKey } from '../core/store/keys.ts';
import { MemoryTable, memoryStore } from '../core/testing/memory-store.ts';
import { spendLines } from './spend-report.ts';

const UNUSED = {
  turns: 0,
  tokens: 0,
  nano: 0,
  marks: {},
  earlier: {},
  window: 0,
  version: 1,
  expires: epochSeconds(0),
};
const NOW = epochMs(Date.UTC(2026, 10, 30, 12));
const DAY = 24 * 60 * 60 * 1000;
const dayBefore = (days: number) => dayOf(epochMs(NOW - days * DAY));

it('of more days than one command tells, the newest are told, newest first', async () => {
  const store = memoryStore(new MemoryTable());
  const session = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId(''));
  for (let days = 0; days < 450; days += 1) {
    const key = principalSpendKey(session, dayBefore(days));
    await store.putIfAbsent(key, { ...UNUSED, turns: days });
  }
  const told: { day: string; turns: number }[] = [];
  for await (const line of spendLines({ store, clock: { now: () => NOW } }, 'acme', 'ann')) {
    told.push(JSON.parse(line));
  }
  expect(told.map(({ day, turns }) => [day, turns])).toEqual(
    Array.from({ length: 400 }, (_, days) => [dayBefore(days), days]),
  );
});

it('of a tenant, the shares of a day are one line', async () => {
  const store = memoryStore(new MemoryTable());
  const session = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId(''));
  for (const [days, share] of [
    [0, 'a'],
    [0, 'B'],
    [1, '_'],
  ] as const)
    await store.putIfAbsent(tenantSpendKey(session, dayBefore(days), share), {
      ...UNUSED,
      turns: 2,
      tokens: 5,
      nano: 1_250_000_000,
    });
  const told: unknown[] = [];
  for await (const line of spendLines({ store, clock: { now: () => NOW } }, 'acme', undefined)) {
    told.push(JSON.parse(line));
  }
  expect(told).toEqual([
    { day: dayBefore(0), turns: 4, tokens: 10, cost: 2.5 },
    { day: dayBefore(1), turns: 2, tokens: 5, cost: 1.25 },
  ]);
});

/** The characters of base64url. */
const SHARES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

it('of a tenant with as many shares as there are, each day is told whole', async () => {
  const store = memoryStore(new MemoryTable());
  const session = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId(''));
  const days = 8;
  for (let day = 0; day < days; day += 1)
    for (const share of SHARES)
      await store.putIfAbsent(tenantSpendKey(session, dayBefore(day), share), { ...UNUSED, turns: 1 });
  const told: string[] = [];
  for await (const line of spendLines({ store, clock: { now: () => NOW } }, 'acme', undefined))
    told.push(line);
  expect(told.map((line) => JSON.parse(line))).toEqual(
    Array.from({ length: days }, (_, day) => ({ day: dayBefore(day), turns: 64, tokens: 0, cost: 0 })),
  );
});
