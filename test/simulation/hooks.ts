import { milliseconds } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import type { HookName, Hooks } from '../../core/hooks.ts';
import type { Json } from '../../core/json.ts';
import type { ToolCall } from '../../core/model.ts';
import type { EndedTurnJob } from '../../core/ports.ts';
import type { WorkerContext } from '../../core/turn/context.ts';
import { followTurn } from '../../core/turn/follow-up.ts';
import { BesideQueue } from './beside-queue.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** What the hooks of a history need of its cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly settings: { hooks?: boolean };
  coreFor(actor: Actor): Core;
  workerOf(actor: Actor): Omit<WorkerContext, 'core' | 'agentFor'>;
  hookedAgent(actor: Actor): ReturnType<WorkerContext['agentFor']>;
  violated(promise: string, why: string): void;
}

/** The ids say what becomes of messages and calls, so that whoever asks again is told the same. */
const sumOf = (id: string): number => [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
const isRefusedMessage = (id: string): boolean => !id.startsWith('probe') && sumOf(id) % 5 === 0;
const fateOf = ({ id }: Pick<ToolCall, 'id'>): 'refused' | 'changed' | 'allowed' =>
  (['refused', 'changed', 'allowed'] as const)[sumOf(id) % 3] ?? 'allowed';

/** The hooks of an agent, and what is judged of them. */
export class HookWatch {
  readonly #world: World;
  readonly queue: BesideQueue<EndedTurnJob>;
  /** Calls that a worker was allowed to run. */
  readonly #allowed = new Map<string, boolean>();
  /** By turn, how its end was told. */
  readonly #told = new Map<string, string>();
  readonly #steps = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.queue = new BesideQueue(world.scheduler, 'ended', (actor, job) =>
      followTurn(
        {
          ...world.workerOf(actor),
          core: world.coreFor(actor),
          agentFor: () => world.hookedAgent(actor),
        },
        job,
      ),
    );
  }

  /** Whether the agent of this history has hooks. */
  get areThere(): boolean {
    return this.#world.settings.hooks === true;
  }

  hooksFor(actor: Actor): { hooks?: Hooks } {
    if (!this.areThere) return {};
    const asks = (hook: HookName) => this.#asks(actor, hook);
    return {
      hooks: {
        limitMs: () => milliseconds(800),
        beforeTurn: async ({ messages }) => {
          await asks('beforeTurn');
          return messages.some(({ id }) => isRefusedMessage(id))
            ? { refuse: 'I do not answer this.' }
            : undefined;
        },
        beforeToolCall: async (call) => {
          this.#allowed.set(keyOf(actor, call), false);
          await asks('beforeToolCall');
          const fate = fateOf(call);
          if (fate === 'refused') return { refuse: 'Not this one.' };
          this.#allowed.set(keyOf(actor, call), true);
          return fate === 'changed' ? { args: { ...(call.args as object), changed: true } } : undefined;
        },
        afterToolCall: async (_, { output, isError }) => {
          await asks('afterToolCall');
          return isMarked(output, 'ran')
            ? { output: { ...(output as object), seen: true }, isError }
            : undefined;
        },
        afterStep: async (_, number, { setup }) => {
          const { turnId } = setup.caller;
          const last = this.#steps.get(turnId) ?? 0;
          if (number > last + 1)
            this.#world.violated('hooks', `turn ${turnId}: step ${number} told after ${last}`);
          this.#steps.set(turnId, Math.max(last, number));
          await asks('afterStep');
        },
        afterTurn: async ({ outcome }, { setup }) => {
          // A hook that fails is not called again.
          this.#told.set(setup.caller.turnId, outcome);
          await asks('afterTurn');
        },
      },
    };
  }

  /** Some throw, and some take too long. */
  async #asks(actor: Actor, hook: HookName): Promise<void> {
    const { scheduler } = this.#world;
    const { random } = scheduler;
    await scheduler.operation(
      actor,
      () => `hook ${hook}`,
      false,
      () => {},
      false,
    );
    if (random.chance(0.02)) throw new Error('the hook fails');
    if (random.chance(0.02)) await scheduler.sleep(actor, milliseconds(2000));
  }

  /** A tool runs. */
  runs(actor: Actor, call: ToolCall): void {
    if (!this.#world.settings.hooks) return;
    if (!this.#allowed.get(keyOf(actor, call)))
      this.#world.violated('hooks', `${call.id} runs, and its worker was not allowed to run it`);
    if (fateOf(call) === 'changed' && !isMarked(call.args, 'changed'))
      this.#world.violated('hooks', `${call.id} runs with what the model gave`);
  }

  /** Each end is told, unless its session is deleted, and each output that is stored was seen. */
  judge(turns: ReadonlyMap<string, readonly TurnEvent[]>, isDeleted: boolean): void {
    if (!this.#world.settings.hooks) return;
    for (const [id, events] of turns) {
      let isRefused = false;
      for (const event of events) {
        if (event.type === 'applied')
          isRefused ||= event.messages.some((message) => isRefusedMessage(message.id));
        if (isRefused && OF_A_MODEL.has(event.type))
          this.#world.violated('hooks', `${event.type} ${event.seq} answers a message that was refused`);
        if (event.type === 'tool_output_request' && fateOf({ id: event.tool_call_id }) === 'refused')
          this.#world.violated('hooks', `a client is asked to run ${event.tool_call_id}`);
        if (event.type === 'tool_result' && isMarked(event.output, 'ran') && !isMarked(event.output, 'seen'))
          this.#world.violated('hooks', `the output of ${event.id} is stored as the tool gave it`);
      }
      const end = events.at(-1);
      if (isDeleted || end === undefined || !('facts' in end) || !end.facts?.followed) continue;
      const told = this.#told.get(id);
      if (told !== end.type)
        this.#world.violated('hooks', `turn ${id} ended by ${end.type}, and ${told ?? 'nothing'} was told`);
    }
  }
}

/** What a model call that has read a message gives. */
const OF_A_MODEL: ReadonlySet<string> = new Set(['chunk', 'thinking', 'tool_call', 'source', 'done']);

const keyOf = (actor: Actor, { id }: ToolCall): string => `${actor.id} ${id}`;

const isMarked = (value: Json, mark: string): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, mark);
