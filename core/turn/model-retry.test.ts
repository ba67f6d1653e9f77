import { describe, expect, it } from 'vitest';
import { epochMs, milliseconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest } from '../model.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';

const BEGAN = 1_800_000_000_000;
const INVOCATION_MS = 10_000;
const RESERVE_MS = 2000;

it('P11: a pause before a repeated call is handed over before its invocation runs out of time', async () => {
  let now = BEGAN;
  /** Each invocation begins with the call that it makes. */
  let began = now;
  const left: number[] = [];
  const model: Model = {
    provider: 'test',
    name: 'limited',
    async *stream(): AsyncGenerator<ModelPart> {
      left.push(INVOCATION_MS - (now - began));
      if (left.length === 1)
        yield {
          type: 'failure',
          failure: {
            code: 'PROVIDER_ERROR',
            reason: 'throttled',
            message: 'Limited.',
            retryable: true,
            diagnostic: 'scripted',
            retryAfterMs: milliseconds(20_000),
          },
        };
      else {
        yield { type: 'text', text: 'yes' };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      }
    },
  };
  const turn = await turnInMemory(model, {
    core: {
      clock: {
        now: () => epochMs(now),
        sleep: async (duration) => {
          now += duration;
        },
      },
    },
    worker: {
      remainingMs: () => milliseconds(INVOCATION_MS - (now - began)),
      reserveMs: milliseconds(RESERVE_MS),
    },
    onDelivery: () => {
      began = now;
    },
  });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(2);
  expect(left).toHaveLength(2);
  expect(Math.min(...left)).toBeGreaterThanOrEqual(RESERVE_MS);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.at(-1)).toMatchObject({ type: 'done' });
});

describe('a call that fails before anything of it is visible', () => {
  /** Answers as it is told by the number of the call. */
  async function called(
    parts: (n: number, by: string) => readonly ModelPart[],
    given: { hasFallback?: boolean; settings?: Record<string, string> } = {},
  ) {
    const clock = virtualClock();
    const made: { by: string; at: number; request: ModelRequest }[] = [];
    const modelOf = (name: string): Model => ({
      provider: 'test',
      name,
      async *stream(request) {
        made.push({ by: name, at: clock.now(), request });
        yield* parts(made.length, name);
      },
    });
    const model = modelOf('own');
    const counted: string[] = [];
    const turn = await turnInMemory(model, {
      core: {
        clock,
        metrics: { ...memoryCore().metrics, count: (metric) => void counted.push(metric) },
      },
      settings: given.settings ?? {},
      worker: {
        agentFor: async () => ({
          model,
          toolbox: idleToolbox,
          ...(given.hasFallback && { fallback: modelOf('other') }),
        }),
      },
    });
    await turn.send('m', 'hello');
    await turn.run();
    const events = await readEvents(turn.core, turn.session, 1);
    const pauses = made.slice(1).map(({ at }, n) => at - (made[n]?.at ?? 0));
    return { made, pauses, events, end: events.at(-1), counted };
  }
  const failing = (failure: Partial<ModelFailure>): readonly ModelPart[] => [
    {
      type: 'failure',
      failure: {
        code: 'PROVIDER_ERROR',
        reason: 'throttled',
        message: 'No.',
        retryable: true,
        diagnostic: 'scripted',
        ...failure,
      },
    },
  ];

  it('is made three times with each model, after pauses of 250 and 500 ms', async () => {
    const { made, pauses, end } = await called(() => failing({}), { hasFallback: true });
    expect(made.map(({ by }) => by)).toEqual([...Array(3).fill('own'), ...Array(3).fill('other')]);
    expect([pauses.slice(0, 2), pauses.slice(3)]).toEqual([
      [250, 500],
      [250, 500],
    ]);
    expect(end).toMatchObject({ type: 'error', reason: 'throttled', retryable: true });
  });

  it.each([
    [30_000, 3],
    [30_001, 1],
  ])('for which its provider asks for a pause of %d ms is made %d times', async (ms, calls) => {
    const { made } = await called(() => failing({ retryAfterMs: milliseconds(ms) }), {
      settings: { MIDTURN_MODEL_PATIENCE_SECONDS: '30' },
    });
    expect(made).toHaveLength(calls);
  });

  it('since its model is silent is made once where another model can answer, and twice by the last model', async () => {
    const { made } = await called(() => failing({ reason: 'stalled' }), { hasFallback: true });
    expect(made.map(({ by }) => by)).toEqual(['own', 'other', 'other']);
  });

  it('P11: is made again without what is lost in no prompt, then by another model, and then without more', async () => {
    const { made, events } = await called(() => failing({ reason: 'rejected', retryable: false }), {
      hasFallback: true,
    });
    const changes = events.flatMap((event) =>
      event.type === 'model_changed' ? event.type : event.type === 'history_trimmed' ? event.form : [],
    );
    const changed = changes.indexOf('model_changed');
    expect(changed).toBeGreaterThanOrEqual(0);
    const lossless = ['without_thoughts', 'alternating'];
    for (const form of changes.slice(0, changed)) expect(lossless).toContain(form);
    expect(made[0]?.by).toBe('own');
    expect(made.at(-1)?.by).toBe('other');
    // The provider that refused the prompt is not asked again.
    expect(new Set(made.slice(made.findIndex(({ by }) => by === 'other')).map(({ by }) => by)).size).toBe(1);
  });

  it('since its content is withheld is made of no other model', async () => {
    const { made, end } = await called(() => failing({ reason: 'withheld', retryable: false }), {
      hasFallback: true,
    });
    expect(made.map(({ by }) => by)).not.toContain('other');
    expect(end).toMatchObject({ type: 'error', reason: 'withheld' });
  });

  it('is made again by another model, which `done` names with the one that failed', async () => {
    const { end, counted } = await called(
      (_n, by) =>
        by === 'own'
          ? failing({ retryable: false })
          : [
              { type: 'text', text: 'Here.' },
              { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } },
            ],
      { hasFallback: true },
    );
    expect(end).toMatchObject({ type: 'done', model: 'other', fallback_from: 'test:own', steps: 1 });
    expect(counted.filter((one) => one === 'Fallbacks')).toHaveLength(1);
  });
});
