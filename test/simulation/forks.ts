import type { Core } from '../../core/core.ts';
import { entryOf } from '../../core/events/stored-entry.ts';
import { asConnectionId, asSessionId } from '../../core/ids.ts';
import { registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { listSessions } from '../../core/session/session-list.ts';
import type { Principal, Session, StoredEntry } from '../../core/store/items.ts';
import { entryKey, sessionKey, sessionOf } from '../../core/store/keys.ts';
import { MemoryTable, type StoreCall } from '../../core/testing/memory-store.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** Forks of the one session of a history: what devices ask for, what they are told, and what is there. */

const MARK = 'fork-';
const RESEND_MS = 4000;
const isOfFork = ({ pk, sk }: { pk: string; sk: string }) =>
  pk.includes(`#${MARK}`) || sk.includes(`#${MARK}`);

/** The table without the items of forks, which the judges of the session do not look at. */
export class SessionTable extends MemoryTable {
  override *all() {
    for (const one of super.all()) if (!isOfFork(one)) yield one;
  }

  *ofForks() {
    for (const one of super.all()) if (isOfFork(one)) yield one;
  }
}

/** What forks need of their cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly table: SessionTable;
  readonly messageIds: readonly string[];
  readonly refusal: object | undefined;
  readonly vanished: ReadonlySet<number>;
  coreFor(actor: Actor): Core;
  violated(promise: string, why: string): void;
}

export interface Fork {
  id: string;
  by: string;
  frame: { type: 'fork'; session_id: string; from: string; before?: string };
  at: number;
  /** `forked`, or the code of an error. */
  answer?: string;
  /** As `forked` says it. */
  before?: number;
}

export class Forks {
  readonly asked = new Map<string, Fork>();
  readonly #cloud: World;
  readonly #principal: Principal;

  constructor(cloud: World, principal: Principal) {
    this.#cloud = cloud;
    this.#principal = principal;
  }

  #key(id: string) {
    return sessionOf(this.#principal, asSessionId(id));
  }

  session(id: string): Session | undefined {
    return this.#cloud.table.get(sessionKey(this.#key(id)));
  }

  entries(id: string): StoredEntry[] {
    const key = this.#key(id);
    return this.#cloud.table.query(entryKey(key, 1), entryKey(key, Number.MAX_SAFE_INTEGER));
  }

  isPartOf({ pk, sk }: { pk: string; sk: string }): boolean {
    return isOfFork({ pk, sk });
  }

  /** A device asks for a fork: at a message of any device, or of all that has ended. */
  ask(by: string, from: string): Fork {
    const { random, now } = this.#cloud.scheduler;
    const id = `${MARK}${by}${this.asked.size}`;
    const ids = this.#cloud.messageIds;
    const message = random.chance(0.8) ? ids[random.int(0, ids.length - 1)] : undefined;
    const frame = {
      type: 'fork',
      session_id: id,
      from,
      ...(message && { before: message }),
    } as const;
    const fork: Fork = { id, by, frame, at: now };
    this.asked.set(id, fork);
    return fork;
  }

  /** When this device asks again. */
  dueAt(by: string): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#openOf(by).map(({ at }) => at + RESEND_MS));
  }

  /** What this device asks for again. */
  due(by: string): Fork | undefined {
    const { now } = this.#cloud.scheduler;
    const fork = this.#openOf(by).find(({ at }) => at + RESEND_MS <= now);
    if (fork) fork.at = now;
    return fork;
  }

  #openOf(by: string): Fork[] {
    return [...this.asked.values()].filter((fork) => fork.by === by && fork.answer === undefined);
  }

  hear(frame: ServerFrame): void {
    if (!('session_id' in frame) || frame.session_id === undefined) return;
    const fork = this.asked.get(frame.session_id);
    if (!fork) return;
    if (frame.type === 'error' && frame.code !== 'INTERNAL') fork.answer ??= frame.code;
    if (frame.type !== 'forked') return;
    if (fork.answer === 'forked' && fork.before !== frame.forked_from.before)
      this.#cloud.violated('P10', `${fork.id} is another fork when it is asked for again`);
    if (fork.answer === undefined) this.#cloud.scheduler.count('forked');
    fork.answer = 'forked';
    fork.before = frame.forked_from.before;
    const session = this.session(fork.id);
    if (!session || session.copying || session.deleted !== undefined)
      this.#cloud.violated('fork', `${fork.id} was told of, and is not there`);
  }

  /** Notes a write on an item of a fork. Sometimes somebody looks at what is half made. */
  wrote({ operation, key }: StoreCall, before: unknown): void {
    const after = this.#cloud.table.get(key);
    if (operation === 'put' && key.sk.startsWith('ENTRY#') && before && !same(before, after))
      this.#cloud.violated('P8', `${key.pk} ${key.sk} was rewritten with other content`);
    if (!key.sk.startsWith('LANE#') && this.#cloud.scheduler.random.chance(0.05)) this.#look(key.pk);
  }

  #look(pk: string): void {
    const id = pk.slice(pk.lastIndexOf('#') + 1);
    if (!this.asked.has(id) || !this.session(id)) return;
    const { scheduler } = this.#cloud;
    const connection = asConnectionId(scheduler.newId('f'));
    scheduler.spawn('looker', async (actor) => {
      const core = this.#cloud.coreFor(actor);
      const { sessions } = await listSessions(core, this.#principal, { limit: 100, bytes: 100_000 });
      const isListed = sessions.some(({ session_id }) => session_id === id);
      if (isListed && this.session(id)?.copying) this.#cloud.violated('fork', `half of ${id} is in the list`);
      const sessionId = asSessionId(id);
      const isIn = await registerConnection(core, connection, { principal: this.#principal, sessionId });
      const session = this.session(id);
      if (isIn && session?.copying && session.deleted === undefined)
        this.#cloud.violated('fork', `somebody is connected to half of ${id}`);
    });
  }

  /** @param lines the transcript that the events of the session give, as the judge reads them */
  judge(lines: readonly string[], lineOf: (entry: ReturnType<typeof entryOf>) => string): void {
    for (const fork of this.asked.values()) {
      const why = this.#fault(fork, lines, lineOf);
      if (why) this.#cloud.violated('fork', `${fork.id} ${why}`);
    }
  }

  #fault(
    { id, answer, before: told }: Fork,
    lines: readonly string[],
    lineOf: (entry: ReturnType<typeof entryOf>) => string,
  ): string | undefined {
    const session = this.session(id);
    if (!session) return answer === 'forked' ? 'was told of, and is gone' : undefined;
    if (session.deleted !== undefined) {
      const left = [...this.#cloud.table.ofForks()].find(
        ({ pk, sk }) => (pk.endsWith(`#${id}`) && sk !== '-') || sk.endsWith(`#${id}`),
      );
      return left && `was given up, and ${left.pk} ${left.sk} is left`;
    }
    if (session.copying) return 'is half made for ever';
    const { forkedFrom, entry } = session;
    // Somebody has looked at an id that was free, and made a session of it.
    if (!forkedFrom) return undefined;
    const { before } = forkedFrom;
    if (told !== undefined && told !== before)
      return `ends before ${before}, and was said to end before ${told}`;
    if (entry !== before - 1) return `counts ${entry} entries, and ends before ${before}`;
    const isListed = [...this.#cloud.table.ofForks()].some(
      ({ sk }) => sk.startsWith('SESSION#') && sk.endsWith(`#${id}`),
    );
    if (!isListed) return 'is in no list';
    return this.#wrongEntry(id, before, lines, lineOf);
  }

  #wrongEntry(
    id: string,
    before: number,
    lines: readonly string[],
    lineOf: (entry: ReturnType<typeof entryOf>) => string,
  ): string | undefined {
    const found = new Map(this.entries(id).map((item) => [item.n, item]));
    const later = [...found.keys()].find((n) => n >= before);
    if (later !== undefined) return `has entry ${later}, and ends before ${before}`;
    const { refusal, vanished } = this.#cloud;
    // The numbers of such a transcript have gaps.
    if (refusal) return undefined;
    const isEnd = /^event .*"(?:done|aborted|error)"/.test(lines[before - 2] ?? '');
    if (!(lines[before - 1] ?? '').startsWith('user ') && before > 1 && !isEnd)
      return `ends before ${before}, which is no message, and after no end of a turn`;
    for (let n = 1; n < before; n++) {
      const item = found.get(n);
      const line = item && lineOf(entryOf(item));
      if (line !== lines[n - 1] && !(item === undefined && vanished.has(n)))
        return `has "${line}" as entry ${n}, the session has "${lines[n - 1]}"`;
      if (item?.role === 'user' && !this.#cloud.table.get(messageOutcome(this.#key(id), item.id)))
        return `does not know the outcome of ${item.id}`;
    }
    return undefined;
  }
}

const messageOutcome = (session: string, id: string) => ({ pk: `SESSION#${session}`, sk: `MESSAGE#${id}` });

function same(a: unknown, b: unknown): boolean {
  const { expires: _, first: __, ...x } = a as Record<string, unknown>;
  const { expires: ___, first: ____, ...y } = b as Record<string, unknown>;
  return JSON.stringify(x) === JSON.stringify(y);
}
