import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, NewId } from '../core/ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal && { signal });
    } catch (error) {
      // Woken early: that is what the signal is for.
      if (!signal?.aborted) throw error;
    }
  },
};

/** 120 random bits in 20 characters: short, since ids fill the lane. */
export const randomId: NewId = () => randomBytes(15).toString('base64url');
