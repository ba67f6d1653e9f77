import type { TurnEvent } from '../../core/events/events.ts';
import type { BusEvent, EventBus } from '../../core/ports.ts';
import type { Actor, Scheduler, Tag } from './scheduler.ts';

/** The event bus of a history, and what is judged of it: what was committed is told, at least once, and each time the same. */
export class BusWatch {
  readonly #scheduler: Scheduler;
  /** By the event's id, as text: how often the bus has taken it. */
  readonly #taken = new Map<string, Map<string, number>>();
  /** Events that the bus refused to the last try: their tellers know it, and go on. */
  readonly #refused = new Set<string>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  portOf(actor: Actor): EventBus {
    const op = <T>(tag: Tag, run: () => T) => this.#scheduler.operation(actor, tag, true, run);
    return {
      put: async (events) => {
        try {
          await op(
            () => `tell bus ${events.map(({ detail }) => detail.id)}`,
            () => this.#take(events),
          );
        } catch (error) {
          for (const { detail } of events) this.#refused.add(detail.id);
          throw error;
        }
      },
    };
  }

  #take(events: readonly BusEvent[]): void {
    for (const event of events) {
      const texts = this.#taken.get(event.detail.id) ?? new Map<string, number>();
      // A session may be renamed between two tellings, and a deleted one has no name.
      const { session_name: _, ...detail } = event.detail;
      const text = JSON.stringify({ ...event, detail });
      texts.set(text, (texts.get(text) ?? 0) + 1);
      this.#taken.set(event.detail.id, texts);
    }
  }

  /**
   * @param calm nothing has failed: each is told once, but where two functions delete the session at the same time
   * @param wasAbandoned whether this event ends a turn whose events could not be read: nobody knows what it applied
   * @returns what is wrong
   */
  judge(
    committed: Iterable<TurnEvent>,
    isDeleted: boolean,
    calm: boolean,
    wasAbandoned: (end: TurnEvent) => boolean,
  ): string[] {
    const events = [...committed];
    const isOnce = calm && !isDeleted;
    const wrong = events.flatMap((event) => {
      switch (event.type) {
        case 'done':
        case 'aborted':
        case 'error':
          return this.#wrongWith(`${event.turn}/ended`, isOnce, {
            status: event.type,
            ...(!wasAbandoned(event) && { messages: messagesOf(events, event.turn) }),
          });
        case 'approval_request':
          return this.#wrongWith(`${event.request_id}/requested`, isOnce, { tool: event.tool });
        default:
          return [];
      }
    });
    const deletions = [...this.#taken.keys()].filter((id) => id.endsWith('/deleted'));
    if (!isDeleted && deletions.length > 0) wrong.push('the bus was told of a deletion that was not made');
    const wasRefused = [...this.#refused].some((id) => id.endsWith('/deleted'));
    if (isDeleted && deletions.length === 0 && !wasRefused)
      wrong.push('the bus was not told of the deletion');
    return wrong;
  }

  #wrongWith(id: string, isOnce: boolean, facts: Record<string, unknown>): string[] {
    const texts = this.#taken.get(id);
    if (!texts) return this.#refused.has(id) ? [] : [`the bus was not told of ${id}`];
    if (texts.size > 1) return [`the bus was told of ${id} in two ways`];
    const [[text, times] = ['{}', 0]] = texts;
    if (isOnce && times > 1) return [`the bus was told of ${id} ${times} times`];
    const { detail } = JSON.parse(text);
    return Object.entries(facts)
      .filter(([name, value]) => detail[name] !== value)
      .map(([name, value]) => `the bus was told of ${id} with ${name} ${detail[name]}, not ${value}`);
  }
}

const messagesOf = (events: readonly TurnEvent[], turn: string): number =>
  events
    .filter((event) => event.type === 'applied' && event.turn === turn)
    .flatMap((event) => (event.type === 'applied' ? event.messages : [])).length;
