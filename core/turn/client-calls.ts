import type { EpochMs } from '../../config/units.ts';
import type { EventDraft } from '../events/events.ts';
import { toolResultOf } from '../events/tool-result.ts';
import { newRequestId, type RequestId } from '../ids.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import { readOutput, removeOutputs, removeQuestions } from '../session/given-outputs.ts';
import type { ClientOutput } from '../store/items.ts';
import { canBeShown } from './arguments-summary.ts';
import {
  asks,
  dueOf,
  givenFor,
  MAX_OPEN,
  type OpenQuestion,
  type OutputRequest,
  openOutputs,
  openQuestions,
  taking,
  type Waiting,
} from './asked.ts';
import type { TurnContext } from './context.ts';
import { afterToolCall } from './hooks.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { areLarge } from './verbatim.ts';

/** Calls of tools that a client runs: what it gives for a request is the result of the call. */

const LATE: ToolOutcome = { output: 'No result: the client did not answer in time.', isError: true };
/** The session is being deleted, or the item has expired. */
const GONE: ToolOutcome = { output: 'No result: what the client gave is gone.', isError: true };
const TOO_LONG: ToolOutcome = {
  output: 'Not run: the arguments are too long to be sent to the client.',
  isError: true,
};

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
    .slice(0, Math.max(0, MAX_OPEN - open.length - openQuestions(turn).length));
  if (fresh.length === 0) return false;
  const at = core.clock.now();
  const asked: Pick<Waiting, 'id'>[] = [...open];
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
  await turn.commitAlways(drafts, { change: asks(turn, { outputs: asked }) });
  return true;
}

/** Commits what clients gave, and that nobody answered in time. Both are one write on the lane, so the first one counts. */
export async function takeOutputs(
  turn: LeasedTurn,
  context: TurnContext,
  requests: readonly OutputRequest[],
  now: EpochMs,
): Promise<void> {
  const { core } = context;
  const due = dueOf(turn, requests, now);
  const { taken, when, change } = taking(turn, due);
  const results = await Promise.all(
    due.map(async (request) => toolResultOf(request.call, await outcomeOf(turn, context, request))),
  );
  const open = requests.filter((request) => !due.includes(request));
  if (areLarge(results)) await turn.spill();
  const done = await turn.commit(results, {
    when,
    change: [...asks(turn, { outputs: open }), change],
  });
  if (!done) return;
  await removeOutputs(core, turn.session, taken);
  for (const { id } of due)
    core.metrics.countBy('ClientCalls', taken.some(([request]) => request === id) ? 'answered' : 'timeout');
}

/** For a turn that ends, after no request is open any more: what clients gave in the last moment is not needed. */
export async function dropOutputs(
  { core, session, lane }: LeasedTurn,
  questions: readonly OpenQuestion[],
): Promise<void> {
  await removeOutputs(core, session, Object.entries(lane.outputs ?? {}) as [RequestId, ClientOutput][]);
  await removeQuestions(core, session, questions);
}

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
