import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart, Toolbox } from '../model.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import { LANE_POLL_MS } from './context.ts';

/** How soon a turn heeds what happens while it waits, in virtual time. What it waits for takes minutes. */

const MINUTES_MS = 600_000;
const RESERVE_MS = 2000;

const finish = (reason = 'stop'): ModelPart => ({
  type: 'finish',
  reason,
  usage: { inputTokens: 1, outputTokens: 1 },
});
const limited: ModelPart = {
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'throttled',
    message: 'Limited.',
    retryable: true,
    diagnostic: 'scripted',
    retryAfterMs: milliseconds(25_000),
  },
};

/** How long it waits before something happens. */
const BEFORE_MS = milliseconds(1234);

/** Told by a turn that waits. */
interface World {
  /** It waits from now on. */
  reached(): void;
  /** It waits, and no time passes: something happens now. */
  happens(): Promise<void>;
  /** Some minutes, or until the signal aborts. */
  minutes(signal?: AbortSignal): Promise<void>;
}
type Stream = (world: World, signal: AbortSignal) => AsyncIterable<ModelPart>;

/** A turn that waits in one way, until somebody steers it, stops it, or another invocation goes on with it. */
interface Place {
  stream?: Stream;
  prepares?: (world: World) => Promise<void>;
  toolbox?: (world: World) => Partial<Toolbox>;
  settings?: Record<string, string>;
}

const calls: Stream = async function* () {
  yield { type: 'tool_call', id: 'call', name: 'tool', args: {} };
  yield finish('tool_calls');
};
const HELD = { MIDTURN_APPROVAL_HOLD_SECONDS: '30', MIDTURN_APPROVAL_TIMEOUT_SECONDS: '25' };

const PLACES = {
  'a silent model': {
    async *stream({ reached, minutes }, signal) {
      reached();
      await minutes(signal);
      yield* [];
    },
  },
  'a model that says a word and falls silent': {
    async *stream({ reached, minutes }, signal) {
      yield { type: 'text', text: 'word ' };
      reached();
      await minutes(signal);
    },
  },
  'a model that does not stop talking': {
    async *stream({ happens }, signal) {
      for (let words = 0; words < 300 && !signal.aborted; words++) {
        yield { type: 'text', text: 'word ' };
        if (words === 1) await happens();
      }
      yield finish();
    },
  },
  'a pause before a repeated call': {
    async *stream({ reached }) {
      reached();
      yield limited;
    },
  },
  'code of the agent that prepares a step': {
    async prepares({ reached, minutes }) {
      reached();
      await minutes();
    },
  },
  'a tool that heeds its signal': {
    stream: calls,
    toolbox: ({ reached, minutes }) => ({
      isAbortable: () => true,
      async run(_call, { signal }) {
        reached();
        await minutes(signal);
        return { output: 'stopped', isError: false };
      },
    }),
  },
  'an approval of a user': {
    stream: calls,
    toolbox: ({ reached }) => ({
      async needsApproval() {
        reached();
        return true;
      },
    }),
    settings: HELD,
  },
} satisfies Record<string, Place>;
type Name = keyof typeof PLACES;

/** What happens while it waits. */
interface Happening {
  message?: 'steer' | 'now';
  abort?: true;
  /** The invocation has no time left for more than a hand-over. */
  isShort?: true;
}

/** Lets it happen to a turn that waits there. @returns how long the turn took to heed it, and what it committed */
async function heeded(name: Name, { message, abort, isShort }: Happening) {
  const place: Place = PLACES[name];
  const clock = virtualClock();
  let deliveries = 0;
  let happenedAt: number | undefined;
  let heededAt: number | undefined;
  const world: World = {
    reached: () => void clock.sleep(BEFORE_MS).then(world.happens),
    minutes: (signal) => clock.sleep(milliseconds(MINUTES_MS), signal),
    async happens() {
      if (message) await turn.send('m2', 'second', { delivery: message });
      if (abort) await turn.abort();
      happenedAt = clock.now();
    },
  };
  /** Something goes on. @returns whether that is after what happened */
  const goesOn = () => {
    if (happenedAt === undefined) return false;
    heededAt ??= clock.now();
    return true;
  };
  const model: Model = {
    provider: 'test',
    name: 'waits',
    async *stream(_request, signal) {
      if (!goesOn() && place.stream) yield* place.stream(world, signal);
      else {
        yield { type: 'text', text: 'answer' };
        yield finish();
      }
    },
    ...(place.prepares && {
      prepareStep: async (request) => {
        if (!goesOn()) await place.prepares?.(world);
        return { model, request };
      },
    }),
  };
  const turn: TurnInMemory = await turnInMemory(model, {
    core: { clock },
    toolbox: { ...idleToolbox, timeLimitMs: () => milliseconds(MINUTES_MS), ...place.toolbox?.(world) },
    settings: { ...place.settings },
    worker: {
      remainingMs: () =>
        milliseconds(
          isShort && happenedAt !== undefined && deliveries === 1 ? RESERVE_MS - 1 : 2 * MINUTES_MS,
        ),
      reserveMs: milliseconds(RESERVE_MS),
      maxToolMs: milliseconds(MINUTES_MS),
    },
    onDelivery: () => {
      deliveries++;
      goesOn();
    },
  });
  await turn.send('m1', 'first');
  await turn.run();
  goesOn();
  const events = await readEvents(turn.core, turn.session, 1);
  return { ms: (heededAt ?? Number.NaN) - (happenedAt ?? Number.NaN), deliveries, events };
}

const isCall = (name: Name) => name.includes('model');
const everywhere = Object.keys(PLACES) as Name[];
/** A tool that runs had time for all that it may take. */
const withoutTool = everywhere.filter((name) => name !== 'a tool that heeds its signal');
const atModel = everywhere.filter((name) => name !== 'an approval of a user');
/** Where a commit may be under way, it may not see the abort yet. */
const withoutCommits = everywhere.filter((name) => name !== 'a model that does not stop talking');
const betweenCalls: Name[] = ['a pause before a repeated call', 'code of the agent that prepares a step'];

describe('a turn that waits for', () => {
  it.each(everywhere)('P14: %s and is aborted ends at the next look at its lane', async (name) => {
    const { ms, deliveries, events } = await heeded(name, { abort: true });
    expect(events.at(-1)).toMatchObject({ type: 'aborted' });
    expect(ms).toBeLessThanOrEqual(LANE_POLL_MS);
    expect(deliveries).toBe(1);
  });

  it.each(withoutCommits)(
    'P14: %s and is aborted in its last moment ends, and is not handed over',
    async (name) => {
      const { deliveries, events } = await heeded(name, { abort: true, isShort: true });
      expect(events.at(-1)).toMatchObject({ type: 'aborted' });
      expect(deliveries).toBe(1);
    },
  );

  it.each([
    ...atModel.map((name) => [name, 'now'] as const),
    ...betweenCalls.map((name) => [name, 'steer'] as const),
  ])('P6: %s takes in a message (`delivery`: %s) at the next look at its lane', async (name, message) => {
    const { ms, deliveries, events } = await heeded(name, { message });
    expect(events.filter(({ type }) => type === 'applied')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: 'done', ...(isCall(name) && { steps: 2 }) });
    expect(ms).toBeLessThanOrEqual(LANE_POLL_MS);
    expect(deliveries).toBe(1);
  });

  it.each(withoutTool)(
    'P8: %s is handed over when its invocation has no time left, and a call that goes on is one step',
    async (name) => {
      const { ms, deliveries, events } = await heeded(name, { isShort: true });
      expect(events.at(-1)).toMatchObject({ type: 'done', ...(isCall(name) && { steps: 1 }) });
      expect(ms).toBeLessThanOrEqual(LANE_POLL_MS);
      expect(deliveries).toBeGreaterThan(1);
    },
  );
});
