import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs } from '../../config/units.ts';
import { MAX_DATA_BYTES, MAX_DATA_EVENTS, OWN_DATA_NAMES } from '../../protocol/data-parts.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { DataError } from '../data-error.ts';
import { type EventDraft, frameOf, numbered, type TurnEvent } from '../events/events.ts';
import { historyEntry } from '../events/history-entry.ts';
import { asTurnId } from '../ids.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { ToolDisplay } from './tool-display.ts';

const CALL = { id: 'c1', name: 'count' };
const OTHER = { id: 'c2', name: 'count' };
const TURN = asTurnId('turn');

function given({ events = [], flushMs }: { events?: readonly TurnEvent[]; flushMs?: string } = {}) {
  let now = 0;
  let woken = 0;
  const core = memoryCore({ clock: { now: () => epochMs(now), sleep: async () => {} } });
  const settings = readTurnSettings(flushMs === undefined ? {} : { MIDTURN_FLUSH_MS: flushMs });
  const display = new ToolDisplay({ events }, { core, settings }, () => {
    woken += 1;
  });
  return {
    display,
    woken: () => woken,
    pass: (ms: number) => {
      now += ms;
    },
    isDue: () => display.left(epochMs(now)) <= 0,
  };
}

const committed = (drafts: readonly EventDraft[]) => drafts.map((draft, at) => numbered(draft, at + 1, TURN));

const codeOf = (run: () => void): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof DataError) return error.code;
    throw error;
  }
};

describe('what a running tool shows', () => {
  it('is due at once, then gathered: of what comes within a window the newest counts', () => {
    const { display, isDue, pass, woken } = given();
    const call = display.open(CALL);
    expect(isDue()).toBe(false);
    call.progress(1);
    expect([isDue(), woken()]).toEqual([true, 1]);
    display.drain();
    call.progress(2);
    call.data({ name: 'chart', id: 'a', data: 2 });
    call.progress(3);
    call.data({ name: 'chart', id: 'b', data: 3 });
    call.data({ name: 'chart', id: 'a', data: 4 });
    expect([isDue(), woken()]).toEqual([false, 2]);
    pass(60);
    expect(isDue()).toBe(true);
    expect(display.drain()).toEqual([
      { type: 'tool_progress', ...CALL, output: 3 },
      { type: 'data', name: 'chart', id: 'b', data: 3, tool_call_id: 'c1' },
      { type: 'data', name: 'chart', id: 'a', data: 4, tool_call_id: 'c1' },
    ]);
    expect(display.drain()).toEqual([]);
  });

  it.each([undefined, '0', '100'])(
    'is shown fewer than 450 times in 15 minutes, however often it changes, and at the end still twice a minute (MIDTURN_FLUSH_MS: %s)',
    (flushMs) => {
      const { display, isDue, pass } = given({ ...(flushMs !== undefined && { flushMs }) });
      const call = display.open(CALL);
      const at: number[] = [];
      for (let ms = 0; ms <= 900_000; ms++) {
        call.progress(ms);
        if (isDue()) {
          display.drain();
          at.push(ms);
        }
        pass(1);
      }
      expect(at.length).toBeLessThan(450);
      expect((at.at(-1) ?? 0) - (at.at(-2) ?? 0)).toBeLessThanOrEqual(30_000);
    },
  );

  it('P13: ends with the call: its progress gives way to the result, its data stays, and nothing comes after', () => {
    const { display } = given();
    const [call, other] = [display.open(CALL), display.open(OTHER)];
    call.data({ name: 'chart', data: 1 });
    call.progress('half');
    other.progress('other');
    display.close(CALL);
    call.progress('too late');
    expect(codeOf(() => call.data({ name: 'chart', data: 2 }))).toBe('DATA_TOO_LATE');
    expect(display.drain()).toMatchObject([
      { type: 'data', id: 'c1/1', data: 1 },
      { type: 'tool_progress', ...OTHER },
    ]);
  });

  it('of a call that runs again says so once, and its data has the ids of the first run', () => {
    const run = (events: readonly TurnEvent[]) => {
      const { display } = given({ events });
      const call = display.open(CALL);
      call.progress('begins');
      call.data({ name: 'chart', data: 1 });
      const first = display.drain();
      call.progress('goes on');
      return [...first, ...display.drain()];
    };
    const once = run([]);
    expect(once).toEqual([
      { type: 'tool_progress', ...CALL, output: 'begins' },
      { type: 'data', name: 'chart', id: 'c1/1', data: 1, tool_call_id: 'c1' },
      { type: 'tool_progress', ...CALL, output: 'goes on' },
    ]);
    const [begins, ...others] = once;
    expect(run(committed(once))).toEqual([{ ...begins, restarted: true }, ...others]);
  });

  it('is no more than 1,000 values of a call, all of its runs together', () => {
    const shown: EventDraft = { type: 'tool_progress', ...CALL, output: 1 };
    const { display } = given({ events: committed(Array(999).fill(shown)) });
    const [call, other] = [display.open(CALL), display.open(OTHER)];
    const drained = [1, 2, 3].map((value) => {
      call.progress(value);
      return display.drain().length;
    });
    other.progress('other');
    expect([...drained, display.drain().length]).toEqual([1, 0, 0, 1]);
  });
});

describe('a data part', () => {
  const { display } = given();
  const call = display.open(CALL);
  const code = (name: string, data: string | number = 1, id?: string) =>
    codeOf(() => call.data({ name, data, ...(id !== undefined && { id }) }));

  it.each(['', '1st', 'a b', 'a'.repeat(65), 'ärger', 'midturn-chart', '__proto__', ...OWN_DATA_NAMES])(
    'has a name of its form, which is none of our own: not %j',
    (name) => {
      expect(code(name)).toBe('DATA_NAME_INVALID');
    },
  );

  it('has an id of 1 to 200 characters, if it has one', () => {
    expect(['', 'x'.repeat(201), 'x'.repeat(200), 'é ☃'].map((id) => code('chart', 1, id))).toEqual([
      'DATA_ID_INVALID',
      'DATA_ID_INVALID',
      undefined,
      undefined,
    ]);
  });

  it('is refused by its bytes, and one that is taken fits into a frame, as an event and in `history`', () => {
    // Units of one to four bytes as UTF-8, and one that is six bytes as JSON.
    const unit = fc.constantFrom('a', 'é', '€', '😀', '\u0001');
    fc.assert(
      fc.property(unit, unit, fc.integer({ min: -1, max: 1 }), (character, named, beside) => {
        const { display } = given();
        const size = Buffer.byteLength(JSON.stringify(character)) - 2;
        const room = MAX_DATA_BYTES - 2;
        const longest = character.repeat(Math.floor(room / size)) + 'a'.repeat(room % size);
        const data = beside < 0 ? longest.slice(0, -1).toWellFormed() : longest + 'a'.repeat(beside);
        const id = named.repeat(100);
        const part = () => display.open(CALL).data({ name: 'n'.repeat(64), id, data });
        // Half of a pair is stored as U+FFFD, of three bytes: with it the text has no more of them than before.
        expect(codeOf(part)).toBe(beside > 0 ? 'DATA_TOO_LARGE' : undefined);
        const [event] = committed(display.drain());
        if (beside > 0 || !event) return;
        expect(Buffer.byteLength(frameOf(event, () => undefined))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
        const page = { type: 'history', entries: [historyEntry({ n: 1, turn: TURN, role: 'event', event })] };
        expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
      }),
    );
  });

  it('is one of 500 of its turn: more are refused, but one that waits may be replaced', () => {
    const sent: EventDraft = { type: 'data', name: 'chart', id: 'a', data: 1 };
    const { display } = given({ events: committed(Array(MAX_DATA_EVENTS - 1).fill(sent)) });
    const call = display.open(CALL);
    const part = (id: string) => codeOf(() => call.data({ name: 'chart', id, data: 2 }));
    expect([part('b'), part('b'), part('c')]).toEqual([undefined, undefined, 'DATA_TOO_MANY']);
    display.drain();
    expect(part('b')).toBe('DATA_TOO_MANY');
  });
});
