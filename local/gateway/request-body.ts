import type { IncomingMessage } from 'node:http';

/** The time after which a stalled sender no longer blocks later posts. */
const BODY_TIMEOUT_MS = 5000;

export type BodyRead =
  | { kind: 'complete'; bytes: Buffer; text: string }
  | { kind: 'too-large' }
  /** The sender disconnected or stalled. */
  | { kind: 'incomplete' };

/** Reads a request's body as UTF-8, keeping at most `maxBytes`. Does not throw. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyRead> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (result: BodyRead) => {
      clearTimeout(timer);
      request.off('data', take);
      chunks.length = 0;
      // The rest is read and discarded, so that the sender reads the answer.
      request.resume();
      resolve(result);
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > maxBytes) finish({ kind: 'too-large' });
    };
    const timer = setTimeout(() => finish({ kind: 'incomplete' }), BODY_TIMEOUT_MS);
    request.on('data', take);
    request.once('end', () => {
      const whole = Buffer.concat(chunks);
      finish({ kind: 'complete', bytes: whole, text: whole.toString() });
    });
    // Node reports a sender that disconnects as an error.
    request.once('error', () => finish({ kind: 'incomplete' }));
  });
}
