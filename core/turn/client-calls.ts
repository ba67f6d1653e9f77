import { after, type EpochMs, seconds, toMs } from '../../config/units.ts';
import type { EventDraft } from '../events/events.ts';
import { toolResultOf } from '../events/tool-result.ts';
import { newRequestId, type RequestId } from '../ids.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import { ownValue } from '../own-value.ts';
import { readOutput, removeOutputs } from '../session/given-outputs.ts';
import type { ClientOutput, Lane } from '../store/items.ts';
import { set, sizeIs } from '../store/update.ts';
import { canBeShown } from './arguments-summary.ts';
import type { TurnContext } from './context.ts';
import { afterToolCall } from './hooks.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { areLarge } from './verbatim.ts';

/**
 * Calls of tools that a client runs. Requests are events of the turn, and their answers are results of the calls. In between the
 * lane lists the open requests, and an answer is one write that demands that its request is open and unanswered. A worker that
 * takes over finds both there, and asks for nothing twice.
 */

/** Requests that are open at the same time: the lane's item has them all. */
export const MAX_OPEN = 8;
/** Answers that one commit turns into results. */
const MAX_RESULTS = 2;

const LATE: ToolOutcome = { output: 'No result: the client did not answer in time.', isError: true };
/** The session is being deleted, or the item has expired. */
const GONE: ToolOutcome = { output: 'No result: what the client gave is gone.', isError: true };
const TOO_LONG: ToolOutcome = {
  output: 'Not run: the arguments are too long to be sent to the client.',
  isError: true,
};

export interface OutputRequest {
  id: RequestId;
  call: ToolCall;
  /** When it was made, and when it counts as not answered. */
  at: EpochMs;
  until: EpochMs;
}

/** The requests of this turn whose calls have no result, in their order. */
export function openOutputs({ events }: Pick<LeasedTurn, 'events'>): OutputRequest[] {
  const open = new Map<string, OutputRequest>();
  for (const event of events) {
    if (event.type === 'tool_output_request') {
      const { request_id: id, tool_call_id, tool: name, arguments: args, at, timeout_secs } = event;
      const call = { id: tool_call_id, name, args };
      open.set(tool_call_id, { id, call, at, until: after(at, toMs(seconds(timeout_secs))) });
    } else if (event.type === 'tool_result') open.delete(event.id);
  }
  return [...open.values()];
}

/**
 * Commits a request for each of these calls that has none yet, as far as there is room. A call that no client can be asked to run
 * gets its result.
 *
 * @returns whether it committed something
 */
export async function askClient(
  turn: LeasedTurn,
  { core, toolbox: { client }, settings }: TurnContext,
  calls: readonly ToolCall[],
): Promise<boolean> {
  if (!client) return false;
  const open = openOutputs(turn);
  const fresh = calls
    .filter(({ id }) => /* rule: client-is-asked-once */ !open.some(({ call }) => call.id === id))
    .slice(0, MAX_OPEN - open.length);
  if (fresh.length === 0) return false;
  const at = core.clock.now();
  const asked: Pick<OutputRequest, 'id'>[] = [...open];
  const drafts: EventDraft[] = [];
  for (const call of fresh) {
    const complaint = await client.complaintAbout(call);
    if (complaint !== undefined) drafts.push(toolResultOf(call, { output: complaint, isError: true }));
    else if (!canBeShown(call.args)) drafts.push(toolResultOf(call, TOO_LONG));
    else {
      const request_id = newRequestId(core);
      asked.push({ id: request_id });
      drafts.push({
        type: 'tool_output_request',
        request_id,
        tool_call_id: call.id,
        tool: call.name,
        arguments: call.args,
        lane: turn.laneId,
        timeout_secs: client.answerSeconds(call.name) ?? settings.approvalSeconds,
        at,
      });
    }
  }
  if (areLarge(drafts)) await turn.spill();
  const change = [
    asks(asked),
    // Without `outputs` nothing was asked before, so nothing can be given yet.
    ...(turn.lane.outputs ? [] : [set<Lane>('outputs', {})]),
  ];
  await turn.commitAlways(drafts, { change });
  return true;
}

const givenFor = ({ lane }: LeasedTurn, { id }: OutputRequest): ClientOutput | undefined =>
  ownValue(lane.outputs, id);

/** Whether one of these requests has an answer, or is late. */
export const hasOutput = (turn: LeasedTurn, requests: readonly OutputRequest[], now: EpochMs): boolean =>
  requests.some((request) => givenFor(turn, request) !== undefined || now >= request.until);

/** Commits what clients gave, and that nobody answered in time. Both are one write on the lane, so the first one counts. */
export async function takeOutputs(
  turn: LeasedTurn,
  context: TurnContext,
  requests: readonly OutputRequest[],
  now: EpochMs,
): Promise<void> {
  const { core } = context;
  const due = requests
    .filter((request) => givenFor(turn, request) !== undefined || now >= request.until)
    .slice(0, MAX_RESULTS);
  const { outputs = {} } = turn.lane;
  const taken = due.flatMap(({ id }) => {
    const given = ownValue(outputs, id);
    return given ? [[id, given] as const] : [];
  });
  const left = Object.entries(outputs).filter(([id]) => !taken.some(([request]) => request === id));
  const results = await Promise.all(
    due.map(async (request) => toolResultOf(request.call, await outcomeOf(turn, context, request))),
  );
  const open = requests.filter((request) => !due.includes(request));
  if (areLarge(results)) await turn.spill();
  const done = await turn.commit(results, {
    when: [
      // Clients only add to `outputs`, so the same size means that nobody has answered since.
      // rule: late-call-has-no-output
      sizeIs('outputs', Object.keys(outputs).length),
    ],
    change: [asks(open), set<Lane>('outputs', Object.fromEntries(left))],
  });
  if (!done) return;
  await removeOutputs(core, turn.session, taken);
  for (const { id } of due)
    core.metrics.countBy('ClientCalls', taken.some(([request]) => request === id) ? 'answered' : 'timeout');
}

/** Part of a commit: from now on exactly these requests are open. */
export const asks = (requests: readonly Pick<OutputRequest, 'id'>[]) =>
  set<Lane>('asked', Object.fromEntries(requests.map(({ id }) => [id, 1 as const])));

/** For a turn that ends, after no request is open any more: what clients gave in the last moment is not needed. */
export const dropOutputs = ({ core, session, lane }: LeasedTurn): Promise<void> =>
  removeOutputs(core, session, Object.entries(lane.outputs ?? {}) as [RequestId, ClientOutput][]);

async function outcomeOf(
  turn: LeasedTurn,
  context: TurnContext,
  request: OutputRequest,
): Promise<ToolOutcome> {
  const { client } = context.toolbox;
  const given = givenFor(turn, request);
  if (!given) return LATE;
  const output = await readOutput(turn.core, turn.session, request.id, given);
  if (output === undefined) return GONE;
  // An agent without the tool is a later version of it.
  const outcome =
    given.isError || !client
      ? { output, isError: given.isError === true }
      : await client.outcomeOf(request.call, output);
  return afterToolCall(turn, context, request.call, outcome);
}
