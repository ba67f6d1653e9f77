import { between, type EpochMs } from '../../config/units.ts';
import {
  DATA_NAME,
  MAX_DATA_BYTES,
  MAX_DATA_EVENTS,
  MAX_DATA_ID_LENGTH,
  OWN_DATA_NAMES,
  OWN_DATA_PREFIX,
} from '../../protocol/data-parts.ts';
import { wellFormed } from '../../protocol/text.ts';
import { DataError } from '../data-error.ts';
import type { EventDraft } from '../events/events.ts';
import { toolProgressOf } from '../events/tool-result.ts';
import { bytesOfJson } from '../json-bytes.ts';
import type { CallDisplay, DataPart, ToolCall } from '../model.ts';
import type { TurnContext } from './context.ts';
import { FlushWindow } from './flush-window.ts';
import type { LeasedTurn } from './leased-turn.ts';

/**
 * A window lasts at least this part of the time for which the tools have run: the longer they run, the rarer is what they show. In 15
 * minutes, the longest that a function runs, that is less than 450 windows, whatever `MIDTURN_FLUSH_MS` is.
 */
const PART_OF_TIME = 1 / 32;

/** Progress of one call, all of its runs together. No tool comes so far in a few runs. */
const MAX_PROGRESS = 1000;

type CallName = Pick<ToolCall, 'id' | 'name'>;

/**
 * Gathers what the calls of a batch show while they run. Of what comes within a window, only the newest counts: a value of progress
 * replaces the one before, and so does a data part of the same name and id. The first one does not wait.
 */
export class ToolDisplay {
  readonly #began: EpochMs;
  readonly #window: FlushWindow;
  #flushedAt: EpochMs;
  /** In the order in which they are to be sent, by what replaces what. */
  readonly #pending = new Map<string, EventDraft>();
  readonly #open = new Set<string>();
  /** By call: how often it has shown progress. */
  readonly #shown = new Map<string, number>();
  /** Calls that an earlier worker ran, and that have shown nothing since. */
  readonly #restarted: Set<string>;
  /** Data events that are committed. */
  #sent: number;
  readonly #clock: TurnContext['core']['clock'];
  readonly #onShown: () => void;

  /** @param onShown there is something to show, and there was nothing before */
  constructor(
    turn: Pick<LeasedTurn, 'events'>,
    { core: { clock }, settings }: Pick<TurnContext, 'core' | 'settings'>,
    onShown: () => void,
  ) {
    this.#clock = clock;
    this.#began = clock.now();
    this.#flushedAt = this.#began;
    this.#window = new FlushWindow(settings.flushMs);
    this.#onShown = onShown;
    for (const event of turn.events)
      if (event.type === 'tool_progress') this.#shown.set(event.id, (this.#shown.get(event.id) ?? 0) + 1);
    this.#restarted = new Set(this.#shown.keys());
    this.#sent = turn.events.filter(({ type }) => type === 'data').length;
  }

  /** How long what was shown waits, from now on, in milliseconds. Not positive: it is due. */
  left(now: EpochMs): number {
    if (this.#pending.size === 0) return Number.POSITIVE_INFINITY;
    const rare = between(this.#began, now) * PART_OF_TIME - between(this.#flushedAt, now);
    return Math.max(this.#window.left(now), rare);
  }

  /** What a call is given to show something with. */
  open(call: CallName): CallDisplay {
    this.#open.add(call.id);
    let unnamed = 0;
    return {
      progress: (value) => {
        if (this.#open.has(call.id) && (this.#shown.get(call.id) ?? 0) < MAX_PROGRESS)
          this.#put(progressOf(call), toolProgressOf(call, value));
      },
      data: (part) => {
        if (!this.#open.has(call.id))
          throw new DataError('DATA_TOO_LATE', 'The call is over: it cannot send data any more.');
        // The same where the call runs again, so that it replaces what the first run sent.
        const id = part.id ?? `${call.id}/${++unnamed}`;
        this.#putData(call, { ...part, id });
      },
    };
  }

  /** The call is over. Its result replaces its progress; its data stays. */
  close({ id }: CallName): void {
    this.#open.delete(id);
    this.#pending.delete(progressOf({ id }));
  }

  /** What is to be committed now. */
  drain(): EventDraft[] {
    const now = this.#clock.now();
    const drafts = [...this.#pending.values()].map((draft): EventDraft => {
      if (draft.type === 'data') this.#sent += 1;
      if (draft.type !== 'tool_progress') return draft;
      this.#shown.set(draft.id, (this.#shown.get(draft.id) ?? 0) + 1);
      const isAgain = /* rule: restart-is-told */ this.#restarted.delete(draft.id);
      return isAgain ? { ...draft, restarted: true } : draft;
    });
    this.#pending.clear();
    if (drafts.length > 0) {
      this.#window.flushed(now);
      this.#flushedAt = now;
    }
    return drafts;
  }

  #putData({ id: tool_call_id }: CallName, { name, id, data: given }: DataPart & { id: string }): void {
    const data = wellFormed(given);
    const complaint = complaintAbout({ name, id, data });
    if (complaint) throw complaint;
    const key = `data ${name} ${id}`;
    const waiting = [...this.#pending.values()].filter(({ type }) => type === 'data').length;
    if (!this.#pending.has(key) && this.#sent + waiting >= MAX_DATA_EVENTS)
      throw new DataError('DATA_TOO_MANY', `The turn has sent its ${MAX_DATA_EVENTS} data parts.`);
    this.#put(key, { type: 'data', name, id: id.toWellFormed(), data, tool_call_id });
  }

  #put(key: string, draft: EventDraft): void {
    const wasEmpty = this.#pending.size === 0;
    // At the end, so that what a call shows stays in its order.
    // rule: newest-comes-last
    this.#pending.delete(key);
    this.#pending.set(key, draft);
    if (wasEmpty) this.#onShown();
  }
}

const progressOf = ({ id }: Pick<CallName, 'id'>) => `progress ${id}`;

function complaintAbout({ name, id, data }: DataPart & { id: string }): DataError | undefined {
  if (!DATA_NAME.test(name))
    return new DataError(
      'DATA_NAME_INVALID',
      'The name of a data part is a letter, then letters, digits, _ and -, at most 64 in all.',
    );
  if (OWN_DATA_NAMES.some((own) => own === name) || name.startsWith(OWN_DATA_PREFIX))
    return new DataError('DATA_NAME_INVALID', `The name "${name}" is one of Midturn's own.`);
  if (id === '' || id.length > MAX_DATA_ID_LENGTH)
    return new DataError(
      'DATA_ID_INVALID',
      `The id of a data part has 1 to ${MAX_DATA_ID_LENGTH} characters.`,
    );
  const bytes = bytesOfJson(data);
  if (bytes > MAX_DATA_BYTES)
    return new DataError(
      'DATA_TOO_LARGE',
      `The data part "${name}" has ${bytes} bytes of JSON. At most ${MAX_DATA_BYTES} are allowed.`,
    );
  return undefined;
}
