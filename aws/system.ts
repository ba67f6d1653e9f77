import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs } from '../config/units.ts';
import type { Clock, NewId } from '../core/ports.ts';

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  async sleep(duration, signal) {
    try {
      await sleep(duration, undefined, signal && { signal });
    } catch (error) {
      // Aborted by the caller, which is no error.
      if (!signal?.aborted) throw error;
    }
  },
};

/** A random id of 120 bits in 20 characters. Ids are short, because the lane item stores many. */
export const randomId: NewId = () => randomBytes(15).toString('base64url');
