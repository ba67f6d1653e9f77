import { setTimeout as sleep } from 'node:timers/promises';
import { tool } from 'ai';
import { z } from 'zod';

/** Does nothing for a while: long enough to send a message meanwhile and see it taken in before the next model call. */
export const wait = tool({
  description: 'Waits for a number of seconds, then answers.',
  inputSchema: z.object({
    seconds: z.number().min(0).max(10).describe('How long to wait, at most 10 seconds'),
  }),
  execute: async ({ seconds }, { abortSignal }) => {
    await sleep(seconds * 1000, undefined, abortSignal ? { signal: abortSignal } : {});
    return { waited_seconds: seconds };
  },
});
