import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { anyText } from '../../test/support/text.ts';
import { messagesIn } from './messages-in.ts';
import { PROGRESS, progressOf } from './progress.ts';

/** A server's answer whose bytes come in these pieces. */
const answerOf = (pieces: readonly Uint8Array[]) =>
  new Response(ReadableStream.from(pieces) as ReadableStream<Uint8Array>, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  });

const notification = (message: string, progressToken: string | number = 7) =>
  `data: ${JSON.stringify({ method: 'notifications/progress', params: { progressToken, progress: 1, message } })}`;

it('what a server says of its progress is told as it said it, wherever its bytes are divided, and its answer is the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyText({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('\n\n', '\r\n\r\n', '\r\r'),
      fc.integer({ min: 1, max: 40 }),
      async (messages, end, size) => {
        const text =
          [...messages.map((message) => notification(message)), notification('of another', 8)].join(end) +
          end;
        const bytes = new TextEncoder().encode(text);
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.slice(i * size, (i + 1) * size),
        );
        const told: object[] = [];
        const watched = messagesIn(answerOf(pieces), [PROGRESS], (message) => {
          const value = progressOf(message, { progressToken: 7, userToken: undefined });
          if (value) told.push(value);
        });
        expect(await watched.text()).toBe(text);
        expect(told).toEqual(messages.map((message) => ({ progress: 1, message })));
      },
    ),
    { numRuns: cases(300) },
  );
});
