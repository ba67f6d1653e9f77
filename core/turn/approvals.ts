import {
  after,
  between,
  type EpochMs,
  epochMs,
  milliseconds,
  type Seconds,
  seconds,
  toMs,
  toSeconds,
} from '../../config/units.ts';
import type { EventDraft } from '../events/events.ts';
import { toolResultOf } from '../events/tool-result.ts';
import { newRequestId, type RequestId } from '../ids.ts';
import { ownValue } from '../own-value.ts';
import { keepTrust, trustedIn } from '../session/trusts.ts';
import type { Decision, Lane } from '../store/items.ts';
import { sessionKey } from '../store/keys.ts';
import type { Condition } from '../store/update.ts';
import { set, sizeIs } from '../store/update.ts';
import { argumentsDigest, argumentsSummary, canBeShown, MAX_SHOWN_BYTES } from './arguments-summary.ts';
import { dueOf, openOutputs, openQuestions } from './asked.ts';
import { takeOutputs } from './client-calls.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS, timeIsShort } from './context.ts';
import { notAllowed } from './hooks.ts';
import type { LeasedTurn } from './leased-turn.ts';
import type { AskedCall } from './model-call.ts';
import { takeAnswers } from './questions.ts';
import { leftUnstarted, unstartedCalls } from './unstarted.ts';

/**
 * Approvals of tool calls. Requests and decisions are events of the turn. In between the lane lists the open requests, and a
 * user's decision is one write that demands that its request is open and undecided. A call that waits for approval is
 * recorded as not started in the commit of its request, so that no worker ever runs it without a decision.
 */

/** A suspended turn is resumed after a tenth of the time that it has waited already, within these limits. */
const LOOK_AGAIN_SECONDS = { least: 5, most: 60 } as const;

/** The turn waits for a user and for nothing else. A later invocation resumes it. */
export interface Suspended {
  /** After which time it is to be resumed. */
  seconds: Seconds;
}

export type ApprovalEnd = 'settled' | 'handover' | Suspended;

export interface ApprovalRequest {
  id: RequestId;
  call: string;
  tool: string;
  /** What an `always` covers. Undefined: it counts as `approve`. */
  covers: string | undefined;
  /** When it was made, and when it counts as denied. */
  at: EpochMs;
  until: EpochMs;
}

/** The unresolved requests of this turn, in their order. */
function openRequests({ events }: LeasedTurn): ApprovalRequest[] {
  const open = new Map<RequestId, ApprovalRequest>();
  for (const event of events) {
    if (event.type === 'approval_request') {
      const { request_id: id, tool_call_id: call, tool, at, always, covers = tool } = event;
      open.set(id, {
        id,
        call,
        tool,
        covers: always === false ? undefined : covers,
        at,
        until: after(at, toMs(seconds(event.timeout_secs))),
      });
    } else if (event.type === 'approval_resolved') open.delete(event.request_id);
  }
  return [...open.values()];
}

/** What became of calls that may need approval. The others are free to run. */
interface Asked {
  /** All open requests of the turn. */
  requests: ApprovalRequest[];
  /** Calls that must not run, by their id, and why, in words for the model and the user. */
  refused: ReadonlyMap<string, string>;
  /** What an `always` covers that is in force. */
  trusted: ReadonlySet<string>;
}

const NOTHING_TRUSTED: ReadonlySet<string> = new Set();

/**
 * Commits a request for each of these calls that needs approval and has none yet. What is trusted is read here, after the
 * calls were committed: a trust that is revoked before a call is made does not let it run.
 *
 * @param leftBehind the calls may be those of an earlier worker, which may have started them
 */
export async function ask(
  turn: LeasedTurn,
  { core, toolbox, settings }: TurnContext,
  calls: readonly AskedCall[],
  { leftBehind = false } = {},
): Promise<Asked> {
  const asked = new Map(
    turn.events.flatMap((event) =>
      event.type === 'approval_request' ? [[event.tool_call_id, event.digest] as const] : [],
    ),
  );
  const refused = new Map<string, string>();
  for (const { id, args } of calls) {
    const digest = asked.get(id);
    // Requests of earlier versions have no digest.
    if (digest !== undefined && digest !== argumentsDigest(args))
      refused.set(id, 'Not run: its arguments are not those that a person was asked about.');
  }
  const fresh = await Promise.all(
    calls
      .filter(({ id, invalid, refused }) => !invalid && refused === undefined && !asked.has(id))
      .map(async (call) => ({
        ...call,
        needs: await toolbox.needsApproval(call, turn.setup),
        covers: await toolbox.alwaysCovers(call),
      })),
  );
  const open = openRequests(turn);
  const isCovered = ({ covers }: { covers: string | undefined }) => covers !== undefined;
  const needing = fresh.filter(({ needs }) => needs === true);
  const asksForTrust = needing.some(isCovered) || open.some(isCovered);
  const session = asksForTrust
    ? /* rule: trusts-are-read-when-asking */ await sessionOf(turn)
    : turn.sessionItem;
  const trusted = new Set(trustedIn(session));
  const unstarted = unstartedCalls(turn);
  const mayHaveBegun = ({ id, name }: AskedCall) =>
    leftBehind && !unstarted.has(id) && !toolbox.isIdempotent(name) && !toolbox.client?.has(name);
  /** It may have run under a trust that was revoked since. Approving it would run it a second time. */
  const mayHaveRun = (call: AskedCall) => session.revocations !== undefined && mayHaveBegun(call);
  for (const call of fresh) {
    // One that may have run already, before the agent's code decided otherwise, has an outcome that nobody knows.
    if (typeof call.needs === 'object' && !mayHaveBegun(call))
      refused.set(call.id, notAllowed(call.needs.denied));
  }
  const guarded = needing.filter(
    (call) => !(call.covers !== undefined && (trusted.has(call.covers) || mayHaveRun(call))),
  );
  for (const { id, args } of guarded) if (!canBeShown(args)) refused.set(id, TOO_LONG_TO_SHOW);
  const waiting = guarded.filter(({ id }) => !refused.has(id));
  if (waiting.length > 0) {
    const at = core.clock.now();
    const drafts = waiting.map(
      ({ id, name, args, covers }) =>
        ({
          type: 'approval_request',
          request_id: newRequestId(core),
          tool_call_id: id,
          tool: name,
          arguments_summary: argumentsSummary(args),
          arguments: args,
          timeout_secs: settings.approvalSeconds,
          ...(covers === undefined ? { always: false } : { covers }),
          digest: argumentsDigest(args),
          at,
        }) satisfies EventDraft,
    );
    const change = [
      marksOf([...open, ...drafts.map(({ request_id: id }) => ({ id }))]),
      // Without `decisions` nothing was requested before, so nothing can be decided yet.
      ...(turn.lane.decisions ? [] : [set<Lane>('decisions', {})]),
      leftUnstarted(turn, [...unstarted, ...waiting.map(({ id }) => id)]),
    ];
    await turn.commitAlways(drafts, { change });
  }
  return { requests: openRequests(turn), refused, trusted };
}

const sessionOf = async ({ core, session, sessionItem }: LeasedTurn) =>
  (await core.store.get(sessionKey(session))) ?? sessionItem;

const TOO_LONG_TO_SHOW = `Not run: this tool needs a person's approval, and the arguments are too long to be shown. They may have ${MAX_SHOWN_BYTES} bytes as JSON.`;

/** Waits until a request for an approval, or for what a client gives, or a question is answered or times out, and commits that. */
export async function awaitAnswers(
  turn: LeasedTurn,
  context: TurnContext,
  { requests, trusted }: Pick<Asked, 'requests' | 'trusted'>,
): Promise<ApprovalEnd> {
  const { core, settings } = context;
  const outputs = openOutputs(turn);
  const questions = openQuestions(turn);
  const all = [...requests, ...outputs, ...questions];
  const asked = epochMs(Math.max(...all.map(({ at }) => at)));
  const until = epochMs(Math.min(...all.map((request) => request.until)));
  for (;;) {
    const now = core.clock.now();
    // The turn handles the abort.
    if (turn.abortRequest) return 'settled';
    if (requests.some((request) => decisionOn(turn, request, trusted) || now >= request.until)) {
      await resolve(turn, context, { requests, trusted }, now);
      return 'settled';
    }
    if (dueOf(turn, outputs, now).length > 0) {
      await takeOutputs(turn, context, outputs, now);
      return 'settled';
    }
    if (dueOf(turn, questions, now).length > 0) {
      await takeAnswers(turn, context, questions, now);
      return 'settled';
    }
    if (now >= asked + settings.approvalHoldMs) return { seconds: pauseBefore(until, asked, now) };
    if (timeIsShort(context)) return 'handover';
    await core.clock.sleep(milliseconds(Math.min(LANE_POLL_MS, until - now)));
    await turn.refresh();
  }
}

function pauseBefore(until: EpochMs, asked: EpochMs, now: EpochMs): Seconds {
  const { least, most } = LOOK_AGAIN_SECONDS;
  const waited = toSeconds(between(asked, now));
  const left = toSeconds(between(now, until));
  const pause = Math.min(Math.max(waited / 10, least), most, left);
  return seconds(Math.max(1, Math.ceil(pause)));
}

/** The user's decision on the request, or an earlier `always` that covers it. */
function decisionOn(
  { lane }: LeasedTurn,
  { id, covers }: ApprovalRequest,
  trusted: ReadonlySet<string>,
): Decision | undefined {
  const decided = ownValue(lane.decisions, id);
  if (decided?.decision === 'always' && covers === undefined) return { ...decided, decision: 'approve' };
  return decided ?? (covers !== undefined && trusted.has(covers) ? { decision: 'approve' } : undefined);
}

/** Commits the decisions, and denies requests that timed out. Both are one write on the lane, so the first one counts. */
async function resolve(
  turn: LeasedTurn,
  { core }: TurnContext,
  { requests, trusted: known }: Pick<Asked, 'requests' | 'trusted'>,
  now: EpochMs,
): Promise<void> {
  const drafts: EventDraft[] = [];
  const { decisions = {} } = turn.lane;
  const told: string[] = [];
  const open: ApprovalRequest[] = [];
  let trusted = known;
  for (const request of requests) {
    const decision = decisionOn(turn, request, trusted);
    if (decision?.decision === 'always') trusted = await keepTrusting(turn, request, decision);
    if (decision) {
      const reason = decision.by === undefined ? 'always' : 'answer';
      drafts.push(resolvedBy(request, decision, reason));
      if (decision.decision === 'deny')
        drafts.push(deniedCall(request, 'Not run: it was denied by the user.'));
      told.push(decision.decision);
    } else if (now >= request.until) {
      drafts.push(resolvedBy(request, { decision: 'deny' }, 'timeout'));
      drafts.push(deniedCall(request, 'Not run: nobody approved it in time.'));
      told.push('timeout');
    } else open.push(request);
  }
  const when: Condition<Lane>[] = [
    // `decisions` only grows within a turn, so the same size means that nobody has decided since.
    // rule: time-out-needs-no-decision
    sizeIs('decisions', Object.keys(decisions).length),
  ];
  if (!(await turn.commit(drafts, { when, change: [marksOf(open)] }))) return;
  for (const decision of told) core.metrics.countBy('Approvals', decision);
}

/** Part of a commit: from now on exactly these requests are open. */
const marksOf = (requests: readonly Pick<ApprovalRequest, 'id'>[]) =>
  set<Lane>('approvals', Object.fromEntries(requests.map(({ id }) => [id, 1 as const])));

/** On abort, deny open requests. Keep an `always`: it applies to later turns and may already be stored. */
export async function denials(turn: LeasedTurn): Promise<EventDraft[]> {
  const drafts: EventDraft[] = [];
  for (const request of openRequests(turn)) {
    const decided = decisionOn(turn, request, NOTHING_TRUSTED);
    // rule: always-outlives-abort
    if (decided?.decision === 'always') {
      await keepTrusting(turn, request, decided);
      drafts.push(resolvedBy(request, decided, 'answer'));
    } else drafts.push(resolvedBy(request, { decision: 'deny' }, 'aborted'));
  }
  return drafts;
}

const resolvedBy = (
  { id }: ApprovalRequest,
  { decision, by }: Decision,
  reason: 'answer' | 'always' | 'timeout' | 'aborted',
): EventDraft => ({
  type: 'approval_resolved',
  request_id: id,
  decision,
  reason,
  ...(by !== undefined && { by }),
});

const deniedCall = ({ call, tool }: ApprovalRequest, output: string): EventDraft =>
  toolResultOf({ id: call, name: tool }, { output, isError: true });

/**
 * Stores an `always` on the session, before the decision is committed: so it is not lost if this worker dies. Idempotent.
 *
 * @returns what is trusted then
 */
async function keepTrusting(
  turn: LeasedTurn,
  { covers }: ApprovalRequest,
  { revocations = 0 }: Decision,
): Promise<ReadonlySet<string>> {
  if (covers === undefined) return NOTHING_TRUSTED;
  const session = await keepTrust(turn.core, turn.session, covers, revocations);
  if (session) turn.startTellingTrusts(session);
  return new Set(trustedIn(session));
}
