import type { ApprovalResponseFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import type { RequestId } from '../ids.ts';
import { ownValue } from '../own-value.ts';
import { errorReply, reply } from '../replies.ts';
import { leasedTurn, viewSession } from '../session/sessions.ts';
import { laneKey } from '../store/keys.ts';
import { decide } from '../store/lane/request.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Handles a user's answer to an approval request, from any of the session's connections. The first answer counts, and the
 * turn's `approval_resolved` reports it. The worker sees it with its next poll, or when it resumes the turn.
 */
export async function answerApproval(
  core: Core,
  sender: Sender,
  request: RequestId,
  decision: ApprovalResponseFrame['decision'],
): Promise<void> {
  const { session, principal } = sender.connection;
  const view = await viewSession(core, session);
  const held = leasedTurn(view);
  if (held?.lane.approvals && Object.hasOwn(held.lane.approvals, request)) {
    const key = laneKey(session, held.laneId);
    // Read before the decision is stored: a revocation in between voids an `always`.
    const revocations = decision === 'always' ? view.session?.revocations : undefined;
    const written = await core.store.update(
      key,
      decide(request, {
        decision,
        by: principal.subject,
        ...(revocations !== undefined && { revocations }),
      }),
    );
    if (written.ok) return;
    // Refused: it may be a repeat of this answer, or the same answer of another user.
    const lane = await core.store.get(key);
    if (ownValue(lane?.decisions, request)?.decision === decision) return;
  }
  const text = 'No approval request with this id is open: it was never made, or it is resolved.';
  await reply(core, sender.id, errorReply('INVALID_APPROVAL_RESPONSE', text, { id: request }));
}
