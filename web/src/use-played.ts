import { useEffect, useState } from 'react';
import { beginningOf, TextPlayer } from '../../client/text-player.ts';

/** Between two changes of what is shown: each parses the last block of the text anew. */
const STEP_MS = 30;

const wantsNoMotion = () => document.hidden || matchMedia('(prefers-reduced-motion: reduce)').matches;

/**
 * The part of a growing text that is shown now: it is played out evenly. A text that is there when it is first rendered is
 * shown whole, and so is one that nobody sees grow.
 */
export function usePlayed(text: string, growing: boolean): string {
  const [player] = useState(() => new TextPlayer(text.length));
  const [length, setLength] = useState(text.length);
  useEffect(() => {
    const began = performance.now();
    player.came(text.length, began);
    if (!growing) player.end(began);
    if (wantsNoMotion()) player.finish();
    let request = 0;
    let changed = Number.NEGATIVE_INFINITY;
    const frame = () => {
      const now = performance.now();
      if (now - changed >= STEP_MS) {
        changed = now;
        setLength(player.shown(now));
      }
      if (player.isBehind) request = requestAnimationFrame(frame);
    };
    frame();
    return () => cancelAnimationFrame(request);
  }, [player, text, growing]);
  return beginningOf(text, length);
}
