import type { ApprovalResponseFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import { errorReply, reply } from '../replies.ts';
import { leasedTurn, viewSession } from '../session/sessions.ts';
import { laneKey } from '../store/keys.ts';
import { decide } from '../store/lane/request.ts';
import type { Sender } from './acknowledge.ts';

/**
 * A person's answer to a request for approval, from any of the session's connections. The first one counts, and is answered by
 * the turn's `approval_resolved`; the worker sees it with its next look, or when it takes the turn up again.
 */
export async function answerApproval(
  core: Core,
  sender: Sender,
  frame: ApprovalResponseFrame,
): Promise<void> {
  const { session, principal } = sender.connection;
  const { request_id: request, decision } = frame;
  const held = leasedTurn(await viewSession(core, session));
  if (held?.lane.approvals && Object.hasOwn(held.lane.approvals, request)) {
    const key = laneKey(session, held.laneId);
    const written = await core.store.update(key, decide(request, { decision, by: principal.subject }));
    if (written.ok) return;
    // Refused, it may be its own repeat, or somebody's who decided the same.
    const lane = await core.store.get(key);
    if (lane?.decisions?.[request]?.decision === decision) return;
  }
  const text = 'No approval is waiting under this id: it was never asked for, or it is resolved.';
  await reply(core, sender.id, errorReply('INVALID_APPROVAL_RESPONSE', text, { id: request }));
}
