import { isDeepStrictEqual } from 'node:util';
import type { Content } from '../../core/content.ts';
import type { EventFrame, ServerFrame } from '../../protocol/server-frames.ts';
import type { Cloud } from './cloud.ts';
import type { Source } from './scheduler.ts';

/** A person's device: sends, repeats what is not answered, loses its network, comes back with or without its memory. */

export type Act =
  | { at: number; do: 'send'; delivery: 'steer' | 'queue' | 'now' }
  | { at: number; do: 'repeat' }
  | { at: number; do: 'cancel'; whose: 'own' | 'any' }
  | { at: number; do: 'abort'; pending: 'keep' | 'discard' }
  | { at: number; do: 'drop'; forget: boolean; ms: number }
  | { at: number; do: 'history' }
  | { at: number; do: 'rename' }
  | { at: number; do: 'delete' }
  | { at: number; do: 'answer'; request: string; decision: 'approve' | 'deny' | 'always' };

export interface Sent {
  id: string;
  content: Content;
  lane: string | undefined;
  /** It can be repeated only on the lane of the connection that it was first sent on. */
  connection: string | undefined;
  sentAt: number;
  /** Last time it was sent. */
  at: number;
  delivery: string;
  acknowledgedAt?: number;
  placement?: string;
  /** What it was told of the message's outcome. */
  outcome?: string;
  /** It will not ask again: its memory, or the lane, is gone. */
  forgotten?: true;
}

/** Every third message or so has an image: which ones follows from the id, so that a history is the same when it is run again. */
function contentOf(id: string, alike: boolean): Content {
  const text = `content of ${id}`;
  const sum = [...id].reduce((all, letter) => all + letter.charCodeAt(0), 0);
  if (alike && sum % 4 !== 0) return 'the same as before';
  if (sum % 3 !== 0) return text;
  if (sum % 2 === 0)
    return [
      { type: 'text', text },
      { type: 'image', url: `https://images.test/${id}.png` },
    ];
  return [{ type: 'image', media_type: 'image/png', data: btoa(id) }];
}

const RESEND_MS = 4000;
const MAX_RESUMES = 12;

export class Device implements Source {
  readonly name: string;
  readonly sent = new Map<string, Sent>();
  readonly seen = new Map<number, EventFrame>();
  /** The last event before those that this device wants to see; undefined until it was greeted. */
  base: number | undefined;
  heard = 0;
  connection: string | undefined;
  lane: string | undefined;
  /** The lane of this very connection, once it was greeted: messages may be repeated on their own lane alone. */
  #speaksOn: string | undefined;
  readonly #cloud: Cloud;
  readonly #sessionId: string;
  readonly #bare: boolean;
  #script: Act[];
  #dialing = false;
  #downUntil = 0;
  /** When `connect` was sent and not answered by `connected` yet. */
  #connecting: number | undefined;
  #resumes = 0;
  #count = 0;
  #contiguous = 0;
  #lastOnConnection: number | undefined;
  /** It did not wait for the answer to its `connect`. */
  #pipelined = false;
  /** When it asked for the history and was not answered yet. */
  #asked: number | undefined;
  #highest = 0;
  /** What the last `connect` of this connection resumes after. */
  #asksAfter: number | undefined;
  /** By message that it asked to withdraw: whether that was accepted already, each time. */
  readonly #cancelled = new Map<string, boolean>();
  /** A frame of this connection may not have been handled. */
  #failed = false;
  /** When it asked for its session to be deleted and was not answered yet. */
  #deleting: number | undefined;
  /** It was told that its session is deleted, and stops. */
  #bereft = false;

  /** `comesAt`: when it dials first. */
  constructor(
    cloud: Cloud,
    name: string,
    sessionId: string,
    script: Act[],
    { bare, comesAt }: { bare: boolean; comesAt: number },
  ) {
    this.#cloud = cloud;
    this.name = name;
    this.#sessionId = sessionId;
    this.#script = script;
    this.#bare = bare;
    this.#downUntil = comesAt;
  }

  get online(): boolean {
    return this.connection !== undefined;
  }

  /** Whether it knows that its session is deleted. */
  get bereft(): boolean {
    return this.#bereft;
  }

  /** The last event up to which it has seen every one. */
  get contiguous(): number {
    this.#contiguous = Math.max(this.#contiguous, this.base ?? 0);
    while (this.seen.has(this.#contiguous + 1)) this.#contiguous++;
    return this.#contiguous;
  }

  readyAt(now: number): number {
    if (this.#dialing || this.#bereft) return Number.POSITIVE_INFINITY;
    if (!this.connection) {
      const wants =
        this.#script.length > 0 ||
        this.#open().length > 0 ||
        this.base !== undefined ||
        this.#deleting !== undefined;
      return wants ? this.#downUntil : Number.POSITIVE_INFINITY;
    }
    let at = this.#script[0]?.at ?? Number.POSITIVE_INFINITY;
    if (this.#connecting !== undefined) at = Math.min(at, this.#connecting + RESEND_MS);
    else {
      for (const message of this.#open()) at = Math.min(at, message.at + RESEND_MS);
      if (this.#failed || this.#hole()) at = Math.min(at, now);
      if (this.#asked !== undefined) at = Math.min(at, this.#asked + RESEND_MS);
      if (this.#deleting !== undefined) at = Math.min(at, this.#deleting + RESEND_MS);
    }
    return at;
  }

  act(): void {
    const { now } = this.#cloud.scheduler;
    const next = this.#script[0];
    if (!this.connection) this.#dial();
    else if (this.#connecting !== undefined && this.#connecting + RESEND_MS <= now) this.#hello();
    else if (next && next.at <= now) {
      this.#script.shift();
      this.#do(next);
    } else if (this.#connecting === undefined) this.#mend();
  }

  /** A hole is resumed, what is not answered is repeated. */
  #mend(): void {
    const { now } = this.#cloud.scheduler;
    if (this.#failed) {
      this.#failed = false;
      this.#log('was told that a frame failed, resumes');
      this.#hello();
      return;
    }
    if (this.#hole()) {
      this.#resumes++;
      this.#log(`has a hole after ${this.contiguous}, resumes`);
      this.#hello();
      return;
    }
    if (this.#asked !== undefined && this.#asked + RESEND_MS <= now) {
      this.#log('asks for the history again');
      this.#askHistory();
      return;
    }
    if (this.#deleting !== undefined && this.#deleting + RESEND_MS <= now) {
      this.#log('asks for the deletion again');
      this.#askDeletion();
      return;
    }
    for (const message of this.#open()) {
      if (message.at + RESEND_MS > now) continue;
      if (message.lane !== undefined && this.#speaksOn !== undefined && message.lane !== this.#speaksOn) {
        message.forgotten = true;
        continue;
      }
      if (!this.#mayRepeat(message)) {
        message.at = now;
        continue;
      }
      this.#log(`repeats ${message.id}`);
      this.#say(message);
      return;
    }
  }

  /** A message from outside the script. */
  send(id: string, delivery: 'steer' | 'queue' | 'now' = 'steer'): void {
    const { now } = this.#cloud.scheduler;
    const message: Sent = {
      id,
      content: contentOf(id, this.#cloud.settings.cache),
      // Known once `session_start` has come: a frame that overtakes `connect` goes over another lane than was asked for.
      lane: this.#speaksOn,
      connection: this.connection,
      sentAt: now,
      at: now,
      delivery,
    };
    this.sent.set(id, message);
    this.#cloud.messageIds.push(id);
    this.#say(message);
  }

  #mayRepeat(message: Sent): boolean {
    return (
      message.connection === this.connection ||
      (message.lane !== undefined && message.lane === this.#speaksOn)
    );
  }

  #open(): Sent[] {
    return [...this.sent.values()].filter(
      ({ acknowledgedAt, outcome, forgotten }) =>
        acknowledgedAt === undefined && outcome === undefined && !forgotten,
    );
  }

  /** A request that was held up somewhere: of any message so far, most often of the last. */
  #repeatAny(): void {
    const { random } = this.#cloud.scheduler;
    const sent = [...this.sent.values()];
    const message = random.chance(0.4) ? sent.at(-1) : sent[random.int(0, sent.length - 1)];
    // What became of it is known to any lane by then.
    if (message && (this.#mayRepeat(message) || this.#cloud.knowsFate(message.id))) this.#say(message);
  }

  /** Of any device of the session: people have other ways to tell each other of their messages. */
  #anyMessage(): string | undefined {
    const { random } = this.#cloud.scheduler;
    const ids = this.#cloud.messageIds;
    return ids[random.int(Math.max(0, ids.length - 4), ids.length - 1)];
  }

  #hole(): boolean {
    if (this.base === undefined || this.#resumes >= MAX_RESUMES) return false;
    const last = this.contiguous;
    return Math.max(this.heard, this.#highest) > last;
  }

  #dial(): void {
    this.#dialing = true;
    this.#log('dials');
    let connection: string | undefined;
    this.#cloud.connect(
      this.#sessionId,
      {
        frame: (frame) => this.#receive(connection, frame),
        failed: () => {
          if (connection === this.connection) this.#failed = true;
        },
        closed: () => this.#lost(500),
      },
      (opened) => {
        this.#dialing = false;
        connection = opened;
        this.connection = opened;
        if (!opened) {
          this.#downUntil = this.#cloud.scheduler.now + 500;
          return;
        }
        if (!this.#bare || this.lane !== undefined || this.base !== undefined) this.#hello();
      },
    );
  }

  #hello(): void {
    this.#connecting = this.#cloud.scheduler.now;
    this.#asksAfter = this.base === undefined ? undefined : this.contiguous;
    const resume = {
      ...(this.lane !== undefined && { lane: this.lane }),
      ...(this.#asksAfter !== undefined && { after_seq: this.#asksAfter }),
    };
    this.#frame({ type: 'connect', resume });
  }

  #say(message: Sent): void {
    message.at = this.#cloud.scheduler.now;
    this.#frame({ type: 'message', id: message.id, content: message.content, delivery: message.delivery });
  }

  #askHistory(): void {
    this.#asked = this.#cloud.scheduler.now;
    this.#frame({ type: 'history' });
  }

  #askDeletion(): void {
    this.#deleting = this.#cloud.scheduler.now;
    this.#frame({ type: 'delete', session_id: this.#sessionId });
  }

  #frame(frame: Record<string, unknown>): void {
    if (frame.type !== 'connect' && this.#connecting !== undefined && this.#speaksOn === undefined) {
      this.#pipelined = true;
    }
    if (this.connection) this.#cloud.frame(this.connection, JSON.stringify(frame));
  }

  #do(act: Act): void {
    const last = [...this.sent.values()].at(-1);
    this.#log(`${act.do}s`);
    switch (act.do) {
      case 'send':
        this.send(`${this.name}m${++this.#count}`, act.delivery);
        break;
      case 'repeat':
        this.#repeatAny();
        break;
      case 'cancel': {
        const id = act.whose === 'own' ? last?.id : this.#anyMessage();
        if (id === undefined) break;
        const accepted = this.#cloud.acknowledged.has(id);
        this.#cancelled.set(id, accepted && this.#cancelled.get(id) !== false);
        this.#frame({ type: 'cancel', id });
        break;
      }
      case 'abort':
        this.#frame({ type: 'abort', pending: act.pending });
        break;
      case 'history':
        this.#askHistory();
        break;
      case 'rename':
        this.#frame({ type: 'rename', session_id: this.#sessionId, name: `as ${this.name} has it` });
        break;
      case 'delete':
        this.#askDeletion();
        break;
      case 'answer':
        this.#cloud.answered.add(`${act.request} ${act.decision}`);
        this.#frame({ type: 'approval_response', request_id: act.request, decision: act.decision });
        break;
      case 'drop':
        if (this.connection) this.#cloud.disconnect(this.connection);
        this.#lost(act.ms);
        if (act.forget) {
          this.lane = undefined;
          for (const message of this.#open()) message.forgotten = true;
        }
    }
  }

  #receive(connection: string | undefined, frame: ServerFrame): void {
    if ('seq' in frame) {
      // P9: on one connection each event comes once, in order. Faults may repeat some, or bring a hole; so may a client
      // that asks to resume when another frame of it has been greeted already.
      if (connection === this.connection && !this.#pipelined) {
        if (this.#lastOnConnection !== undefined && frame.seq !== this.#lastOnConnection + 1) {
          this.#cloud.disorder ??= `${this.name} was given event ${frame.seq} after ${this.#lastOnConnection}`;
        }
        this.#lastOnConnection = frame.seq;
      }
      const before = this.seen.get(frame.seq);
      // Of a deleted session the text of a turn may be gone already: then its end claims none.
      const claimless = this.#cloud.isDeleted && (hasNoText(before) || hasNoText(frame));
      const [one, other] = [before, frame].map((version) =>
        claimless ? { ...version, full_response: null, full_response_omitted: true } : version,
      );
      if (before && !isDeepStrictEqual(one, other)) {
        this.#cloud.violated('P3', `${this.name} was shown two versions of event ${frame.seq}`);
      }
      this.seen.set(frame.seq, before && hasNoText(frame) ? before : frame);
      this.#highest = Math.max(this.#highest, frame.seq);
      if (!before && frame.type === 'approval_request')
        this.#considers(frame.request_id, frame.timeout_secs * 1000);
      return;
    }
    switch (frame.type) {
      case 'session_start':
        this.base ??= frame.last_seq;
        this.heard = Math.max(this.heard, frame.last_seq);
        // What comes next on this connection is what follows the last event that was asked for, or told of.
        if (connection === this.connection) this.#lastOnConnection ??= this.#asksAfter ?? frame.last_seq;
        if (connection === this.connection || this.connection === undefined) {
          this.lane = frame.lane;
          this.#speaksOn = frame.lane;
          for (const message of this.sent.values()) {
            if (message.connection === connection) message.lane ??= frame.lane;
          }
        }
        break;
      case 'history':
        this.#asked = undefined;
        break;
      case 'connected':
        if (connection === this.connection) this.#connecting = undefined;
        break;
      case 'accepted': {
        const message = this.sent.get(frame.id);
        if (message && message.acknowledgedAt === undefined) {
          message.acknowledgedAt = this.#cloud.scheduler.now;
          this.#cloud.acknowledged.add(frame.id);
          message.placement = frame.duplicate ? 'duplicate' : frame.placement;
        }
        break;
      }
      case 'cancelled':
        for (const id of frame.ids) this.#outcome(id, 'cancelled');
        break;
      case 'deleted':
        this.#bereave();
        break;
      case 'error':
        if (frame.code === 'SESSION_DELETED' && frame.id === undefined) this.#bereave();
        if (frame.id !== undefined && frame.code === 'NOT_PENDING') {
          const { id, turn_id: turn, placement } = frame;
          if (turn !== undefined) this.#cloud.notPending.push({ id, turn, placement });
          else if (this.#cancelled.get(id))
            this.#cloud.violated('P1', `${id} was accepted, and ${this.name} is told that nobody knows it`);
        }
        if (frame.id !== undefined && frame.code !== 'NOT_PENDING' && frame.code !== 'INTERNAL')
          this.#outcome(frame.id, frame.code);
    }
  }

  #lost(downMs: number): void {
    this.connection = undefined;
    this.#connecting = undefined;
    this.#speaksOn = undefined;
    this.#lastOnConnection = undefined;
    this.#asksAfter = undefined;
    this.#pipelined = false;
    this.#failed = false;
    this.#asked = undefined;
    this.#downUntil = this.#cloud.scheduler.now + downMs;
    for (const message of this.#open()) if (message.lane === undefined) message.forgotten = true;
  }

  /** All that it waited for will never come, and it was told so. */
  #bereave(): void {
    this.#bereft = true;
    for (const message of this.#open()) message.forgotten = true;
  }

  /** Some answer, some do not; some think for longer than the turn is held. */
  #considers(request: string, timeoutMs: number): void {
    const { random, now } = this.#cloud.scheduler;
    if (random.chance(0.3)) return;
    const soon = random.int(0, 3000);
    const atTheLastMoment = timeoutMs + random.int(-100, 20);
    const at = now + random.pick(soon, soon, random.int(3000, 60_000), atTheLastMoment);
    const decision = random.pick('approve', 'approve', 'deny', 'always');
    const answer: Act = { at, do: 'answer', request, decision };
    this.#script = [...this.#script, answer].sort((a, b) => a.at - b.at);
  }

  #outcome(id: string, outcome: string): void {
    const message = this.sent.get(id);
    if (message) message.outcome ??= outcome;
  }

  #log(text: string): void {
    this.#cloud.scheduler.log(`device ${this.name} ${text}`);
  }
}

const hasNoText = (frame: EventFrame | undefined): boolean =>
  frame !== undefined && 'full_response_omitted' in frame && frame.full_response_omitted === true;
