import { epochMs } from '../../config/units.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { decodeEvents } from '../../core/events/events.ts';
import type { ToolCall } from '../../core/model.ts';
import type { Lane } from '../../core/store/items.ts';
import { contentBytes } from '../../core/store/lane/lane.ts';
import type { Approvals } from './approvals.ts';
import type { ClientCalls } from './client-calls.ts';
import type { BudgetWatch } from './judge-budgets.ts';
import type { Places } from './judge-places.ts';
import type { Promptness } from './promptness.ts';
import type { Actor, Scheduler } from './scheduler.ts';

type Changes = readonly { do: string; path: unknown }[];

/** What a watch over lanes needs of its cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly promptness: Promptness;
  readonly places: Places;
  readonly budgets: BudgetWatch;
  readonly approvals: Approvals;
  readonly clientCalls: ClientCalls;
  readonly committed: Map<number, TurnEvent>;
  readonly deletionConfirmed: boolean;
  violated(promise: string, why: string): void;
}

/** Sees each read and write of a lane: who works on it, what a worker knows of its inbox, and which events become durable. */
export class LaneWatch {
  readonly #world: World;
  readonly #slotOf: (worker: Actor) => string;
  /** Turns with an abort request. */
  readonly abortsAsked = new Set<string>();
  /** Messages that a late duplicate of a request brought into a lane. */
  readonly broughtInLate = new Set<string>();
  /** The actor that claimed each lane last. */
  readonly #workers = new Map<string, Actor>();
  /** The lane that each actor claimed last. */
  readonly #claimed = new Map<Actor, string>();
  /** By lane: the step at which each message of the inbox arrived. Below: when each actor last read a lane. */
  readonly #arrivals = new Map<string, ReadonlyMap<string, number>>();
  readonly #reads = new Map<string, { at: number; before: number; urgent: boolean }>();
  /** Messages with `delivery: now`. */
  readonly #urgent = new Set<string>();
  readonly #encoded = new Map<number, string>();
  #unspilled: readonly string[] | undefined;

  /** @param slotOf the slot of the job that a worker received */
  constructor(world: World, slotOf: (worker: Actor) => string) {
    this.#world = world;
    this.#slotOf = slotOf;
  }

  /** The lane that the actor was the last one to claim. */
  heldBy(actor: Actor): string | undefined {
    const lane = this.#claimed.get(actor);
    return lane !== undefined && this.#workers.get(lane) === actor ? lane : undefined;
  }

  /** P6: a model is called with every message that its worker has read in the inbox. */
  modelCalled(actor: Actor): void {
    const lane = this.heldBy(actor);
    if (lane === undefined) return;
    const seen = this.#reads.get(`${actor.id} ${lane}`)?.at ?? 0;
    for (const [id, arrived] of this.#arrivals.get(lane) ?? []) {
      if (arrived < seen)
        this.#world.violated('P6', `${id} was in the inbox, and the model was called without it`);
    }
  }

  /**
   * A message with `delivery: now` stops abortable tools, and no others. The result of one read can be lost, so the worker
   * must have read the lane twice.
   */
  heeded(actor: Actor, { id, name }: ToolCall, { aborted, reason }: AbortSignal): void {
    const { scheduler } = this.#world;
    const violated = (why: string) => this.#world.violated('now', why);
    const lane = this.heldBy(actor);
    const look = this.#reads.get(`${actor.id} ${lane}`);
    if (lane === undefined || !look) return;
    if (aborted && reason === 'message') {
      scheduler.count('tool cut');
      if (name !== 'brief') violated(`${name} ${id} was stopped, and is not abortable`);
      if (!look.urgent) violated(`${id} was stopped without a message with \`delivery: now\``);
    } else if (name === 'brief' && !aborted) {
      for (const [message, arrived] of this.#arrivals.get(lane) ?? [])
        if (this.#urgent.has(message) && arrived < look.before)
          violated(`${message} has \`delivery: now\`, and ${id} continued`);
    }
  }

  read(actor: Actor, lane: string, item: Lane | undefined): void {
    const key = `${actor.id} ${lane}`;
    this.#reads.set(key, {
      at: this.#world.scheduler.steps,
      before: this.#reads.get(key)?.at ?? 0,
      urgent: Object.values(item?.inbox ?? {}).some(({ now }) => now === true),
    });
  }

  written(actor: Actor, lane: string, item: Lane, changes: Changes): void {
    const { scheduler, promptness, approvals } = this.#world;
    const { isLate, now } = scheduler;
    // Commits and claims return the lane to the worker. Its other writes do not.
    if (!isLate && changes.some(({ path }) => path === 'commitId' || path === 'lease')) {
      this.read(actor, lane, item);
    }
    if (changes.some(({ do: what, path }) => what === 'set' && path === 'lease')) {
      // A late duplicate of a claim leases the lane to a worker that does not know: nobody can write.
      if (isLate) this.#workers.delete(lane);
      else this.#noteClaim(actor, lane, item);
    }
    this.#noteArrivals(lane, item);
    this.#weigh(lane, item);
    if (isLate) for (const id of changes.flatMap(broughtIn)) this.broughtInLate.add(id);
    if (item.cancel) {
      this.abortsAsked.add(item.cancel.turn);
      promptness.begins('stopped', item.cancel.turn, now);
    }
    if (item.lease !== undefined && item.begun?.turn === item.turn)
      for (const id of Object.keys(item.inbox)) promptness.begins('boundary', id, now);
    for (const [request, { decision }] of Object.entries(item.decisions ?? {}))
      approvals.decides(request, decision);
    this.#world.clientCalls.written(lane, item);
    this.#noteEvents(lane, item);
  }

  /** The room that is left on a lane follows from what is pending on it, whichever write it was. */
  #weigh(lane: string, { inbox, waiting, bytes }: Lane): void {
    const pending = [inbox, waiting].flatMap((messages) => Object.values(messages));
    const sum = pending.reduce((before, message) => before + contentBytes(message), 0);
    if (bytes !== sum)
      this.#world.violated('limits', `${lane} counts ${bytes} bytes of ${sum} that are pending`);
  }

  #noteClaim(actor: Actor, lane: string, item: Lane): void {
    const { promptness, places, scheduler } = this.#world;
    this.#workers.set(lane, actor);
    this.#claimed.set(actor, lane);
    promptness.ends('claimed', actor.id, scheduler.now);
    promptness.ends('takenOver', this.#slotOf(actor), scheduler.now);
    places.claimed(item);
  }

  /** A message that a late duplicate brings back arrives anew. */
  #noteArrivals(lane: string, { inbox }: Lane): void {
    const before = this.#arrivals.get(lane);
    const ids = Object.keys(inbox);
    for (const [id, { now }] of Object.entries(inbox)) if (now) this.#urgent.add(id);
    if (before?.size === ids.length && ids.every((id) => before.has(id))) return;
    const { steps } = this.#world.scheduler;
    this.#arrivals.set(lane, new Map(ids.map((id) => [id, before?.get(id) ?? steps])));
  }

  /** P8, P9: a `seq` names one event forever. */
  #noteEvents(lane: string, { unspilled }: Lane): void {
    const { committed, approvals, deletionConfirmed } = this.#world;
    // Items are never changed in place, so the same list has the same events.
    if (unspilled === this.#unspilled) return;
    this.#unspilled = unspilled;
    for (const event of decodeEvents(unspilled)) {
      const { seq } = event;
      const text = JSON.stringify(event);
      const before = this.#encoded.get(seq);
      if (before === text) continue;
      if (before !== undefined)
        this.#world.violated('P9', `seq ${seq} names two events (on ${lane}): ${before} and ${text}`);
      if (deletionConfirmed) this.#world.violated('deletion', `event ${seq} was committed after \`deleted\``);
      this.#encoded.set(seq, text);
      committed.set(seq, event);
      this.#notePromptness(event);
      if (event.type === 'turn_start') this.#noteBegin();
      if (event.type === 'tool_call') approvals.called(`${event.turn}:${event.id}`);
    }
  }

  #noteBegin(): void {
    const { budgets, scheduler } = this.#world;
    const excess = budgets.begun(epochMs(scheduler.now));
    if (excess) this.#world.violated('budget', excess);
  }

  /** What waited for this event. */
  #notePromptness(event: TurnEvent): void {
    const { promptness, scheduler } = this.#world;
    const { now } = scheduler;
    if (event.type === 'chunk')
      for (const [word] of event.content.matchAll(/<\d+\.\d+>/g)) promptness.ends('shown', word, now);
    if (event.type === 'applied') for (const { id } of event.messages) promptness.ends('boundary', id, now);
    if (event.type === 'done' || event.type === 'aborted' || event.type === 'error')
      promptness.ends('stopped', event.turn, now);
  }
}

/** The message that a change adds to a lane. */
const broughtIn = ({ do: what, path }: Changes[number]): string[] =>
  what === 'set' && Array.isArray(path) && (path[0] === 'inbox' || path[0] === 'waiting') ? [path[1]] : [];
