import type { IncomingMessage } from 'node:http';

/** A sender that stalls in mid-body must not hold up the posts behind it for longer. */
const BODY_TIMEOUT_MS = 5000;

export type BodyRead =
  | { kind: 'complete'; text: string }
  | { kind: 'too-large' }
  /** The sender went away or stalled. */
  | { kind: 'incomplete' };

/** Reads a request's body as UTF-8 text, keeping at most `maxBytes`. Does not throw. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyRead> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (result: BodyRead) => {
      clearTimeout(timer);
      request.off('data', take);
      chunks.length = 0;
      // What is still to come is read and forgotten, so that the sender gets to see the answer.
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
    request.once('end', () => finish({ kind: 'complete', text: Buffer.concat(chunks).toString() }));
    // Node reports a sender that goes away in mid-body as an error.
    request.once('error', () => finish({ kind: 'incomplete' }));
  });
}
