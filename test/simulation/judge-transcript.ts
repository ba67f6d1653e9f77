import type { Entry } from '../../core/events/entries.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import type { Evidence } from './evidence.ts';
import { partsOfEvent, writtenBy } from './parts.ts';
import type { Stored } from './stored.ts';

/** The longest text of one entry, in UTF-16 units: with escapes, each fits into a frame. */
const ENTRY_UNITS = 4096;

/** A text as entries hold it: pieces of whole characters. */
function* piecesOf(text: string): Generator<string> {
  let rest = text;
  while (rest.length > ENTRY_UNITS) {
    const isDivided = !rest.slice(0, ENTRY_UNITS).isWellFormed();
    const end = isDivided ? ENTRY_UNITS - 1 : ENTRY_UNITS;
    yield rest.slice(0, end);
    rest = rest.slice(end);
  }
  if (rest) yield rest;
}

/** The transcript that the events should give, computed without the product's code. */
export function expectedTranscript(turns: ReadonlyMap<string, readonly TurnEvent[]>): string[] {
  const lines: string[] = [];
  for (const events of turns.values()) {
    let text = '';
    const say = () => {
      for (const piece of piecesOf(text)) lines.push(`assistant ${piece}`);
      text = '';
    };
    for (const event of events) {
      if (NOTED.has(event.type)) {
        say();
        lines.push(noted(event));
      }
      for (const part of partsOfEvent(event)) {
        if (part.kind === 'said') {
          text += part.text;
          continue;
        }
        if (part.kind !== 'result') say();
        lines.push(
          part.kind === 'user'
            ? `user ${part.id} ${part.text}`
            : `${LINE[part.kind] ?? part.kind} ${part.text}`,
        );
      }
      // A finished call ends its text: what follows is another one's.
      if (event.verbatim) say();
    }
    say();
  }
  return lines;
}

/** What the provider ran stands among calls and results. */
const LINE: Readonly<Record<string, string>> = { run: 'call', found: 'result' };

export const lineOf = (entry: Entry): string => {
  switch (entry.role) {
    case 'user':
      return `user ${entry.id} ${writtenBy(entry.from, entry.content)}`;
    case 'assistant':
      return `assistant ${entry.content}`;
    case 'tool_call':
      return `call ${entry.id}`;
    case 'tool_result':
      return `result ${entry.id}`;
    case 'event':
      return noted(entry.event);
  }
};

const noted = (event: TurnEvent): string => `event ${JSON.stringify(Object.entries(event).sort())}`;

/** Which events are entries of the transcript as they are. */
const NOTED: ReadonlySet<TurnEvent['type']> = new Set([
  'approval_request',
  'approval_resolved',
  'history_trimmed',
  'model_changed',
  'source',
  'file',
  'compacted',
  'data',
  'done',
  'aborted',
  'error',
]);

export function judgeTranscript(cloud: Evidence, stored: Stored, turns: Map<string, TurnEvent[]>): void {
  const expected = expectedTranscript(turns);
  if (cloud.refusal) {
    judgeRefusedTranscript(cloud, cloud.refusal, turns, stored.entries.map(lineOf));
    return;
  }
  const found = new Map(stored.entries.map((entry) => [entry.n, lineOf(entry)]));
  const last = Math.max(expected.length, ...found.keys());
  for (let n = 1; n <= last; n++) {
    const [line, said] = [found.get(n), expected[n - 1]];
    if (line === said || (line === undefined && cloud.vanished?.has(n))) continue;
    const promise = (said ?? line ?? '').startsWith('user') ? 'P1' : 'P3';
    cloud.violated(promise, `entry ${n} is "${line}", the events say "${said}"`);
    return;
  }
}

/**
 * An entry is missing only if the store refused it, or an event that it follows from: whoever takes over from a worker that died
 * cannot read that again. The numbers have a gap behind a turn that was abandoned.
 */
function judgeRefusedTranscript(
  cloud: Evidence,
  refusal: NonNullable<Evidence['refusal']>,
  turns: ReadonlyMap<string, readonly TurnEvent[]>,
  found: readonly string[],
): void {
  let at = 0;
  for (const [id, events] of turns) {
    const lines = expectedTranscript(new Map([[id, events]]));
    const isLost = refusal.write === 'EVENTS' && events.some((event) => isHeldBy(refusal, event));
    // The last call of a step holds what its provider gave of the others.
    const isStepRefused = lines.some((line) => line.startsWith('call ') && isHeldBy(refusal, line));
    for (const line of lines) {
      const holds = isHeldBy(refusal, line) || (line.startsWith('call ') && isStepRefused);
      const isRefused = isLost || (refusal.write === 'ENTRY' && holds);
      if (found[at] === line) at++;
      else if (!isRefused && !wasAbandoned(cloud, events.at(-1))) {
        cloud.violated('P1', `the transcript has "${found[at]}" where the events say "${line}"`);
        return;
      }
    }
  }
  if (at < found.length) cloud.violated('P1', `the transcript has "${found[at]}", which no event says`);
}

/** Also a part of it: an event or an entry holds more than a line of the judge's. */
export const isHeldBy = ({ text }: NonNullable<Evidence['refusal']>, held: unknown): boolean =>
  text === 'tool_result' || JSON.stringify(held).includes(text);

/** The turn could not be given up, or a worker that took over did not find all of its events. */
export const wasAbandoned = ({ refusal }: Evidence, end: TurnEvent | undefined): boolean =>
  refusal !== undefined && refusal.write !== 'ENTRY' && end?.type === 'error' && end.code === 'AGENT_ERROR';
