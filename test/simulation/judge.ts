import { isDeepStrictEqual } from 'node:util';
import type { Content } from '../../core/content.ts';
import type { Entry } from '../../core/events/entries.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { decodeEvents } from '../../core/events/events.ts';
import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import { entryOf } from '../../core/events/stored-entry.ts';
import type { PromptMessage } from '../../core/model.ts';
import type { Lane, MessageOutcome, Session, StoredEntry, StoredEvents } from '../../core/store/items.ts';
import type { EndType } from '../../protocol/events.ts';
import type { Sent } from './device.ts';
import { type Evidence, isDeletion, isWaiting, type Witness } from './evidence.ts';
import { judgeDeletion } from './judge-deletion.ts';
import { judgeThoughts, thoughtsOfEvent, thoughtsOfMessage } from './judge-thoughts.ts';
import type { Part } from './parts.ts';

/**
 * Judges a history by what clients sent and received, what the model was sent, and what is stored. It computes the
 * transcript from the events with its own code, so that a fault in the product's code shows.
 */

interface Stored {
  session: Session | undefined;
  lanes: Map<string, Lane>;
  outcomes: Map<string, MessageOutcome>;
  entries: Entry[];
  spilled: Map<number, TurnEvent>;
}

/** Not the product's own code, so that a mutant of that is caught. */
const ENDS: Readonly<Record<EndType, true>> = { done: true, aborted: true, error: true };
const isEnd = (event: TurnEvent) => Object.hasOwn(ENDS, event.type);

function readStored(cloud: Evidence): Stored {
  const stored: Stored = {
    session: undefined,
    lanes: new Map(),
    outcomes: new Map(),
    entries: [],
    spilled: new Map(),
  };
  for (const { pk, sk, item } of cloud.table.all()) {
    if (sk.startsWith('LANE#')) stored.lanes.set(sk.slice(5), item as unknown as Lane);
    else if (sk.startsWith('MESSAGE#')) stored.outcomes.set(sk.slice(8), item as unknown as MessageOutcome);
    else if (sk.startsWith('ENTRY#')) stored.entries.push(entryOf(item as unknown as StoredEntry));
    else if (sk.startsWith('EVENTS#')) {
      for (const event of decodeEvents((item as unknown as StoredEvents).events)) {
        const before = stored.spilled.get(event.seq);
        if (before && JSON.stringify(before) !== JSON.stringify(event)) {
          cloud.violated('P9', `EVENTS hold two events under ${event.seq}`);
        }
        stored.spilled.set(event.seq, event);
      }
    } else if (pk.startsWith('SESSION#') && sk === '-') stored.session = item as unknown as Session;
  }
  stored.entries.sort((a, b) => a.n - b.n);
  return stored;
}

export function judge(
  cloud: Evidence,
  devices: readonly Witness[],
  options: { ordered: boolean; probed: boolean /** Nothing has failed. */; calm: boolean },
): void {
  const stored = readStored(cloud);
  const turns = judgeEvents(cloud, stored);
  judgeRetention(cloud, stored);
  judgeSpending(cloud);
  judgeThoughts(cloud);
  if (stored.session?.deleted !== undefined) {
    judgeViews(cloud, devices, true);
    judgePrompts(cloud, stored, options.calm);
    judgeModels(cloud, turns);
    judgeCache(cloud, turns);
    judgeApprovals(cloud, turns);
    judgeDeletion(cloud, devices);
    return;
  }
  judgeTranscript(cloud, stored, turns);
  judgeMessages(cloud, devices, stored, options);
  judgeWithdrawals(cloud, turns);
  judgeViews(cloud, devices);
  judgePrompts(cloud, stored, options.calm);
  judgeModels(cloud, turns);
  judgeCache(cloud, turns);
  judgeApprovals(cloud, turns);
  judgeRest(cloud, devices, stored, options);
  if (options.calm) {
    judgeContents(cloud, stored);
    if (options.probed) judgeAudience(cloud, devices, stored);
    judgeCalmEnds(cloud, turns);
  }
  if (options.ordered) judgeOrder(cloud, devices, turns);
}

/** Every item expires, and no part of a session outlives it: a new session would number from 1 under old entries. */
function judgeRetention(cloud: Evidence, { session }: Stored): void {
  const ends = new Map<unknown, unknown>();
  for (const { pk, sk, item } of cloud.table.all()) {
    const { expires, turn } = item;
    if (sk.startsWith('ENTRY#')) {
      if (ends.has(turn) && ends.get(turn) !== expires)
        cloud.violated('retention', `${sk} expires at another time than its turn`);
      ends.set(turn, expires);
    }
    if (typeof expires !== 'number') cloud.violated('retention', `${pk} ${sk} never expires`);
    else if (session && pk.startsWith('PRINCIPAL#') && expires < session.expires)
      cloud.violated('retention', `${pk} ${sk} is off the list before it expires`);
    else if (session && pk.startsWith('SESSION#') && expires > session.expires)
      cloud.violated('retention', `${pk} ${sk} outlives its session`);
  }
}

/** P9: `seq` has no gap. P5: turns do not mix. P3: an end has the text of its chunks. P14: only a request aborts. */
function judgeEvents(cloud: Evidence, stored: Stored): Map<string, TurnEvent[]> {
  const events = [...cloud.committed.values()].sort((a, b) => a.seq - b.seq);
  const turns = new Map<string, TurnEvent[]>();
  let current: string | undefined;
  for (const [i, event] of events.entries()) {
    if (event.seq !== i + 1) cloud.violated('P9', `no event ${i + 1}, though there is ${event.seq}`);
    const turn = turns.get(event.turn);
    const last = turn?.at(-1);
    if (last && isEnd(last))
      cloud.violated('P3', `turn ${event.turn} goes on with ${event.type} after its end`);
    const before = current === undefined ? undefined : turns.get(current)?.at(-1);
    if (current !== event.turn && before && !isEnd(before)) {
      cloud.violated('P5', `turn ${event.turn} speaks before ${current} has ended`);
    }
    if (!last && event.type !== 'turn_start')
      cloud.violated('P9', `turn ${event.turn} begins with ${event.type}`);
    current = event.turn;
    if (turn) turn.push(event);
    else turns.set(event.turn, [event]);
  }
  if (!stored.session?.active && stored.session?.deleted === undefined) {
    for (const event of events) {
      const isRefused = cloud.refusal?.write === 'EVENTS' && isHeldBy(cloud.refusal, event);
      if (!stored.spilled.has(event.seq) && !isRefused)
        cloud.violated('P9', `event ${event.seq} is in no EVENTS item: no resume can give it`);
    }
  }
  for (const [id, turn] of turns) {
    const end = turn.at(-1);
    if (!end || !isEnd(end)) cloud.violated('liveness', `turn ${id} never ends`);
    if (end?.type === 'aborted' && !cloud.abortsAsked.has(id))
      cloud.violated('P14', `turn ${id} was aborted without a request`);
    let length = 0;
    for (const event of turn) {
      if (event.type !== 'chunk') continue;
      if (event.offset !== length)
        cloud.violated('P3', `chunk ${event.seq} has offset ${event.offset}, not ${length}`);
      length += event.content.length;
    }
    const calls = turn.flatMap((event) => (event.type === 'tool_call' ? event.id : [])).sort();
    const results = turn.flatMap((event) => (event.type === 'tool_result' ? event.id : [])).sort();
    // A turn that ran when the session was deleted need not end otherwise.
    if (isDeletion(end) || wasAbandoned(cloud, end)) continue;
    if (calls.join() !== results.join())
      cloud.violated('P13', `turn ${id}: calls ${calls}, results ${results}`);
    if (new Set(calls).size !== calls.length) cloud.violated('P13', `turn ${id}: two calls of one id`);
  }
  return turns;
}

/** Content as text: equal if and only if the contents are. */
const written = (content: Content): string =>
  typeof content === 'string' ? content : JSON.stringify(content);

/** The transcript that the events should give, computed without the product's code. */
function expectedTranscript(turns: ReadonlyMap<string, readonly TurnEvent[]>): string[] {
  const lines: string[] = [];
  for (const events of turns.values()) {
    let text = '';
    const say = () => {
      if (text) lines.push(`assistant ${text}`);
      text = '';
    };
    for (const part of events.flatMap(partsOfEvent)) {
      if (part.kind === 'said') {
        text += part.text;
        continue;
      }
      if (part.kind !== 'result') say();
      lines.push(part.kind === 'user' ? `user ${part.id} ${part.text}` : `${part.kind} ${part.text}`);
    }
    say();
  }
  return lines;
}

const lineOf = (entry: Entry): string => {
  switch (entry.role) {
    case 'user':
      return `user ${entry.id} ${written(entry.content)}`;
    case 'assistant':
      return `assistant ${entry.content}`;
    case 'tool_call':
      return `call ${entry.id}`;
    case 'tool_result':
      return `result ${entry.id}`;
  }
};

function judgeTranscript(cloud: Evidence, stored: Stored, turns: Map<string, TurnEvent[]>): void {
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
const isHeldBy = ({ text }: NonNullable<Evidence['refusal']>, held: unknown): boolean =>
  text === 'tool_result' || JSON.stringify(held).includes(text);

/** The turn could not be given up, or a worker that took over did not find all of its events. */
const wasAbandoned = ({ refusal }: Evidence, end: TurnEvent | undefined): boolean =>
  refusal !== undefined && refusal.write !== 'ENTRY' && end?.type === 'error' && end.code === 'AGENT_ERROR';

/** A turn that no worker can finish calls its model a bounded number of times. */
const MAX_CALLS_OF_TURN = 100;

function judgeSpending(cloud: Evidence): void {
  const calls = new Map<string, number>();
  for (const { seq } of cloud.modelCalls) {
    const turn = cloud.committed.get(seq)?.turn ?? '';
    calls.set(turn, (calls.get(turn) ?? 0) + 1);
  }
  for (const [turn, count] of calls)
    if (count > MAX_CALLS_OF_TURN) cloud.violated('spending', `turn ${turn} called its model ${count} times`);
}

/** P1, P2, P10: each message is once in the transcript, or its sender received another outcome. */
function judgeMessages(
  cloud: Evidence,
  devices: readonly Witness[],
  stored: Stored,
  { probed }: { probed: boolean },
): void {
  const times = new Map<string, number>();
  const said = new Map(devices.flatMap(({ sent }) => [...sent].map(([id, { content }]) => [id, content])));
  for (const event of cloud.committed.values()) {
    if (event.type !== 'applied') continue;
    for (const { id, content } of event.messages) {
      times.set(id, (times.get(id) ?? 0) + 1);
      if (!isDeepStrictEqual(content, said.get(id)))
        cloud.violated('P1', `${id} was applied with other content`);
    }
  }
  for (const device of devices) {
    for (const message of device.sent.values()) {
      const { id } = message;
      const count = times.get(id) ?? 0;
      const outcome = stored.outcomes.get(id);
      // Its outcome is still undelivered: where it was withdrawn, or on its own lane if that has a connection which the
      // device has left, because a delayed request of the device adopted the lane again.
      const noticed = [...stored.lanes.values()].some(
        ({ undelivered: notices, forwarded: elsewhere, connection }) =>
          Object.hasOwn(notices, id) || (Object.hasOwn(elsewhere, id) && connection !== device.connection),
      );
      const withdrawn = outcome?.outcome === 'withdrawn' || noticed;
      if (count > 1) cloud.violated('P10', `${id} is in the transcript ${count} times`);
      if (count > 0 && message.outcome && message.outcome !== 'STEERING_QUEUE_FULL') {
        cloud.violated('P2', `${id} was answered ${message.outcome} and is in the transcript`);
      }
      if (count > 0 && message.outcome === 'STEERING_QUEUE_FULL' && message.acknowledgedAt === undefined) {
        // One try was refused. An earlier one, whose answer was lost, was accepted: the client sees that by the events.
        continue;
      }
      if (count === 0 && message.acknowledgedAt !== undefined && !message.outcome && !withdrawn) {
        cloud.violated('P1', `${id} was accepted, is not in the transcript, and has no other outcome`);
      }
      // Only a late duplicate of a request can bring in a message whose refusal has removed its content. The sender may have
      // missed the refusal, so what it received does not decide this.
      if (
        outcome?.outcome === 'withdrawn' &&
        outcome.code === 'AGENT_ERROR' &&
        cloud.refusal?.write !== 'LANE' &&
        !cloud.broughtInLate?.has(id)
      )
        cloud.violated('P1', `${id} was withdrawn, because its content was lost`);
      if (outcome?.outcome === 'withdrawn' && !noticed && count === 0 && !wasTold(device, message)) {
        cloud.violated(
          'P1',
          `${id} was withdrawn (${outcome.code}), and its sender ${device.name} did not receive that`,
        );
      }
      if (count === 0 && isWaiting(message) && device.online && !withdrawn) {
        cloud.violated('liveness', `${id} never got an answer`);
      }
      // Sent after the faults, only if the first was refused.
      if (probed && /^probe-.*-2$/.test(id) && count === 0) {
        cloud.violated('liveness', `${id}, sent after the faults, has ${message.outcome ?? 'no answer'}`);
      }
    }
  }
}

/** `NOT_PENDING` names the turn and the placement that the message has. */
function judgeWithdrawals(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  for (const { id, turn, placement } of cloud.notPending ?? []) {
    const takenIn = turns
      .get(turn)
      ?.find((event) => event.type === 'applied' && event.messages.some((message) => message.id === id));
    if (takenIn?.type !== 'applied') {
      cloud.violated('P1', `${id} was reported as applied by ${turn}, which did not apply it`);
    } else if (placement !== undefined && (placement === 'turn') !== (takenIn.step === 1)) {
      cloud.violated('P1', `${id} was said to be ${placement} in ${turn}, at step ${takenIn.step}`);
    }
  }
}

/** Or cannot be told: the device is away, or left the lane of the message. */
const wasTold = (device: Witness, message: Sent) =>
  message.outcome !== undefined || message.forgotten || !device.online || device.lane !== message.lane;

/** P9: a client that is online received every event since it began. P3, P4: as it is stored. */
function judgeViews(cloud: Evidence, devices: readonly Witness[], deleted = false): void {
  const last = cloud.committed.size;
  for (const device of devices) {
    for (const [seq, frame] of device.seen) {
      const event = cloud.committed.get(seq);
      if (event?.type === 'chunk' && frame.type === 'chunk' && event.content !== frame.content) {
        cloud.violated('P4', `${device.name} saw other text in event ${seq} than is stored`);
      }
      if (
        frame.type === 'done' ||
        frame.type === 'aborted' ||
        (frame.type === 'error' && 'full_response' in frame)
      ) {
        const text = [...cloud.committed.values()]
          .filter((other) => other.turn === frame.turn_id && other.type === 'chunk')
          .sort((a, b) => a.seq - b.seq)
          .reduce((sum, other) => sum + (other.type === 'chunk' ? other.content : ''), '');
        // A deletion removes the text while another function may be about to post it again.
        const isGone = (deleted || cloud.refusal?.write === 'EVENTS') && frame.full_response_omitted === true;
        if (frame.full_response !== text && !isGone) {
          cloud.violated(
            'P3',
            `${frame.type} ${seq} says "${frame.full_response}", its chunks say "${text}"`,
          );
        }
      }
    }
    if (cloud.refusal?.write === 'EVENTS') continue;
    if (device.online && !device.bereft && device.base !== undefined && device.contiguous < last) {
      cloud.violated(
        'P9',
        `${device.name} has events up to ${device.contiguous} of ${last}, and cannot get on`,
      );
    }
  }
}

/**
 * P11: each prompt has all that was durable when the model was called, and nothing else. Of earlier turns it has those since
 * the last cut, each whole (P13). One event before the call reports that others are left out.
 */
function judgePrompts(cloud: Evidence, stored: Stored, calm: boolean): void {
  const events = [...cloud.committed.values()].sort((a, b) => a.seq - b.seq);
  const all = events.flatMap((event) =>
    [...partsOfEvent(event), ...thoughtsOfEvent(cloud, event)].map((part) => ({
      ...part,
      seq: event.seq,
      turn: event.turn,
    })),
  );
  const bytes = (cloud.contextTokens ?? Number.POSITIVE_INFINITY) * 4;
  const weights = weigh(stored);
  /** Where prompts may begin: at a turn, or with the session. A worker that dies may leave its cut unremembered. */
  let begins: readonly (string | undefined)[] = [undefined];
  // The size of a deleted session's entries is unknown: there the turn's own report counts.
  const gone = stored.session?.deleted !== undefined;
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
    const durable = canonical(parts.filter(({ seq, turn: of }) => seq <= call.seq && kept.has(of)));
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

/** The fallback model continues after `model_changed`, which comes once, before anything of the failed call is visible. */
function judgeModels(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  for (const call of cloud.modelCalls) {
    const turn = cloud.committed.get(call.seq)?.turn;
    if (!call.current || call.model === undefined || turn === undefined) continue;
    const change = turns.get(turn)?.find((event) => event.type === 'model_changed' && event.seq <= call.seq);
    if ((call.model === 'second') !== (change !== undefined))
      cloud.violated('fallback', `turn ${turn} called the ${call.model} model after ${call.seq}`);
  }
  for (const [id, events] of turns) {
    const changes = events.filter((event) => event.type === 'model_changed');
    const [change] = changes;
    if (changes.length > 1)
      cloud.violated('fallback', `turn ${id} changed its model ${changes.length} times`);
    const end = events.at(-1);
    if (end?.type === 'done' && end.model !== (change ? 'second' : 'first') && end.model !== 'scripted')
      cloud.violated('fallback', `turn ${id} says that ${end.model} answered`);
    if (end?.type === 'done' && (end.fallback_from !== undefined) !== (change !== undefined))
      cloud.violated('fallback', `turn ${id} says that ${end.fallback_from} failed`);
    // Also a call whose worker does not count as the last to claim: a late duplicate of its own claim causes that.
    const failed = cloud.modelCalls.findLast(({ seq }) => change && seq < change.seq);
    const seen = events.filter(
      ({ seq, type }) => failed && change && seq > failed.seq && seq < change.seq && VISIBLE[type],
    );
    if (seen.length > 0)
      cloud.violated('fallback', `turn ${id} changed its model after its call had said ${seen[0]?.type}`);
  }
}

/** Each request is resolved once, before its turn ends, and by the first decision. */
function judgeApprovals(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  for (const [id, events] of turns) {
    const open = new Set<string>();
    for (const event of events) {
      if (event.type === 'approval_request') open.add(event.request_id);
      if (event.type !== 'approval_resolved') continue;
      const { request_id: request, decision, reason } = event;
      if (!open.delete(request)) cloud.violated('approval', `${request} is resolved unasked, or twice`);
      const decided = cloud.decided?.get(request);
      if (reason === 'answer' && decision !== decided)
        cloud.violated('approval', `${request} was answered ${decided}, and is said to be ${decision}`);
      if (reason === 'timeout' && decided !== undefined)
        cloud.violated('approval', `${request} was answered ${decided}, and is said to be late`);
    }
    if (open.size > 0 && !isDeletion(events.at(-1)) && !wasAbandoned(cloud, events.at(-1)))
      cloud.violated('approval', `turn ${id} ends without an answer to ${[...open]}`);
  }
}

/** A cached answer is marked, and one complete model call gave it to the same prompt before. */
function judgeCache(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  if (!cloud.answers) return;
  for (const [id, events] of turns) {
    const end = events.at(-1);
    if (end?.type !== 'done') continue;
    const called = cloud.modelCalls.some(({ seq }) => seq >= (events[0]?.seq ?? 0) && seq < end.seq);
    if (!called && !end.cached)
      cloud.violated('cache', `turn ${id} was answered by no call, and says nothing`);
    if (!end.cached) continue;
    // In these histories a prompt has no earlier turns.
    const parts = events.flatMap(partsOfEvent);
    const prompt = canonical(parts.filter(({ kind }) => kind === 'user'));
    const text = events.reduce((all, event) => (event.type === 'chunk' ? all + event.content : all), '');
    const known = cloud.answers.some(
      (answer) =>
        answer.text === text &&
        canonical((answer.messages as PromptMessage[]).flatMap(partsOfMessage)) === prompt,
    );
    if (!known || end.steps !== 1)
      cloud.violated('cache', `turn ${id} was given "${text}", which answers another prompt`);
  }
}

/** Whether a model call that fails after this event was visible to clients. */
const VISIBLE: Readonly<Record<TurnEvent['type'], boolean>> = {
  chunk: true,
  thinking: true,
  tool_call: true,
  turn_start: false,
  applied: false,
  tool_result: false,
  approval_request: false,
  approval_resolved: false,
  history_trimmed: false,
  model_changed: false,
  done: false,
  aborted: false,
  error: false,
  foreign: false,
};

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
    const { expires: _, ...plain } = entry as Entry & { expires?: number };
    weights.set(entry.turn, (weights.get(entry.turn) ?? 0) + Buffer.byteLength(JSON.stringify(plain)));
  }
  return weights;
}

/** What an event adds to later prompts. */
export function partsOfEvent(event: TurnEvent): Part[] {
  switch (event.type) {
    case 'applied':
      return event.messages.map(({ id, content }) => ({ kind: 'user', text: written(content), id }));
    case 'chunk':
      return [{ kind: 'said', text: event.content }];
    case 'tool_call':
      return [{ kind: 'call', text: event.id }];
    case 'tool_result':
      return [{ kind: 'result', text: event.id }];
    case 'turn_start':
    case 'thinking':
    case 'approval_request':
    case 'approval_resolved':
    case 'history_trimmed':
    case 'model_changed':
    case 'done':
    case 'aborted':
    case 'error':
    case 'foreign':
      return [];
  }
}

function partsOfMessage(message: PromptMessage): Part[] {
  switch (message.role) {
    case 'user':
      // It stands before an answer that it asked for, and is not in the transcript.
      if (message.content === CONTINUE_REQUEST) return [];
      return [{ kind: 'user', text: written(message.content) }];
    case 'assistant':
      return [
        ...(message.text ? [{ kind: 'said', text: message.text }] : []),
        ...message.calls.map(({ id }) => ({ kind: 'call', text: id })),
        ...thoughtsOfMessage(message),
      ];
    case 'tool':
      return message.results.map(({ id }) => ({ kind: 'result', text: id }));
  }
}

/** The results of one step are in the order of the calls in a prompt, and in the order of completion in the transcript. */
export function canonical(parts: readonly Part[]): string {
  let text = '';
  let results: string[] = [];
  let last = '';
  const close = () => {
    text += results
      .sort()
      .map((id) => `R(${id})`)
      .join('');
    results = [];
  };
  for (const part of parts) {
    if (part.kind === 'result') {
      results.push(part.text);
      last = 'result';
      continue;
    }
    close();
    // One answer's text may be in several entries, or be split by a take-over.
    text +=
      part.kind === 'said' ? (last === 'said' ? part.text : `S:${part.text}`) : `|${part.kind}:${part.text}|`;
    last = part.kind;
  }
  close();
  return text;
}

/** P2: content is stored only while its message is pending, unless a function died in between. */
function judgeContents(cloud: Evidence, { lanes }: Stored): void {
  const pending = [...lanes.values()].flatMap(({ inbox, waiting }) =>
    Object.values({ ...inbox, ...waiting }),
  );
  const used = new Set(pending.map(({ turn }) => `CONTENT#${turn}`));
  for (const { sk } of cloud.table.all())
    if (sk.startsWith('CONTENT#') && !used.has(sk)) cloud.violated('P2', `${sk} is of no pending message`);
}

/**
 * Nobody who is gone is posted to for ever. API Gateway does not report the end of every connection; the next turn's first
 * post finds out.
 */
function judgeAudience(cloud: Evidence, devices: readonly Witness[], { session }: Stored): void {
  const online = new Set(devices.filter((device) => device.online).map(({ connection }) => connection));
  for (const connection of Object.keys(session?.audience ?? {}))
    if (!online.has(connection)) cloud.violated('rest', `${connection} is gone, and is still posted to`);
}

/** No turn is given up although nothing has failed. */
function judgeCalmEnds(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  for (const [id, turn] of turns) {
    const end = turn.at(-1);
    if (end?.type === 'error' && end.code === 'AGENT_ERROR')
      cloud.violated('liveness', `nothing has failed, and turn ${id} was given up: ${end.message}`);
  }
}

/** After the faults nothing is left incomplete. */
function judgeRest(
  cloud: Evidence,
  devices: readonly Witness[],
  stored: Stored,
  { probed }: { probed: boolean },
): void {
  const sent = new Map(devices.flatMap((device) => [...device.sent]));
  const spokenOn = new Set(devices.map((device) => device.lane));
  for (const [id, lane] of stored.lanes) {
    const pending = [...Object.keys(lane.inbox), ...Object.keys(lane.waiting)];
    // An unacknowledged message that its client has given up may wait until the lane's next frame. So may a message that a
    // late duplicate brought back after it was answered.
    const owed = pending.some(
      (message) =>
        sent.get(message)?.acknowledgedAt !== undefined &&
        !sent.get(message)?.outcome &&
        !stored.outcomes.has(message),
    );
    const open = lane.turn !== undefined || pending.length > 0;
    // The lane's next frame opens it.
    const answered =
      pending.length > 0 &&
      pending.every((message) => stored.outcomes.has(message) || sent.get(message)?.outcome !== undefined);
    if (open && ((probed && spokenOn.has(id) && !answered) || lane.lease !== undefined || owed)) {
      cloud.violated(
        'liveness',
        `lane ${id} still has ${lane.turn ?? 'no turn'} with ${pending.join(', ') || 'nothing pending'}`,
      );
    }
  }
  const active = stored.session?.active;
  // Before that, it may be a hint that a late duplicate brought back. The next worker follows it.
  if (probed && active && stored.lanes.get(active.lane)?.slot === active.slot) {
    cloud.violated('liveness', `slot ${active.slot} stays active for ever`);
  }
  if (cloud.queued > 0) cloud.violated('liveness', 'a job is never consumed');
}

/** P5: waiting turns start in the order in which they were accepted. */
function judgeOrder(
  cloud: Evidence,
  devices: readonly Witness[],
  turns: ReadonlyMap<string, readonly TurnEvent[]>,
): void {
  const openedBy = new Map<string, number>();
  for (const events of turns.values()) {
    const applied = events.find((event) => event.type === 'applied');
    if (applied?.type === 'applied' && applied.messages[0]) openedBy.set(applied.messages[0].id, applied.seq);
  }
  const messages = devices.flatMap((device) => [...device.sent.values()]);
  for (const earlier of messages) {
    for (const later of messages) {
      const [a, b] = [openedBy.get(earlier.id), openedBy.get(later.id)];
      if (a === undefined || b === undefined || a <= b || earlier.acknowledgedAt === undefined) continue;
      const opened = later.placement === 'turn' || later.placement === 'queued';
      if (earlier.placement !== 'duplicate' && earlier.acknowledgedAt < later.sentAt && opened) {
        cloud.violated(
          'P5',
          `${later.id} was answered before ${earlier.id}, which was accepted before it was sent`,
        );
      }
    }
  }
}
