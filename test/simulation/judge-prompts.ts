import type { Content } from '../../core/content.ts';
import type { Entry } from '../../core/events/entries.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { CONTINUE_REQUEST, SYSTEM_NOTE } from '../../core/events/prompt.ts';
import type { PromptMessage } from '../../core/model.ts';
import type { Evidence } from './evidence.ts';
import { isSummary } from './judge-summaries.ts';
import { thoughtsOfEvent, thoughtsOfMessage } from './judge-thoughts.ts';
import { canonical, type Part, partsOfEvent, written, writtenBy } from './parts.ts';
import type { Stored } from './stored.ts';

/**
 * P11: each prompt has all that was durable when the model was called, and nothing else. Of earlier turns it has those since
 * the last cut, each whole (P13). One event before the call reports that others are left out.
 */
export function judgePrompts(cloud: Evidence, stored: Stored, calm: boolean): void {
  const events = [...cloud.committed.values()].sort((a, b) => a.seq - b.seq);
  const refused = new Map([...refusedIn(events), ...(cloud.hooks?.areThere ? uncheckedIn(events) : [])]);
  const all = events.flatMap((event) =>
    [...partsOfEvent(event).filter(isOwn), ...thoughtsOfEvent(cloud, event)].map((part) => ({
      ...part,
      seq: event.seq,
      turn: event.turn,
      until: refused.get(`${event.turn} ${part.id}`) ?? Number.POSITIVE_INFINITY,
    })),
  );
  const bytes = (cloud.contextTokens ?? Number.POSITIVE_INFINITY) * 4;
  const weights = weigh(stored);
  /** Where prompts may begin: at a turn, or with the session. A worker that dies may leave its cut unremembered. */
  let begins: readonly (string | undefined)[] = [undefined];
  // The size of a deleted session's entries is unknown: there the turn's own report counts.
  const gone = stored.session?.deleted !== undefined;
  /** Cuts of turns that ended before their first model call. */
  const called = new Set(cloud.modelCalls.map(({ seq }) => cloud.committed.get(seq)?.turn));
  const uncalled = events.flatMap((event) =>
    event.type === 'history_trimmed' && !called.has(event.turn) ? [event] : [],
  );
  for (const [i, call] of cloud.modelCalls.entries()) {
    if (!call.current) continue;
    // Thoughts belong to the model that had them.
    const parts = all.filter((part) => !('model' in part) || part.model === `scripted:${call.model}`);
    const turn = cloud.committed.get(call.seq)?.turn;
    const said = events.filter(
      (event) => event.type === 'history_trimmed' && event.turn === turn && event.seq <= call.seq,
    );
    const word = said[0]?.type === 'history_trimmed' ? said[0] : undefined;
    const earlier = [...new Set(parts.filter(({ seq }) => seq <= call.seq).map((part) => part.turn))].filter(
      (other) => other !== turn,
    );
    if (cloud.vanished?.size || cloud.refusal) {
      judgeShortened(cloud, {
        call: i + 1,
        messages: call.messages as PromptMessage[],
        turn,
        earlier,
        parts,
      });
      continue;
    }
    const room = word?.kept_turns ?? earlier.length;
    while (uncalled[0] && uncalled[0].seq < call.seq) {
      const [{ seq, turn: other, kept_turns: kept }] = uncalled.splice(0, 1) as [(typeof uncalled)[number]];
      const before = [...new Set(parts.filter((part) => part.seq <= seq).map((part) => part.turn))];
      begins = [...begins, kept > 0 ? before.filter((one) => one !== other).at(-kept) : other];
    }
    if (!gone && turn !== undefined) {
      const rooms = begins.map((begin) => roomSince(begin, bytes, { earlier, turn, weights }));
      if (!rooms.includes(room)) {
        cloud.violated(
          'P11',
          `model call ${i + 1} had ${room} earlier turns, where ${rooms.join(' or ')} fit`,
        );
        return;
      }
      const begin = room < earlier.length ? (earlier[earlier.length - room] ?? turn) : undefined;
      begins = calm ? [begin] : [...begins, begin];
    }
    const kept = new Set([turn, ...earlier.slice(earlier.length - room)]);
    const durable = canonical(
      parts.filter(({ seq, turn: of, until }) => seq <= call.seq && call.seq < until && kept.has(of)),
    );
    const prompt = canonical((call.messages as PromptMessage[]).flatMap(partsOfMessage));
    if (prompt !== durable) {
      cloud.violated('P11', `model call ${i + 1} saw\n    ${prompt}\n  of\n    ${durable}`);
      return;
    }
    if (gone) continue;
    const dropped = stored.entries.filter(
      (entry) => earlier.includes(entry.turn) && !kept.has(entry.turn),
    ).length;
    const isSaid = word ? word.kept_turns === room && word.dropped_messages === dropped : dropped === 0;
    if (said.length > 1 || !isSaid) {
      cloud.violated(
        'P11',
        `model call ${i + 1} was without ${dropped} entries, and ${JSON.stringify(said)} was said`,
      );
    }
  }
}

/** The messages that no prompt has from the end of their turn on, with its `seq`. */
const refusedIn = (events: readonly TurnEvent[]): Map<string, number> =>
  new Map(
    events.flatMap((event) =>
      event.type === 'error' && event.refused
        ? event.refused.map((id) => [`${event.turn} ${id}`, event.seq] as const)
        : [],
    ),
  );

/** How a turn can fail before a hook has checked its messages. */
const BEFORE_A_CHECK = new Set(['AGENT_ERROR', 'AGENT_UNAVAILABLE', 'INTERNAL', 'SESSION_DELETED']);

/** The same of messages that nothing of a model follows in their turn, which was aborted or given up: no hook may have checked them. */
function uncheckedIn(events: readonly TurnEvent[]): Map<string, number> {
  const until = new Map<string, number>();
  const waiting = new Map<string, string[]>();
  for (const event of events) {
    const { turn } = event;
    if (event.type === 'applied') {
      const ids = event.messages.map(({ id }) => `${turn} ${id}`);
      waiting.set(turn, [...(waiting.get(turn) ?? []), ...ids]);
    } else if (event.type === 'chunk' || event.type === 'tool_call' || event.type === 'tool_result') {
      waiting.delete(turn);
    } else if (event.type === 'aborted' || (event.type === 'error' && BEFORE_A_CHECK.has(event.code))) {
      for (const id of waiting.get(turn) ?? []) until.set(id, event.seq);
    }
  }
  return until;
}

/** P13: a prompt without expired entries has whole turns, in order, and all that is durable of the running one. */
function judgeShortened(
  cloud: Evidence,
  prompt: {
    call: number;
    messages: readonly PromptMessage[];
    turn: string | undefined;
    earlier: readonly string[];
    parts: readonly (Part & { seq: number; turn: string })[];
  },
): void {
  const { call, messages, turn, earlier, parts } = prompt;
  const { seq = 0 } = cloud.modelCalls[call - 1] ?? {};
  const shown = messages.flatMap(partsOfMessage);
  const users = new Set(shown.flatMap(({ kind, text }) => (kind === 'user' ? text : [])));
  const has = (other: string) =>
    parts.some((part) => part.turn === other && part.kind === 'user' && users.has(part.text));
  const kept = new Set([turn, ...earlier.filter(has)]);
  const whole = canonical(parts.filter((part) => part.seq <= seq && kept.has(part.turn)));
  const found = canonical(shown);
  if (found !== whole)
    cloud.violated('P13', `model call ${call} saw\n    ${found}\n  of the turns\n    ${whole}`);
}

/** How many earlier turns a prompt has if the last one began at `begin`: all since then, or what a new cut leaves. */
function roomSince(
  begin: string | undefined,
  bytes: number,
  {
    earlier,
    turn,
    weights,
  }: { earlier: readonly string[]; turn: string; weights: ReadonlyMap<string, number> },
): number {
  const since = begin === turn ? [] : earlier.slice(begin === undefined ? 0 : earlier.indexOf(begin));
  if (roomFor(bytes, since, weights) === since.length) return since.length;
  return roomFor(bytes / 2, since, weights) || Math.min(1, roomFor(bytes, since, weights));
}

/** How many earlier turns fit, counted from the last. */
function roomFor(bytes: number, turns: readonly string[], weights: ReadonlyMap<string, number>): number {
  let left = bytes;
  let room = 0;
  for (const turn of turns.toReversed()) {
    left -= weights.get(turn) ?? 0;
    if (left < 0) break;
    room++;
  }
  return room;
}

/** The size of each turn's entries as JSON. */
function weigh({ entries }: Stored): Map<string, number> {
  const weights = new Map<string, number>();
  for (const entry of entries) {
    if (entry.role === 'event' && entry.event.type !== 'source' && entry.event.type !== 'file') continue;
    const { expires: _, ...plain } = entry as Entry & { expires?: number };
    weights.set(entry.turn, (weights.get(entry.turn) ?? 0) + Buffer.byteLength(JSON.stringify(plain)));
  }
  return weights;
}

const isOwn = ({ kind }: Part): boolean => kind !== 'run' && kind !== 'found';

/** What the provider gave back of one call ends with what it thought. The rest is of a later call. */
function partsOfAnswer(message: Extract<PromptMessage, { role: 'assistant' }>): Part[] {
  const { text, calls, verbatim } = message;
  const said = (words: string): Part[] => (words ? [{ kind: 'said', text: words }] : []);
  const called = (list: typeof calls): Part[] => list.map(({ id }) => ({ kind: 'call', text: id }));
  if (!verbatim) return [...said(text), ...called(calls)];
  const length = verbatim.parts.reduce((sum, part) => ('text' in part ? sum + part.text : sum), 0);
  const named = new Set(verbatim.parts.flatMap((part) => ('call' in part ? part.call : [])));
  return [
    ...said(text.slice(0, length)),
    ...called(calls.filter(({ id }) => named.has(id))),
    ...thoughtsOfMessage(message),
    ...said(text.slice(length)),
    ...called(calls.filter(({ id }) => !named.has(id))),
  ];
}

/** A note stands before what the application has sent. */
function writtenInPrompt(content: Content): string {
  if (typeof content === 'string') {
    const note = `${SYSTEM_NOTE}\n\n`;
    return content.startsWith(note) ? writtenBy('system', content.slice(note.length)) : written(content);
  }
  const [first, ...rest] = content;
  return first?.type === 'text' && first.text === SYSTEM_NOTE ? writtenBy('system', rest) : written(content);
}

export function partsOfMessage(message: PromptMessage): Part[] {
  switch (message.role) {
    case 'user':
      // It stands before an answer that it asked for, and is not in the transcript.
      if (message.content === CONTINUE_REQUEST || isSummary(message)) return [];
      return [{ kind: 'user', text: writtenInPrompt(message.content) }];
    case 'assistant':
      return partsOfAnswer(message);
    case 'tool':
      return message.results.map(({ id }) => ({ kind: 'result', text: id }));
  }
}
