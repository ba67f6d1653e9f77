import { isDeepStrictEqual } from 'node:util';
import type { Content } from '../../core/content.ts';
import type { ConnectionId } from '../../core/ids.ts';
import type { EventOf } from '../../protocol/events.ts';
import type { EventFrame, ServerFrame } from '../../protocol/server-frames.ts';
import type { GivenValue } from './client-calls.ts';
import type { Cloud } from './cloud.ts';
import { optionsOf } from './contexts.ts';
import type { Source } from './scheduler.ts';
import { personWrites } from './texts.ts';

/** A user's device: it sends, repeats unanswered messages, loses its network, and returns with or without its memory. */

export type Act =
  | { at: number; do: 'send'; delivery: 'steer' | 'queue' | 'now' }
  | { at: number; do: 'repeat' }
  | { at: number; do: 'cancel'; whose: 'own' | 'any' }
  | { at: number; do: 'abort'; pending: 'keep' | 'discard' }
  | { at: number; do: 'drop'; forget: boolean; ms: number }
  | { at: number; do: 'history' }
  | { at: number; do: 'rename'; provisional?: boolean }
  | { at: number; do: 'revoke' }
  | { at: number; do: 'delete' }
  | { at: number; do: 'fork' }
  | { at: number; do: 'give'; request: string; value: string; malformed: boolean }
  | { at: number; do: 'answer'; request: string; decision: 'approve' | 'deny' | 'always' };

export interface Sent {
  id: string;
  content: Content;
  lane: string | undefined;
  /** The lane that it was first sent on: it can be repeated there only. */
  connection: ConnectionId | undefined;
  sentAt: number;
  /** When it was last sent. */
  at: number;
  delivery: string;
  acknowledgedAt?: number;
  placement?: string;
  /** The agent that each connection had asked for, as it was told, whenever it sent the message. Undefined: not each of them. */
  wish?: string | undefined;
  /** The outcome that it received. */
  outcome?: string;
  /** It does not repeat the message: its memory, or the lane, is gone. */
  forgotten?: true;
}

/** Some messages are long, and some have an image. The id decides, so that a repeated run has the same history. */
function contentOf(id: string, alike: boolean): Content {
  const sum = [...id].reduce((all, letter) => all + letter.charCodeAt(0), 0);
  if (alike && sum % 4 !== 0) return 'the same as before';
  const text = personWrites(`content of ${id}`, sum % 5 < 2);
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
  /** `seq` of the last event that it does not expect. Undefined before its `session_start`. */
  base: number | undefined;
  heard = 0;
  connection: ConnectionId | undefined;
  lane: string | undefined;
  /** The lane of this connection, after `session_start`. A message may be repeated on its own lane only. */
  #speaksOn: string | undefined;
  readonly #cloud: Cloud;
  readonly #sessionId: string;
  readonly #bare: boolean;
  #script: Act[];
  #dialing = false;
  #downUntil = 0;
  /** When it sent a `connect` that `connected` has not answered yet. */
  #connecting: number | undefined;
  #resumes = 0;
  #count = 0;
  #contiguous = 0;
  #lastOnConnection: number | undefined;
  /** It sent other frames before the answer to its `connect`. */
  #pipelined = false;
  /** What it asks for in a `connect` is known for each message from now on. */
  #hasWished = false;
  /** When it sent a `history` that is not answered yet. */
  #asked: number | undefined;
  #highest = 0;
  /** `after_seq` of this connection's last `connect`. */
  #asksAfter: number | undefined;
  /** By message that it cancelled: for each `cancel`, whether the message was accepted by then. */
  readonly #cancelled = new Map<string, boolean>();
  /** The function of one of this connection's frames may have failed. */
  #failed = false;
  /** What it gave over its connection. */
  readonly #gave: { request: string; given: GivenValue }[] = [];
  /** It was told that something is trusted. */
  #trusts = false;
  /** When it sent a `delete` that is not answered yet. */
  #deleting: number | undefined;
  /** It was told that its session is deleted, and stopped. */
  #bereft = false;

  /** `comesAt`: when it first connects. */
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

  /** Whether it was told that its session is deleted. */
  get bereft(): boolean {
    return this.#bereft;
  }

  /** `seq` up to which it received every event. */
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
        this.#deleting !== undefined ||
        this.#cloud.forks.dueAt(this.name) < Number.POSITIVE_INFINITY;
      return wants ? this.#downUntil : Number.POSITIVE_INFINITY;
    }
    let at = this.#script[0]?.at ?? Number.POSITIVE_INFINITY;
    if (this.#connecting !== undefined) at = Math.min(at, this.#connecting + RESEND_MS);
    else {
      for (const message of this.#open()) at = Math.min(at, message.at + RESEND_MS);
      if (this.#failed || this.#hole()) at = Math.min(at, now);
      if (this.#asked !== undefined) at = Math.min(at, this.#asked + RESEND_MS);
      if (this.#deleting !== undefined) at = Math.min(at, this.#deleting + RESEND_MS);
      at = Math.min(at, this.#cloud.forks.dueAt(this.name));
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

  /** Resumes after a gap, and repeats what is not answered. */
  #mend(): void {
    const { now } = this.#cloud.scheduler;
    if (this.#failed) {
      this.#failed = false;
      this.#log('received that a frame failed, resumes');
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
    const fork = this.#cloud.forks.due(this.name);
    if (fork) {
      this.#log(`asks for ${fork.id} again`);
      this.#frame(fork.frame);
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

  /** Sends a message beside the script. */
  send(id: string, delivery: 'steer' | 'queue' | 'now' = 'steer'): void {
    const { now } = this.#cloud.scheduler;
    const message: Sent = {
      id,
      content: contentOf(id, this.#cloud.settings.cache),
      // The lane is known after `session_start`: a frame that overtakes `connect` uses another lane than the one requested.
      lane: this.#speaksOn,
      connection: this.connection,
      sentAt: now,
      at: now,
      delivery,
      wish: this.#cloud.settings.agents?.get(this.name),
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

  /** Sends a delayed repeat of any message so far, most often the last. */
  #repeatAny(): void {
    const { random } = this.#cloud.scheduler;
    const sent = [...this.sent.values()];
    const message = random.chance(0.4) ? sent.at(-1) : sent[random.int(0, sent.length - 1)];
    // Its outcome is stored, so any lane may receive the repeat.
    if (message && (this.#mayRepeat(message) || this.#cloud.knowsOutcome(message.id))) this.#say(message);
  }

  /** Cancels a message of any device of the session. */
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
    let connection: ConnectionId | undefined;
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
    const agent = this.#cloud.settings.agents?.get(this.name);
    this.#frame({ type: 'connect', resume, ...(agent !== undefined && { agent }) });
  }

  #say(message: Sent): void {
    message.at = this.#cloud.scheduler.now;
    if (!this.#hasWished) message.wish = undefined;
    const options = this.#cloud.settings.contexts ? optionsOf(message.id) : undefined;
    this.#frame({
      type: 'message',
      id: message.id,
      content: message.content,
      delivery: message.delivery,
      ...(options && { options }),
    });
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
        this.#frame({
          type: 'rename',
          session_id: this.#sessionId,
          name: act.provisional ? `what ${this.name} began with` : `as ${this.name} has it`,
          ...(act.provisional && { provisional: true }),
        });
        break;
      case 'revoke':
        this.#frame({ type: 'revoke' });
        break;
      case 'delete':
        this.#askDeletion();
        break;
      case 'fork':
        this.#frame(this.#cloud.forks.ask(this.name, this.#sessionId).frame);
        break;
      case 'answer':
        this.#cloud.approvals.answered.add(`${act.request} ${act.decision}`);
        this.#frame({ type: 'approval_response', request_id: act.request, decision: act.decision });
        break;
      case 'give':
        this.#give(act);
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

  #receive(connection: ConnectionId | undefined, frame: ServerFrame): void {
    if ('seq' in frame) {
      // P9: on one connection each event arrives once and in order. Faults may repeat events or leave a gap. So may a client
      // that resumes after another frame of it has opened the connection.
      if (connection === this.connection && !this.#pipelined) {
        if (this.#lastOnConnection !== undefined && frame.seq !== this.#lastOnConnection + 1) {
          this.#cloud.disorder ??= `${this.name} was given event ${frame.seq} after ${this.#lastOnConnection}`;
        }
        this.#lastOnConnection = frame.seq;
      }
      const before = this.seen.get(frame.seq);
      // The text of a turn may be gone: its session is deleted, or the store refused it. Then its end has none.
      const claimless =
        (this.#cloud.isDeleted || this.#cloud.refusal !== undefined) &&
        (hasNoText(before) || hasNoText(frame));
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
      if (!before && frame.type === 'tool_output_request') this.#mayGive(frame);
      if (!before && frame.type === 'turn_start' && this.#trusts) this.#mayRevoke();
      return;
    }
    this.#cloud.forks.hear(frame);
    switch (frame.type) {
      case 'renamed':
        this.#cloud.titles.told(frame.name);
        break;
      case 'trusted':
        this.#trusts = frame.trusted.length > 0;
        break;
      case 'session_start':
        this.base ??= frame.last_seq;
        this.heard = Math.max(this.heard, frame.last_seq);
        // The next event on this connection follows the requested one, or the one that `session_start` named.
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
        if (connection === this.connection) {
          this.#connecting = undefined;
          this.#hasWished = true;
        }
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
            this.#cloud.violated('P1', `${id} was accepted, and ${this.name} is told that it is unknown`);
        }
        for (const { request, given } of this.#gave) if (request === frame.id) given.refused = true;
        if (frame.id !== undefined && frame.code !== 'NOT_PENDING' && frame.code !== 'INTERNAL')
          this.#outcome(frame.id, frame.code);
    }
  }

  #lost(downMs: number): void {
    for (const { given } of this.#gave.splice(0)) given.cut = true;
    this.connection = undefined;
    this.#connecting = undefined;
    this.#speaksOn = undefined;
    this.#lastOnConnection = undefined;
    this.#asksAfter = undefined;
    this.#pipelined = false;
    this.#hasWished = false;
    this.#failed = false;
    this.#asked = undefined;
    this.#downUntil = this.#cloud.scheduler.now + downMs;
    for (const message of this.#open()) if (message.lane === undefined) message.forgotten = true;
  }

  /** Nothing that it waits for will arrive, and it was told so. */
  #bereave(): void {
    this.#bereft = true;
    for (const message of this.#open()) message.forgotten = true;
  }

  /** Some users decide, some do not, and some take longer than the worker waits. */
  #considers(request: string, timeoutMs: number): void {
    const { random, now } = this.#cloud.scheduler;
    if (random.chance(0.3)) return;
    const soon = random.int(0, 3000);
    const atTheLastMoment = timeoutMs + random.int(-100, 20);
    const at = now + random.pick(soon, soon, random.int(3000, 60_000), atTheLastMoment);
    const decision = random.pick('approve', 'approve', 'deny', 'always');
    this.#plan({ at, do: 'answer', request, decision });
    if (decision === 'always' && random.chance(0.3))
      this.#plan({ at: at + random.int(-50, 100), do: 'revoke' });
  }

  /**
   * Some users answer at once, some late, some twice, with the same or with something else, and some devices answer what another one is
   * asked.
   */
  #mayGive({ request_id: request, lane, timeout_secs: seconds }: EventOf<'tool_output_request'>): void {
    const { random, now } = this.#cloud.scheduler;
    if (!random.chance(lane === this.lane ? 0.8 : 0.3)) return;
    const soon = random.int(0, 3000);
    const atTheLastMoment = seconds * 1000 + random.int(-100, 20);
    const at = now + random.pick(soon, soon, random.int(3000, 60_000), atTheLastMoment);
    const value = (n: number) => `${random.pick('here', 'gone')} ${this.name}${n} ${request}`;
    const first = value(1);
    const malformed = random.chance(0.1);
    this.#plan({ at, do: 'give', request, value: first, malformed });
    if (malformed || random.chance(0.4)) {
      const again = random.chance(0.5) && !malformed ? first : value(2);
      this.#plan({ at: at + random.int(-20, 700), do: 'give', request, value: again, malformed: false });
    }
  }

  #give({ request, value, malformed }: Extract<Act, { do: 'give' }>): void {
    const isError = value.startsWith('gone');
    const given: GivenValue = { value, isError, malformed, lane: this.#speaksOn };
    if (!this.connection || this.#connecting !== undefined) given.cut = true;
    this.#cloud.clientCalls.gives(request, given);
    this.#gave.push({ request, given });
    const both = { output: value, error: value };
    const frame = malformed ? both : isError ? { error: value } : { output: value };
    this.#frame({ type: 'tool_output', request_id: request, ...frame });
  }

  /** Of a turn that began while something is trusted. */
  #mayRevoke(): void {
    const { random, now } = this.#cloud.scheduler;
    if (random.chance(0.5)) this.#plan({ at: now + random.int(0, 500), do: 'revoke' });
  }

  #plan(act: Act): void {
    this.#script = [...this.#script, act].sort((a, b) => a.at - b.at);
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
