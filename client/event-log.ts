import { ClosedError, MidturnError, TurnFailedError } from './errors.ts';
import { EventStream } from './event-stream.ts';
import type { EventFrame } from './protocol.ts';
import { endsTurn } from './state.ts';

/** The events of this many turns are kept, so that a reader that starts a little late misses nothing. */
const KEPT_TURNS = 2;

type TurnEvents = AsyncGenerator<EventFrame, void, undefined>;

/** The events of the session, each once and in the order of `seq`. */
export class EventLog {
  readonly #streams = new Set<EventStream>();
  #events: EventFrame[] = [];
  #turns: string[] = [];

  add(events: readonly EventFrame[]): void {
    for (const event of events) {
      if (!this.#turns.includes(event.turn_id)) {
        this.#turns = [...this.#turns, event.turn_id].slice(-KEPT_TURNS);
        this.#events = this.#events.filter(({ turn_id }) => this.#turns.includes(turn_id));
      }
      this.#events.push(event);
      for (const stream of this.#streams) stream.push(event);
    }
  }

  /** Ends every stream, because events expired before they were received: the streams would have a hole. */
  breakOff(): void {
    this.#finish(
      new MidturnError('EVENTS_EXPIRED', 'Events were missed. The transcript holds their outcome.'),
    );
  }

  close(): void {
    this.#finish(new ClosedError());
  }

  #finish(error: Error): void {
    for (const stream of this.#streams) stream.end(error);
    this.#events = [];
    this.#turns = [];
  }

  /** Every event from now on. */
  all(): EventStream {
    return this.#open([]);
  }

  /**
   * The events of the turn that applies this message, from that point to the turn's end.
   *
   * @param applied rejects when the message is refused or withdrawn
   * @throws {TurnFailedError} when the turn ends in an error
   * @throws the reason of `applied` when that rejects
   */
  ofMessage(id: string, applied: Promise<void>): TurnEvents {
    return this.#from(
      (event) => event.type === 'applied' && event.messages.some((message) => message.id === id),
      applied,
    );
  }

  /** Whether the first event of this turn, and so all of them, are kept. */
  has(turnId: string): boolean {
    return this.#events.some((event) => event.turn_id === turnId && event.type === 'turn_start');
  }

  /** The events of this turn, from the first one that is kept to its end. @throws {TurnFailedError} as above */
  ofTurn(turnId: string): TurnEvents {
    return this.#from((event) => event.turn_id === turnId);
  }

  async *#from(isFirst: (event: EventFrame) => boolean, applied?: Promise<void>): TurnEvents {
    const stream = this.#open(this.#events);
    applied?.catch((error) => stream.end(error));
    let turnId: string | undefined;
    for await (const event of stream) {
      if (isFirst(event)) turnId = event.turn_id;
      if (event.turn_id !== turnId) continue;
      if (event.type === 'error') throw new TurnFailedError(event);
      yield event;
      if (endsTurn(event)) return;
    }
  }

  #open(kept: readonly EventFrame[]): EventStream {
    const stream = new EventStream(kept, (left) => this.#streams.delete(left));
    this.#streams.add(stream);
    return stream;
  }
}
