import { milliseconds } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { Model, ModelPart, ModelRequest } from '../../core/model.ts';
import type { CompactionJob } from '../../core/ports.ts';
import type { Session, StoredEntry, Summary } from '../../core/store/items.ts';
import { compact } from '../../core/turn/compaction.ts';
import type { WorkerContext } from '../../core/turn/context.ts';
import { BesideQueue } from './beside-queue.ts';
import type { Given } from './parts.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** What the summaries of a history need of its cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly settings: { expiry?: unknown; refusal?: unknown };
  readonly gave: ReadonlyMap<number, Given>;
  readonly table: { all(): Iterable<{ sk: string; item: Record<string, unknown> }> };
  readonly session: Session | undefined;
  coreFor(actor: Actor): Core;
  workerOf(actor: Actor): Omit<WorkerContext, 'core' | 'agentFor'>;
  violated(promise: string, why: string): void;
}

/** The queue group of a session's compactions, the model that writes summaries, and what is judged of both. */
export class Compactions {
  readonly #world: World;
  readonly queue: BesideQueue<CompactionJob>;
  /** By the last entry that it is about: the text that was stored. */
  readonly stored = new Map<number, string>();
  #written = 0;

  constructor(world: World) {
    this.#world = world;
    this.queue = new BesideQueue(world.scheduler, 'compaction', (actor, job) =>
      compact(
        {
          ...world.workerOf(actor),
          core: world.coreFor(actor),
          agentFor: async () => ({
            model: this.#compactor(actor),
            compactor: async () => this.#compactor(actor),
            toolbox: noToolbox,
          }),
        },
        job,
      ),
    );
  }

  /** Its summaries can be told apart. Some are longer than is kept. */
  #compactor(actor: Actor): Model {
    const { scheduler } = this.#world;
    const { random } = scheduler;
    const write = (request: ModelRequest, signal: AbortSignal) => this.#write(actor, request, signal);
    const isTroubled = () => scheduler.faults.error > 0 && random.chance(0.2);
    return {
      provider: 'scripted',
      name: 'compactor',
      async *stream(request, signal): AsyncGenerator<ModelPart> {
        const text = await write(request, signal);
        if (signal.aborted) return;
        if (isTroubled()) {
          yield { type: 'failure', failure: FAILURE };
          return;
        }
        yield { type: 'text', text };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 30, outputTokens: 5 } };
      },
    };
  }

  async #write(actor: Actor, { messages }: ModelRequest, signal: AbortSignal): Promise<string> {
    const { scheduler } = this.#world;
    const asked = messages.map((message) => (message.role === 'user' ? message.content : '')).join('\n');
    this.#judgeRequest(asked);
    const n = ++this.#written;
    scheduler.count('summary asked for');
    await scheduler.sleep(actor, milliseconds(scheduler.random.int(0, 3000)), signal);
    return `{S${n}}${'~'.repeat(scheduler.random.int(0, 300))}`;
  }

  /** A summary is made of what was said, of all that the cut left out last, and never of what a model thought. */
  #judgeRequest(asked: string): void {
    const { gave, settings, session, table } = this.#world;
    for (const { parts } of gave.values())
      for (const part of parts)
        if ('opaque' in part && asked.includes(String(part.opaque)))
          this.#world.violated('P11', `a summary is made of what a model thought: ${part.opaque}`);
    const from = session?.promptFrom;
    if (from === undefined || settings.expiry || settings.refusal) return;
    const cut = [...table.all()]
      .filter(({ sk, item }) => sk.startsWith('ENTRY#') && Number(item.n) < from)
      .map(({ item }) => item as unknown as StoredEntry)
      .sort((a, b) => a.n - b.n);
    const refused = cut.flatMap((entry) =>
      entry.role === 'event'
        ? ((JSON.parse(entry.event_json)[2]?.refused as string[] | undefined) ?? [])
        : [],
    );
    const last = cut.findLast(({ role }) => role === 'user');
    if (last?.role === 'user' && refused.includes(last.id)) return;
    if (last?.role !== 'user' || typeof last.content !== 'string') return;
    const words = JSON.stringify(last.content).slice(1, -1).replaceAll('<', '\\u003c');
    // A worker that was paused asks about an earlier cut.
    if (!asked.includes(words) && session?.compaction?.from === from)
      this.#world.violated('P11', `a summary of what entry ${from} left out is made without entry ${last.n}`);
  }

  /** A write of a summary that the table took. `before`: what was there. */
  wrote(before: Summary | undefined, { to, text }: Summary): void {
    if (before && before.text !== text)
      this.#world.violated('P11', `the summary up to ${to} was stored again`);
    this.stored.set(to, text);
    this.#world.scheduler.count('summary stored');
  }
}

const FAILURE = {
  code: 'PROVIDER_ERROR',
  reason: 'provider',
  message: 'The model failed.',
  retryable: true,
  diagnostic: 'scripted',
} as const;

const noToolbox = {
  run: async () => ({ output: null, isError: false }),
  needsApproval: async () => false,
  alwaysCovers: async () => undefined,
  isIdempotent: () => false,
  isAbortable: () => false,
  timeLimitMs: () => milliseconds(1000),
};
