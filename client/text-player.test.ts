import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginningOf, TextPlayer } from './text-player.ts';

/** When pieces come, of which size. */
type Piece = { at: number; size: number };

/** What is shown in each painted frame, 60 a second. */
function playedOf(
  pieces: readonly Piece[],
  until: number,
  endsAt?: number,
): { at: number; shown: number; length: number }[] {
  const player = new TextPlayer();
  const frames: { at: number; shown: number; length: number }[] = [];
  let length = 0;
  let next = 0;
  let hasEnded = false;
  for (let at = 0; at <= until; at += 1000 / 60) {
    for (let piece = pieces[next]; piece && piece.at <= at; piece = pieces[++next]) {
      length += piece.size;
      player.came(length, at);
    }
    if (endsAt !== undefined && at >= endsAt && !hasEnded) {
      hasEnded = true;
      player.end(at);
    }
    frames.push({ at, shown: player.shown(at), length });
  }
  return frames;
}

/** As the product commits an answer: the first piece at once, then windows of 60, 120, 240 and 400 ms; three characters in 16 ms. */
function answer(seconds: number): Piece[] {
  const pieces: Piece[] = [{ at: 0, size: 3 }];
  for (let at = 0, window = 60; at < seconds * 1000; window = Math.min(400, window * 2)) {
    at += window;
    pieces.push({ at, size: Math.round((window / 16) * 3) });
  }
  return pieces;
}

describe('text that comes in pieces', () => {
  it('moves at least each 120 ms while it comes', () => {
    const pieces = answer(5);
    const last = pieces.at(-1)?.at ?? 0;
    let movedAt = 0;
    let shown = 0;
    let longest = 0;
    for (const frame of playedOf(pieces, last)) {
      if (frame.shown > shown) {
        longest = Math.max(longest, frame.at - movedAt);
        movedAt = frame.at;
      }
      shown = frame.shown;
    }
    expect(longest).toBeLessThanOrEqual(120);
    expect(shown).toBeGreaterThan(700);
  });

  it('is whole 150 ms after the last of it, if it ends then', () => {
    const pieces = answer(3);
    const last = pieces.at(-1)?.at ?? 0;
    const frames = playedOf(pieces, last + 200, last);
    expect(frames.at(-1)).toMatchObject({ shown: frames.at(-1)?.length });
    expect(frames.find(({ at }) => at > last + 150 + 17)).toMatchObject({ shown: frames.at(-1)?.length });
  });

  it('only grows, never shows what has not come, and all of it half a second after it came', () => {
    const piece = fc.record({
      pause: fc.integer({ min: 0, max: 1500 }),
      size: fc.integer({ min: 1, max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (given) => {
        let at = 0;
        const pieces = given.map(({ pause, size }) => {
          at += pause;
          return { at, size };
        });
        const frames = playedOf(pieces, at + 600);
        let before = 0;
        for (const { at: now, shown, length } of frames) {
          expect(shown).toBeGreaterThanOrEqual(before);
          expect(shown).toBeLessThanOrEqual(length);
          const old = frames.findLast((frame) => frame.at <= now - 517);
          expect(shown).toBeGreaterThanOrEqual(old?.length ?? 0);
          before = shown;
        }
        expect(before).toBe(frames.at(-1)?.length);
      }),
    );
  });

  it('is shown at once where much comes together, where it is there already, and where nobody wants motion', () => {
    const player = new TextPlayer();
    player.came(5000, 0);
    expect(player.shown(0)).toBe(5000);
    expect(player.isBehind).toBe(false);
    expect(new TextPlayer(40).shown(0)).toBe(40);
    player.came(5400, 10);
    expect(player.isBehind).toBe(true);
    player.finish();
    expect(player.shown(10)).toBe(5400);
    expect(player.isBehind).toBe(false);
  });

  it('is shown at once where much comes together while a piece is played, or another text takes its place', () => {
    for (const length of [5000, 5]) {
      const player = new TextPlayer();
      player.came(10, 0);
      player.came(40, 100);
      expect(player.shown(110)).toBeLessThan(40);
      player.came(length, 110);
      expect([player.shown(110), player.isBehind]).toEqual([length, false]);
    }
  });

  it('is shown at once where it became shorter: it is another text', () => {
    const player = new TextPlayer(100);
    player.came(20, 5);
    expect(player.shown(5)).toBe(20);
  });
});

describe('the beginning of a text', () => {
  it.each([
    ['a surrogate pair', 'ab👍c', 3, 'ab'],
    ['an accent', 'cafe\u0301!', 4, 'caf'],
    ['joined emoji', 'x👩‍💻y', 3, 'x'],
    ['joined emoji, at the joiner', 'x👩‍💻y', 4, 'x'],
    ['a skin tone', 'x👍🏽y', 3, 'x'],
    ['nothing', 'plain', 3, 'pla'],
    ['the end', 'plain', 9, 'plain'],
  ])('does not divide %s', (_, text, length, beginning) => {
    expect(beginningOf(text, length)).toBe(beginning);
  });

  it('is a beginning, not longer than asked for, and no more than a character shorter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(60), (text, length) => {
        const beginning = beginningOf(text, length);
        expect(text.startsWith(beginning)).toBe(true);
        expect(beginning.length).toBeLessThanOrEqual(Math.min(length, text.length));
        expect(beginning.length).toBeGreaterThanOrEqual(Math.min(length, text.length) - 33);
      }),
    );
  });
});
