import { ServerReplyError } from './errors.ts';

/** Asks again as often as the server refuses for its rate. The chat sends nothing before the time that the server has named. */
export async function patient<T extends object>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(whenLimited);
    if (answer) return answer;
  }
}

function whenLimited(error: unknown): undefined {
  if (error instanceof ServerReplyError && error.code === 'RATE_LIMITED') return;
  throw error;
}
