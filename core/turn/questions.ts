import type { EpochMs } from '../../config/units.ts';
import type { Answer, GivenInput, InputRequired } from '../elicitation.ts';
import type { EventDraft, TurnEvent } from '../events/events.ts';
import { toolResultOf } from '../events/tool-result.ts';
import { newRequestId, type RequestId } from '../ids.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import { putQuestion, readOutput, removeOutputs, removeQuestions } from '../session/given-outputs.ts';
import {
  asks,
  dueOf,
  givenFor,
  MAX_OPEN,
  type OpenQuestion,
  openOutputs,
  openQuestions,
  taking,
  type Waiting,
} from './asked.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { leftUnstarted, unstartedCalls } from './unstarted.ts';
import { areLarge } from './verbatim.ts';

/**
 * Questions of tools to the user: a call ends with questions in the place of a result, and is made again with their answers. Questions
 * and answers are events of the turn, so that another worker can make the call again. From the commit of the last answer on, the call
 * counts as not started: only then does it run again.
 */

type Asking = Extract<TurnEvent, { type: 'elicitation_request' }>;

const TOO_MANY: ToolOutcome = {
  output: `Not done: more than ${MAX_OPEN} questions to the user would be open at the same time.`,
  isError: true,
};

/** Questions of one call, over all rounds. A server could ask again without end, and nobody may be there to answer. */
const MAX_OF_CALL = 20;

const TOO_OFTEN: ToolOutcome = {
  output: `Not done: the tool asks the user more than ${MAX_OF_CALL} questions.`,
  isError: true,
};

/** Calls that have asked the user, answered or not. */
export const askingCalls = ({ events }: Pick<LeasedTurn, 'events'>): ReadonlySet<string> =>
  new Set(events.flatMap((event) => (event.type === 'elicitation_request' ? [event.tool_call_id] : [])));

/** With what a call goes on: the answers to what it asked last. Undefined: it has asked nothing. */
export function givenInput({ events }: Pick<LeasedTurn, 'events'>, callId: string): GivenInput | undefined {
  let round: Asking[] = [];
  const answers = new Map<RequestId, Answer>();
  for (const event of events) {
    if (event.type === 'elicitation_request' && event.tool_call_id === callId) {
      // A call asks again only when it was told all answers.
      if (round.every(({ request_id }) => answers.has(request_id))) round = [];
      round.push(event);
    } else if (event.type === 'elicitation_resolved') {
      const { action, content } = event;
      answers.set(event.request_id, { action, ...(content && { content }) });
    }
  }
  if (round.length === 0) return undefined;
  const state = round.find((asking) => asking.state !== undefined)?.state;
  return {
    answers: Object.fromEntries(
      round.flatMap(({ key, request_id }) => {
        const answer = answers.get(request_id);
        return answer ? [[key, answer]] : [];
      }),
    ),
    ...(state !== undefined && { state }),
  };
}

/** What a call asks, before it is committed. */
interface Asked {
  call: ToolCall;
  asks: InputRequired;
}

/**
 * Commits what a call asks, all of it at once: the questions, or the result of a call for whose questions there is no room. They fit into
 * one commit, so that no worker finds a part of them.
 */
export async function commitQuestions(turn: LeasedTurn, context: TurnContext, asking: Asked): Promise<void> {
  const { drafts, change } = await questionsOf(turn, context, asking);
  if (areLarge(drafts)) await turn.spill();
  await turn.commitAlways(drafts, { change });
}

async function questionsOf(
  turn: LeasedTurn,
  { core, settings }: TurnContext,
  { call, asks: required }: Asked,
): Promise<{ drafts: EventDraft[]; change: ReturnType<typeof asks> }> {
  const questions: Pick<Waiting, 'id'>[] = openQuestions(turn);
  const before = turn.events.filter(
    (event) => event.type === 'elicitation_request' && event.tool_call_id === call.id,
  ).length;
  const count = required.questions.length;
  const refusal =
    before + count > MAX_OF_CALL
      ? TOO_OFTEN
      : openOutputs(turn).length + questions.length + count > MAX_OPEN && TOO_MANY;
  if (refusal) return { drafts: [toolResultOf(call, refusal)], change: [] };
  const drafts: EventDraft[] = [];
  const at = core.clock.now();
  for (const [i, { key, ...question }] of required.questions.entries()) {
    const request_id = newRequestId(core);
    await putQuestion(core, turn.session, request_id, question);
    questions.push({ id: request_id });
    drafts.push({
      type: 'elicitation_request',
      request_id,
      tool_call_id: call.id,
      tool: call.name,
      ...question,
      timeout_secs: settings.approvalSeconds,
      key,
      ...(i === 0 && required.state !== undefined && { state: required.state }),
      at,
    });
  }
  return { drafts, change: asks(turn, { questions }) };
}

/** Commits the answers, and that nobody answered in time. Both are one write on the lane, so the first one counts. */
export async function takeAnswers(
  turn: LeasedTurn,
  { core }: TurnContext,
  open: readonly OpenQuestion[],
  now: EpochMs,
): Promise<void> {
  const due = dueOf(turn, open, now);
  const { taken, when, change } = taking(turn, due);
  const drafts = await Promise.all(due.map((question) => resolutionOf(turn, question)));
  const left = open.filter((question) => !due.includes(question));
  // All answers of a call are there: it can run, and has not begun to.
  const ready = due.flatMap(({ callId }) => (left.some((one) => one.callId === callId) ? [] : [callId]));
  if (areLarge(drafts)) await turn.spill();
  const done = await turn.commit(drafts, {
    when,
    change: [
      ...asks(turn, { questions: left }),
      change,
      leftUnstarted(turn, [...unstartedCalls(turn), ...ready]),
    ],
  });
  if (!done) return;
  await removeOutputs(core, turn.session, taken);
  await removeQuestions(core, turn.session, due);
  for (const { reason } of drafts)
    core.metrics.countBy('ClientCalls', reason === 'timeout' ? 'timeout' : 'answered');
}

async function resolutionOf(
  turn: LeasedTurn,
  { id: request_id }: OpenQuestion,
): Promise<Extract<EventDraft, { type: 'elicitation_resolved' }>> {
  const type = 'elicitation_resolved';
  const given = givenFor(turn, { id: request_id });
  const answer = given && (await readOutput(turn.core, turn.session, request_id, given));
  // Nobody answered, or the session is being deleted.
  if (answer === undefined) return { type, request_id, action: 'cancel', reason: 'timeout' };
  return { type, request_id, ...(answer as unknown as Answer), reason: 'answer' };
}

/** For a turn that ends: open questions are cancelled. What was answered in the last moment is not needed. */
export const cancellations = (turn: LeasedTurn): EventDraft[] =>
  openQuestions(turn).map(({ id: request_id }) => ({
    type: 'elicitation_resolved',
    request_id,
    action: 'cancel',
    reason: 'aborted',
  }));
