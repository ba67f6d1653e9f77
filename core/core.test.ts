import { describe, expect, it } from 'vitest';
import { epochMs } from '../config/units.ts';
import { entriesExpire, expiry } from './core.ts';

const NOW = 1_800_000_000_999;
const HOUR = 3600;
const DAY = 24 * HOUR;
const AT = Math.floor(NOW / 1000);
const clock = { now: () => epochMs(NOW), sleep: async () => {} };
/** In seconds from now on; files' `unsent` and `sent` in milliseconds. */
const kept = (transcriptDays: number, eventHours: number) => {
  const { unsent, sent, ...items } = expiry({ clock, retention: { transcriptDays, eventHours } });
  const durations = Object.fromEntries(Object.entries(items).map(([name, expires]) => [name, expires - AT]));
  return { ...durations, unsent: unsent - NOW, sent: sent - NOW } as Record<
    keyof ReturnType<typeof expiry>,
    number
  >;
};

describe('what is kept', () => {
  it('is kept for as long as it is needed, by the two settings', () => {
    expect(kept(30, 48)).toEqual({
      unsent: DAY * 1000,
      sent: 32 * DAY * 1000,
      file: 35 * DAY,
      connection: DAY,
      events: 2 * DAY,
      outcome: DAY,
      entry: 30 * DAY,
      lane: 6 * DAY,
      session: 44 * DAY,
      listing: 74 * DAY,
      tombstone: DAY,
    });
    expect(entriesExpire({ transcriptDays: 30, eventHours: 48 }, epochMs(NOW))).toBe(AT + 30 * DAY);
  });

  it.each([
    [1, 1],
    [1, 168],
    [3650, 1],
  ])('outlives what refers to it, with a transcript of %i days and events of %i hours', (days, hours) => {
    const { events, outcome, entry, lane, session, listing, file, sent } = kept(days, hours);
    // A turn that takes a day still finds its own events.
    expect(events).toBe(Math.max(hours * HOUR, DAY));
    expect(lane).toBe(events + 4 * DAY);
    expect(lane).toBeGreaterThan(outcome + 2 * DAY);
    // DynamoDB may remove what refers to it two days late.
    expect(session).toBe(Math.max(entry, hours * HOUR) + 14 * DAY);
    expect(session).toBeGreaterThan(lane + 2 * DAY);
    expect(listing).toBe(session + 30 * DAY);
    expect(file * 1000).toBeGreaterThan(sent + DAY * 1000);
  });
});
