import { after, type EpochMs, seconds, toMs } from '../../config/units.ts';
import type { RequestId } from '../ids.ts';
import type { ToolCall } from '../model.ts';
import { ownValue } from '../own-value.ts';
import { ASKED, type Asked, type ClientOutput, type Lane } from '../store/items.ts';
import { set, sizeIs } from '../store/update.ts';
import type { LeasedTurn } from './leased-turn.ts';

/**
 * What a turn waits for from clients: outputs of tools that they run, and answers to questions of tools. The requests are events of
 * the turn. In between the lane lists the open ones, and what a client gives is one write that demands that its request is open and
 * unanswered. A worker that takes over finds both there, and asks for nothing twice.
 */

/** Requests that are open at the same time: the lane's item has them all. */
export const MAX_OPEN = 8;
/** Answers that one commit takes. */
const MAX_TAKEN = 2;

export interface Waiting {
  id: RequestId;
  /** When it was made, and when it counts as not answered. */
  at: EpochMs;
  until: EpochMs;
}

export interface OutputRequest extends Waiting {
  call: ToolCall;
}

export interface OpenQuestion extends Waiting {
  callId: string;
}

type Events = Pick<LeasedTurn, 'events'>;

/** The requests of this turn whose calls have no result, in their order. */
export function openOutputs({ events }: Events): OutputRequest[] {
  const open = new Map<string, OutputRequest>();
  for (const event of events) {
    if (event.type === 'tool_output_request') {
      const { request_id: id, tool_call_id, tool: name, arguments: args, at } = event;
      const call = { id: tool_call_id, name, args };
      open.set(tool_call_id, { id, call, at, until: endOf(event) });
    } else if (event.type === 'tool_result') open.delete(event.id);
  }
  return [...open.values()];
}

/** The questions of this turn that are not resolved, in their order. */
export function openQuestions({ events }: Events): OpenQuestion[] {
  const open = new Map<RequestId, OpenQuestion>();
  for (const event of events) {
    if (event.type === 'elicitation_request') {
      const { request_id: id, tool_call_id: callId, at } = event;
      open.set(id, { id, callId, at, until: endOf(event) });
    } else if (event.type === 'elicitation_resolved') open.delete(event.request_id);
  }
  return [...open.values()];
}

const endOf = ({ at, timeout_secs }: { at: EpochMs; timeout_secs: number }): EpochMs =>
  after(at, toMs(seconds(timeout_secs)));

/** Part of a commit: from now on exactly these requests are open. Of the kind that is not named, those that are open stay it. */
export function asks(
  turn: LeasedTurn,
  {
    outputs = openOutputs(turn),
    questions = openQuestions(turn),
  }: { outputs?: readonly Pick<Waiting, 'id'>[]; questions?: readonly Pick<Waiting, 'id'>[] },
) {
  const asked = Object.fromEntries<Asked>([
    ...outputs.map(({ id }) => [id, ASKED.output] as const),
    ...questions.map(({ id }) => [id, ASKED.answer] as const),
  ]);
  return [
    set<Lane>('asked', asked),
    // Without `outputs` nothing was asked before, so nothing can be given yet.
    ...(turn.lane.outputs ? [] : [set<Lane>('outputs', {})]),
  ];
}

/** What a client gave for a request. */
export const givenFor = (
  { lane }: Pick<LeasedTurn, 'lane'>,
  { id }: Pick<Waiting, 'id'>,
): ClientOutput | undefined => ownValue(lane.outputs, id);

/** Those of these requests that have an answer, or are late: as many as one commit takes. */
export const dueOf = <R extends Waiting>(turn: LeasedTurn, requests: readonly R[], now: EpochMs): R[] =>
  requests
    .filter((request) => givenFor(turn, request) !== undefined || now >= request.until)
    .slice(0, MAX_TAKEN);

/** Part of a commit that takes what clients gave for these requests: its conditions, its change, and what it takes. */
export function taking({ lane: { outputs = {} } }: LeasedTurn, due: readonly Waiting[]) {
  const all = Object.entries(outputs) as [RequestId, ClientOutput][];
  const isDue = ([id]: (typeof all)[number]) => due.some((request) => request.id === id);
  return {
    taken: all.filter(isDue),
    when: [
      // Clients only add to `outputs`, so the same size means that nobody has answered since.
      // rule: late-call-has-no-output
      sizeIs<Lane>('outputs', all.length),
    ],
    change: set<Lane>('outputs', Object.fromEntries(all.filter((given) => !isDue(given)))),
  };
}
