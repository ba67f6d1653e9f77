import type { Content } from '../../core/content.ts';
import type { SystemAnswer } from '../../core/inbound/system-message.ts';
import type { EventFrame } from '../../protocol/server-frames.ts';
import type { Cloud } from './cloud.ts';
import type { Sent } from './device.ts';
import type { Witness } from './evidence.ts';
import type { Random } from './random.ts';
import type { Source } from './scheduler.ts';
import { personWrites } from './texts.ts';

/**
 * The application, which sends messages by itself: each is given to the function until it is answered, in a few tries, as Lambda
 * does, and sometimes once more, as EventBridge does.
 */

const TRIES = 4;
const RETRY_MS = 2000;
/** A message that a limit has withdrawn has a further id for each further try. */
const FURTHER = Array.from({ length: 2 * TRIES }, (_, n) => n + 2);

interface Message {
  id: string;
  content: Content;
  at: number;
  tries: number;
  /** How often it is given even so, once it is answered. */
  repeats: number;
  /** An invocation is under way. */
  busy: boolean;
}

export class Application implements Source, Witness {
  readonly name = 'S';
  /** What it is not told, it asks for. */
  readonly online = false;
  readonly lane = undefined;
  readonly isApplication = true;
  readonly sent = new Map<string, Sent>();
  readonly seen = new Map<number, EventFrame>();
  readonly base = undefined;
  readonly contiguous = 0;
  readonly #cloud: Cloud;
  readonly #messages: Message[] = [];

  constructor(cloud: Cloud, random: Random) {
    this.#cloud = cloud;
    let at = cloud.scheduler.now + random.int(0, 1500);
    for (let n = 1; n <= random.int(1, 4); n++) {
      const id = `S${n}`;
      const content = personWrites(`content of ${id}`, random.chance(0.3));
      const repeats = random.chance(0.4) ? 1 : 0;
      this.#messages.push({ id, content, at, tries: 0, repeats, busy: false });
      at += random.chance(0.4) ? random.int(0, 40) : random.int(50, 3000);
    }
  }

  readyAt(): number {
    return Math.min(...this.#messages.map(({ at, busy }) => (busy ? Number.POSITIVE_INFINITY : at)));
  }

  act(): void {
    const { now } = this.#cloud.scheduler;
    const message = this.#messages.find(({ at, busy }) => !busy && at <= now);
    if (message) this.#give(message);
  }

  #give(message: Message): void {
    const { id, content } = message;
    const { now } = this.#cloud.scheduler;
    for (const known of [id, ...FURTHER.map((n) => `${id}~${n}`)]) {
      if (this.sent.has(known)) continue;
      const common = {
        content,
        lane: undefined,
        connection: undefined,
        sentAt: now,
        at: now,
        delivery: 'steer',
      };
      this.sent.set(known, { id: known, ...common, forgotten: true });
    }
    message.busy = true;
    message.tries++;
    this.#cloud.scheduler.log(`S gives ${id}, try ${message.tries}`);
    this.#cloud.systemMessage({ id, content }, (answer) => {
      message.busy = false;
      const isOver = answer !== undefined && !(answer.type === 'error' && answer.retryable);
      if (answer) this.#hear(id, answer, now);
      if (isOver && message.repeats > 0) message.repeats--;
      else if (isOver || message.tries >= TRIES) {
        message.at = Number.POSITIVE_INFINITY;
        return;
      }
      message.at = this.#cloud.scheduler.now + RETRY_MS;
    });
  }

  #hear(given: string, answer: SystemAnswer, givenAt: number): void {
    if (answer.type === 'cancelled') {
      for (const id of answer.ids) this.#note(id, { outcome: 'cancelled' });
      return;
    }
    const id = answer.id ?? given;
    this.#cloud.scheduler.log(`S hears ${answer.type === 'error' ? answer.code : answer.type} of ${id}`);
    if (answer.type === 'accepted') {
      const { duplicate, placement } = answer;
      const how = duplicate ? 'duplicate' : placement;
      this.#note(id, { acknowledgedAt: this.#cloud.scheduler.now, placement: how, sentAt: givenAt });
    } else if (!answer.retryable) this.#note(id, { outcome: answer.code });
  }

  #note(id: string, news: Partial<Sent>): void {
    const message = this.sent.get(id);
    if (!message) {
      this.#cloud.violated('P10', `the application was answered about ${id}, which it has not sent`);
      return;
    }
    if (message.acknowledgedAt === undefined || news.outcome !== undefined) Object.assign(message, news);
  }
}
