import { describe, expect, it } from 'vitest';
import { METRICS, type MetricName } from '../../config/metrics.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import type { Milestone } from '../../core/ports.ts';
import { runHistory } from './history.ts';

/** Compares the core's metrics with the events of the same histories. */

const count = (events: readonly TurnEvent[], type: TurnEvent['type']) =>
  events.filter((event) => event.type === type).length;

/** Messages that turns applied after they had begun. */
function steeringIn(events: readonly TurnEvent[]): number {
  const first = new Set(events.flatMap((event) => (event.type === 'turn_start' ? event.message_ids : [])));
  const applied = events.flatMap((event) => (event.type === 'applied' ? event.messages : []));
  return applied.filter(({ id }) => !first.has(id)).length;
}

/** Messages that turns applied and that were answered: by an end that is not the session's deletion. */
function answeredIn(events: readonly TurnEvent[]): number {
  const deleted = new Set(
    events.flatMap((event) =>
      event.type === 'error' && event.code === 'SESSION_DELETED' ? [event.turn] : [],
    ),
  );
  return events.flatMap((event) =>
    event.type === 'applied' && !deleted.has(event.turn) ? event.messages : [],
  ).length;
}

describe('what is measured', () => {
  it('is what happened, where nothing goes wrong', async () => {
    let turns = 0;
    let steering = 0;
    let whole = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { measured, milestones, events, violations, injected } = await runHistory(seed, {
        noFaults: true,
      });
      expect([...violations]).toEqual([]);
      const of = (name: string) => measured.get(name) ?? 0;
      for (const end of ['done', 'aborted', 'error'] as const) {
        expect(of(`Turns ${end}`), `seed ${seed}`).toBe(count(events, end));
      }
      const begun = count(events, 'turn_start');
      expect(of('QueueWait')).toBe(begun);
      expect(of('TurnTime')).toBe(begun);
      const accounted = of('MessagesAnswered') + of('MessagesWithdrawn');
      // The turn of a deleted session ends for those who listen, by `deleted`.
      if (!injected['session deleted']) expect(of('MessagesAccepted'), `seed ${seed}`).toBe(accounted);
      whole += injected['session deleted'] ? 0 : accounted;
      expect(of('MessagesAnswered')).toBe(answeredIn(events));
      const reached = (what: Milestone) => milestones.get(what) ?? 0;
      expect(reached('turn ended')).toBe(begun);
      expect(reached('first text')).toBe(of('FirstChunk'));
      expect(reached('turn claimed')).toBeGreaterThanOrEqual(begun);
      // A turn of what was left in the inbox runs in the slot of the one before.
      expect(reached('turn enqueued') > 0).toBe(begun > 0);
      expect(reached('message accepted')).toBeGreaterThanOrEqual(of('MessagesAnswered'));
      expect(of('SteeringTakenIn'), `seed ${seed}`).toBe(steeringIn(events));
      const spoke = new Set(events.flatMap((event) => (event.type === 'chunk' ? [event.turn] : [])));
      expect(of('FirstChunk'), `seed ${seed}`).toBe(spoke.size);
      const done = events.flatMap((event) => (event.type === 'done' ? [event] : []));
      expect(of('InputTokens')).toBeGreaterThanOrEqual(
        done.reduce((sum, event) => sum + event.input_tokens, 0),
      );
      for (const trouble of ['TakeOvers', 'HandOvers', 'Fenced', 'ModelFailures PROVIDER_ERROR']) {
        // A worker is fenced when its session is deleted.
        if (trouble === 'Fenced' && injected['session deleted']) continue;
        expect(of(trouble), `${trouble}, seed ${seed}`).toBe(0);
      }
      turns += begun;
      steering += steeringIn(events);
    }
    expect(turns).toBeGreaterThan(40);
    expect(steering).toBeGreaterThan(10);
    expect(whole).toBeGreaterThan(40);
  });

  it('is everything that can happen to a core', async () => {
    /** Measured by adapters and handlers, which have their own tests, or of what this world's model does not do. */
    const elsewhere: MetricName[] = [
      'PostsGone',
      'PostsThrottled',
      'DeadLetters',
      'McpFailures',
      'CaughtErrors',
      'PromptsReshaped',
      'CacheReadTokens',
      'CacheWriteTokens',
      'ReasoningTokens',
      'Cost',
      'CompactionCost',
    ];
    const core = Object.keys(METRICS).filter((name) => !elsewhere.some((other) => other === name));
    const seen = new Set<string>();
    let handedOverInPeace = 0;
    for (let seed = 1; seed <= 3000 && (seen.size < core.length || handedOverInPeace === 0); seed++) {
      // Devices run tools in some of them, the agent has hooks in others, a model writes titles, or there are several agents.
      const { measured, injected } = await runHistory(seed, {
        clients: seed % 4 === 0,
        hooks: seed % 4 === 1,
        titles: seed % 4 === 2,
        contexts: seed % 4 === 3,
      });
      for (const name of measured.keys()) seen.add(name.split(' ')[0] ?? name);
      const handOvers = measured.get('HandOvers') ?? 0;
      expect(handOvers).toBeGreaterThanOrEqual(injected['hand-over'] ?? 0);
      // An error that is left after the store's retries ends a function's run as well.
      const deaths = [
        'crash',
        'time limit',
        'pause',
        'killed by a tool',
        'write refused for ever',
        'error after retries',
      ];
      if (handOvers > 0 && !deaths.some((death) => injected[death])) {
        // A hand-over is no take-over.
        expect(measured.get('TakeOvers') ?? 0, `seed ${seed}`).toBe(0);
        handedOverInPeace++;
      }
    }
    expect(handedOverInPeace).toBeGreaterThan(0);
    expect([...seen].sort()).toEqual(core.sort());
  });
});
