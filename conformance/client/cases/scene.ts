import type { Answer, NewEvent, Post, Step } from '../case.ts';

/** The parts that scenes are made of. `$a` is the id of the message `a`. */

export const OPEN: Step = { tell: { do: 'open', url: '', session: 'kit' } };

/** The client connects, and says something that the server receives. */
export const say = (name: string, content: string): Step[] => [
  { tell: { do: 'send', name, content } },
  { expect: { type: 'message', content } },
];

export const accepted = (name: string, placement: 'turn' | 'steering' | 'queued' = 'turn'): Post => ({
  reply: { type: 'accepted', id: `$${name}`, turn_id: 'turn-1', placement, position: 0 },
});

type ErrorReply = Extract<Extract<Post, { reply: unknown }>['reply'], { type: 'error' }>;

/** An `error` that ends nothing. */
export const told = (
  code: ErrorReply['code'],
  more: Partial<Omit<ErrorReply, 'type' | 'code' | 'message' | 'terminal'>> = {},
): Post => ({
  reply: { type: 'error', code, message: 'No.', terminal: false, retryable: false, ...more },
});

/** The same about a message. */
export const refused = (
  name: string,
  code: ErrorReply['code'],
  more: Parameters<typeof told>[1] = {},
): Post => told(code, { id: `$${name}`, ...more });

/** The events with which a turn begins: 1 and 2 of a new session. */
export const begun = (name: string, content: string): NewEvent[] => [
  { type: 'turn_start', message_ids: [`$${name}`] },
  { type: 'applied', messages: [{ id: `$${name}`, content }], step: 1 },
];

export const chunk = (content: string): NewEvent => ({ type: 'chunk', content });
export const DONE: NewEvent = { type: 'done' };

export const events = (...all: NewEvent[]): Post[] => all.map((event) => ({ event }));
export const unsent = (...all: NewEvent[]): Post[] => all.map((event) => ({ unsent: event }));

/** A turn that has begun, and has said one word: events 1 to 3. */
export const running: Step[] = [
  OPEN,
  ...say('a', 'Hello'),
  { post: [accepted('a'), ...events(...begun('a', 'Hello'), chunk('One '))] },
];

/** The next `connect` is that of a client that has the events up to this one. */
export const resumedAfter = (after_seq: number): Step => ({
  expect: { type: 'connect', resume: { after_seq } },
});

export const cutNow: Step = { cut: 1006 };

export const answer = (next: Answer): Step => ({ answerNext: next });

/** All events up to this number. */
export const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);
