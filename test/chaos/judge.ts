import { wordsOf } from '../../core/content.ts';
import {
  decodeEvents,
  frameOf,
  mergeEvents,
  streamedText,
  type TurnEvent,
} from '../../core/events/events.ts';
import { asMessageId } from '../../core/ids.ts';
import type { Lane, StoredEvents } from '../../core/store/items.ts';
import type { Evidence } from '../simulation/evidence.ts';
import { judge } from '../simulation/judge.ts';
import { canonical, partsOfEvent } from '../simulation/parts.ts';
import type { AskedCall } from './agent.ts';
import type { Person } from './person.ts';
import { type ChaosSession, labelsIn } from './session.ts';
import type { StoredItem } from './table.ts';
import type { Tally } from './tally.ts';

export interface Findings {
  sessions: readonly ChaosSession[];
  people: readonly Person[];
  calls: readonly AskedCall[];
  items: readonly StoredItem[];
  /** Jobs left in the queue. */
  queued: number;
  /** Every user received answers to two messages after the last fault. */
  probed: boolean;
}

/**
 * Checks P1 to P14 in every session: by the simulation's judge, and by what real clients show beyond it.
 * @returns one line for each promise that does not hold in a session, naming both.
 */
export function violationsIn(findings: Findings, checked: Tally): string[] {
  return findings.sessions.flatMap((session) => violationsOf(session, findings, checked));
}

function violationsOf(session: ChaosSession, findings: Findings, checked: Tally): string[] {
  const violations = new Map<string, string>();
  const violated = (promise: string, why: string) => {
    if (!violations.has(promise)) violations.set(promise, `${promise} in ${session.label}: ${why}`);
  };
  const people = findings.people.filter((person) => person.session === session);
  const items = findings.items.filter(({ pk }) => belongs(session, pk));
  const committed = committedIn(items);
  const events = [...committed.values()].sort((a, b) => a.seq - b.seq);
  const evidence: Evidence = {
    table: { all: () => items },
    committed,
    modelCalls: [],
    abortsAsked: new Set(people.flatMap(({ aborts }) => [...aborts])),
    queued: findings.queued,
    violated,
  };
  judge(evidence, people, { ordered: !findings.probed, probed: findings.probed, calm: false });
  for (const person of people) {
    for (const [promise, why] of person.broken) violated(promise, why);
    judgeFrames(person, events, violated);
    judgeStream(person, events.length, violated);
  }
  const calls = findings.calls.filter(({ label }) => label.split('+').includes(session.label));
  judgePrompts(calls, events, violated);
  judgeBoundaries(calls, events, people, violated);
  judgeIsolation(session, calls, events, violated);
  count(checked, people, events, calls, items);
  return [...violations.values()];
}

type Violated = Evidence['violated'];

const belongs = ({ key }: ChaosSession, pk: string): boolean => pk === `SESSION#${key}`;

/** Spilled events, and those on the lanes. */
function committedIn(items: readonly StoredItem[]): Map<number, TurnEvent> {
  const encoded = items.map(({ sk, item }) => {
    if (sk.startsWith('EVENTS#')) return (item as unknown as StoredEvents).events;
    return sk.startsWith('LANE#') ? (item as unknown as Lane).unspilled : [];
  });
  const merged = mergeEvents(...encoded.map(decodeEvents));
  return new Map(merged.map((event) => [event.seq, event]));
}

/** P4, P8: every posted event is stored, with the same fields. */
function judgeFrames(person: Person, events: readonly TurnEvent[], violated: Violated): void {
  for (const [seq, frame] of person.seen) {
    const event = events[seq - 1];
    const turnText = () => streamedText(events.filter(({ turn }) => turn === event?.turn));
    if (!event) violated('P4', `${person.name} was shown event ${seq}, which is not stored`);
    else if (frameOf(event, turnText) !== JSON.stringify(frame)) {
      violated('P4', `${person.name} was shown ${JSON.stringify(frame)}, stored is ${JSON.stringify(event)}`);
    }
  }
}

/** P9: the client gives its user every event once, without a gap. */
function judgeStream({ name, stream, base = 0 }: Person, last: number, violated: Violated): void {
  const wrong = stream.findIndex(({ seq }, i) => seq !== base + 1 + i);
  if (wrong >= 0)
    violated('P9', `the client of ${name} gave event ${stream[wrong]?.seq} after ${base + wrong}`);
  if (base + stream.length !== last) {
    violated('P9', `the client of ${name} gave events up to ${base + stream.length} of ${last}`);
  }
}

/** P11: each prompt is the transcript as it was after one of its events. */
function judgePrompts(calls: readonly AskedCall[], events: readonly TurnEvent[], violated: Violated): void {
  const parts: ReturnType<typeof partsOfEvent> = [];
  const transcripts = new Set<string>();
  for (const event of events) {
    parts.push(...partsOfEvent(event));
    transcripts.add(canonical(parts));
  }
  for (const { prompt } of calls) {
    if (!transcripts.has(prompt))
      violated('P11', `a prompt was never the transcript: …${prompt.slice(-500)}`);
  }
}

/**
 * P6: of two model calls of one turn, the later prompt has the first one's text, so its boundary came after that call
 * began. It has every message that was accepted on the turn before.
 */
function judgeBoundaries(
  calls: readonly AskedCall[],
  events: readonly TurnEvent[],
  people: readonly Person[],
  violated: Violated,
): void {
  const turnOf = new Map<string, string>();
  for (const event of events) {
    if (event.type !== 'applied') continue;
    for (const { content } of event.messages) turnOf.set(wordsOf(content), event.turn);
  }
  for (const [turn, ofTurn] of Map.groupBy(calls, ({ lastMessage }) => turnOf.get(lastMessage))) {
    if (turn === undefined) continue;
    const steering = people.flatMap(({ sent, acceptedOn }) =>
      [...sent.values()].filter(
        ({ id, outcome }) =>
          outcome === undefined && acceptedOn.get(id) === turn && turnOf.get(`content of ${id}`),
      ),
    );
    for (const [i, later] of ofTurn.entries()) {
      const before = ofTurn.slice(0, i).findLast(({ mark }) => later.prompt.includes(mark));
      if (!before) continue;
      for (const { id, acknowledgedAt = Number.POSITIVE_INFINITY } of steering) {
        if (acknowledgedAt < before.at && !later.prompt.includes(`|user:content of ${id}|`)) {
          violated('P6', `${id} was accepted, and two model calls later it is not in the prompt`);
        }
      }
    }
  }
}

/** P12: two principals' sessions have the same ids. Nothing of one is in the other: stored, posted or in a prompt. */
function judgeIsolation(
  { label }: ChaosSession,
  calls: readonly AskedCall[],
  events: readonly TurnEvent[],
  violated: Violated,
): void {
  const strange = [...labelsIn(JSON.stringify(events))].find((other) => other !== label);
  if (strange) violated('P12', `its events name ${strange}`);
  const mixed = calls.find((call) => call.label !== label);
  if (mixed) violated('P12', `a prompt names ${mixed.label}`);
}

function count(
  checked: Tally,
  people: readonly Person[],
  events: readonly TurnEvent[],
  calls: readonly AskedCall[],
  items: readonly StoredItem[],
): void {
  const messages = people.flatMap(({ sent }) => [...sent.values()]);
  const taken = new Set(
    events.flatMap((event) => (event.type === 'applied' ? event.messages.map(({ id }) => id) : [])),
  );
  const ends = (type: TurnEvent['type']) => events.filter((event) => event.type === type).length;
  const total = (of: (person: Person) => number) => people.reduce((sum, person) => sum + of(person), 0);
  checked.add('turns', ends('turn_start'));
  checked.add('turns: done', ends('done'));
  checked.add('turns: aborted', ends('aborted'));
  checked.add('turns: failed', ends('error'));
  checked.add('messages sent', messages.length);
  checked.add('messages: in the transcript', messages.filter(({ id }) => taken.has(asMessageId(id))).length);
  checked.add(
    'messages: withdrawn or refused, and told so',
    messages.filter(({ id, outcome }) => outcome && !taken.has(asMessageId(id))).length,
  );
  // A client repeats unanswered messages. Of two concurrent tries one may be accepted and one refused.
  checked.add(
    'messages: one try refused for want of room, another taken in',
    messages.filter(({ id, outcome }) => outcome && taken.has(asMessageId(id))).length,
  );
  checked.add('messages: their lane was lost', messages.filter(({ forgotten }) => forgotten).length);
  checked.add(
    'answers to repeated messages',
    total(({ duplicates }) => duplicates),
  );
  checked.add(
    'connections opened',
    total(({ connections }) => connections),
  );
  checked.add(
    'frames received',
    total(({ frames }) => frames),
  );
  checked.add('events stored', events.length);
  checked.add(
    'events shown, all clients together',
    total(({ seen }) => seen.size),
  );
  checked.add(
    'events shown again',
    total(({ repeatedEvents }) => repeatedEvents),
  );
  checked.add('transcript entries', items.filter(({ sk }) => sk.startsWith('ENTRY#')).length);
  checked.add('tool calls', events.filter(({ type }) => type === 'tool_call').length);
  checked.add('prompts', calls.length);
}
