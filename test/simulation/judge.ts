import { isDeepStrictEqual } from 'node:util';
import type { TurnEvent } from '../../core/events/events.ts';
import type { PromptMessage } from '../../core/model.ts';
import type { EndType } from '../../protocol/events.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { modelOfStep } from './contexts.ts';
import type { Sent } from './device.ts';
import { type Evidence, isDeletion, isWaiting, type Witness } from './evidence.ts';
import { isForOtherAgent, judgeAgents } from './judge-agents.ts';
import { judgeApplication } from './judge-application.ts';
import { judgeClientCalls } from './judge-client-calls.ts';
import { judgeContexts } from './judge-contexts.ts';
import { judgeDeletion } from './judge-deletion.ts';
import { judgePrompts, partsOfMessage } from './judge-prompts.ts';
import { judgeShown } from './judge-shown.ts';
import { judgeSummaries } from './judge-summaries.ts';
import { judgeThoughts } from './judge-thoughts.ts';
import { expectedTranscript, isHeldBy, judgeTranscript, lineOf, wasAbandoned } from './judge-transcript.ts';
import { canonical, partsOfEvent, VISIBLE } from './parts.ts';
import { readStored, type Stored } from './stored.ts';
import { mended } from './texts.ts';

/**
 * Judges a history by what clients sent and received, what the model was sent, and what is stored. It computes the
 * transcript from the events with its own code, so that a fault in the product's code shows.
 */

/** Not the product's own code, so that a mutant of that is caught. */
const ENDS: Readonly<Record<EndType, true>> = { done: true, aborted: true, error: true };
const isEnd = (event: TurnEvent) => Object.hasOwn(ENDS, event.type);

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
  cloud.forks?.judge(expectedTranscript(turns), lineOf);
  if (stored.session?.deleted !== undefined) {
    judgeViews(cloud, devices, true);
    judgePrompts(cloud, stored, options.calm);
    judgeSummaries(cloud, stored);
    judgeModels(cloud, turns);
    judgeCache(cloud, turns);
    judgeShown(cloud, turns);
    cloud.subagents?.judge(turns);
    judgeApprovals(cloud, turns);
    cloud.hooks?.judge(turns, true);
    if (cloud.clientCalls) judgeClientCalls(cloud, cloud.clientCalls, turns, false);
    judgeDeletion(cloud, devices);
    return;
  }
  judgeTranscript(cloud, stored, turns);
  judgeMessages(cloud, devices, stored, options);
  judgeWithdrawals(cloud, turns);
  judgeViews(cloud, devices);
  judgePrompts(cloud, stored, options.calm);
  judgeSummaries(cloud, stored);
  judgeModels(cloud, turns);
  judgeCache(cloud, turns);
  judgeAgents(cloud, stored, devices);
  judgeContexts(cloud, devices);
  judgeApplication(cloud, devices, stored);
  judgeShown(cloud, turns);
  cloud.subagents?.judge(turns);
  judgeApprovals(cloud, turns);
  cloud.hooks?.judge(turns, false);
  if (cloud.clientCalls) judgeClientCalls(cloud, cloud.clientCalls, turns, options.calm);
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
      const given = said.get(id);
      if (given === undefined || !isDeepStrictEqual(content, mended(given)))
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
      if (probed && /^probe-.*-2$/.test(id) && count === 0 && !isForOtherAgent(outcome)) {
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
        const isTooLong = frame.full_response_omitted === true && !fitsFrame(frame, text);
        if (frame.full_response !== text && !isGone && !isTooLong) {
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

/** Whether API Gateway would post the end of a turn with this text. */
const fitsFrame = (
  { full_response_omitted: _, ...end }: { full_response_omitted?: true | undefined },
  text: string,
): boolean => Buffer.byteLength(JSON.stringify({ ...end, full_response: text })) <= MAX_FRAME_BYTES;

/** The fallback model continues after `model_changed`, which comes once, before anything of the failed call is visible. */
function judgeModels(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  for (const call of cloud.modelCalls) {
    const turn = cloud.committed.get(call.seq)?.turn;
    if (!call.current || call.model === undefined || turn === undefined) continue;
    const change = turns.get(turn)?.find((event) => event.type === 'model_changed' && event.seq <= call.seq);
    const named = cloud.setups ? modelOfStep(call.messages as PromptMessage[]) : 'first';
    if (call.model !== (change ? 'second' : named))
      cloud.violated('fallback', `turn ${turn} called the ${call.model} model after ${call.seq}`);
  }
  for (const [id, events] of turns) {
    const changes = events.filter((event) => event.type === 'model_changed');
    const [change] = changes;
    if (changes.length > 1)
      cloud.violated('fallback', `turn ${id} changed its model ${changes.length} times`);
    const end = events.at(-1);
    if (end?.type === 'done' && !end.cached && end.model !== 'scripted') {
      const calls = cloud.modelCalls.filter(({ seq }) => seq >= (events[0]?.seq ?? 0) && seq < end.seq);
      // A late duplicate of another worker's claim makes that one count as the last to claim.
      const last = [calls.findLast(({ current }) => current), calls.at(-1)];
      const answered = change ? ['second'] : last.map((call) => call?.model);
      if (!answered.includes(end.model))
        cloud.violated('fallback', `turn ${id} says that ${end.model} answered`);
    }
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
        isDeepStrictEqual(answer.prepared, preparedIn(events)) &&
        canonical((answer.messages as PromptMessage[]).flatMap(partsOfMessage)) === prompt,
    );
    if (!known || end.steps !== 1)
      cloud.violated('cache', `turn ${id} was given "${text}", which answers another prompt`);
  }
}

function preparedIn([start]: readonly TurnEvent[]): unknown {
  return start?.type === 'turn_start' ? start.context?.prepared : undefined;
}

/** P2: content is stored only while its message is pending, unless a function died in between. */
function judgeContents(cloud: Evidence, { lanes }: Stored): void {
  const pending = [...lanes.values()].flatMap(({ inbox, waiting }) =>
    Object.values({ ...inbox, ...waiting }),
  );
  const used = new Set(pending.map(({ turn }) => `CONTENT#${turn}`));
  for (const { sk } of cloud.table.all())
    if (sk.startsWith('CONTENT#') && !used.has(sk)) cloud.violated('P2', `${sk} is of no pending message`);
  const given = [...lanes.values()].flatMap(({ outputs = {} }) =>
    Object.entries(outputs).map(([request, { digest }]) => `OUTPUT#${request}#${digest}`),
  );
  for (const { sk } of cloud.table.all())
    if (sk.startsWith('OUTPUT#') && !given.includes(sk)) cloud.violated('P2', `${sk} is of no open request`);
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
