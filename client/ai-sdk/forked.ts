import type { UIMessage } from 'ai';
import { type Chat, type Item, MidturnError } from '../index.ts';
import { unsupported } from './content-parts.ts';
import type { Refusal } from './restored.ts';
import { answerId, type Chunk } from './ui-message.ts';

const refused = (message: string): Refusal => ({ code: 'UNSUPPORTED', message, retryable: false });

export const NOT_AGAIN = refused(
  'An answer cannot be made again: what was said stays. Send a new message instead.',
);
export const NOT_EDITED = refused('A message cannot be edited: it was sent. Send a new one instead.');

/** Whether the user message was sent before. */
export const sentIn = (items: readonly Item[], id: string): boolean =>
  items.some((item) => item.kind === 'user' && item.id === id);

/** @throws {MidturnError} `UNSUPPORTED`: no other session can have this message */
export function checkForked({ transcript }: Chat, { id }: UIMessage): void {
  const item = transcript.getSnapshot().items.find((one) => one.kind === 'user' && one.id === id);
  if (item?.kind === 'user' && item.state.status !== 'applied')
    throw unsupported('The message was not taken in, so nothing goes on from there. Send a new one instead.');
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof MidturnError)) throw error;
  const { code, message } = error;
  return { code, message, retryable: 'retryable' in error && error.retryable === true };
}

/** The answer's message is there at once, so that it stands before what the user writes while the fork is made. */
export function answerOf(messageId: string, answer: Promise<ReadableStream<Chunk>>): ReadableStream<Chunk> {
  const { readable, writable } = new TransformStream<Chunk, Chunk>();
  const tell = async () => {
    const writer = writable.getWriter();
    try {
      await writer.write({ type: 'start', messageId: answerId(messageId) });
    } finally {
      writer.releaseLock();
    }
    await answer.then(
      (stream) => stream.pipeTo(writable),
      (error) => writable.abort(error),
    );
  };
  // Whoever reads is told. When nobody reads any more, there is nothing to tell.
  tell().catch(() => {});
  return readable;
}
