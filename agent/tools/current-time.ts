import { tool } from 'ai';
import { z } from 'zod';

export const currentTime = tool({
  description: 'The current date and time, and the time zone that it is in.',
  inputSchema: z.object({}),
  execute: () => ({
    time: new Date().toISOString(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }),
});
