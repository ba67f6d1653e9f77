import type { EpochMs } from '../../config/units.ts';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import { asLaneId, asMessageId, asRequestId, asSessionId, type ConnectionId } from '../ids.ts';
import { closeConnection } from '../post.ts';
import { reply } from '../replies.ts';
import type { Principal } from '../store/items.ts';
import { abortTurn } from './abort.ts';
import { answerQuestion } from './answer-question.ts';
import { answerApproval } from './approve.ts';
import { cancelMessage } from './cancel.ts';
import { connect } from './connect.ts';
import { offerDownload, offerUpload } from './files.ts';
import { forkSession } from './fork.ts';
import { giveOutput } from './give-output.ts';
import { sendHistory } from './history.ts';
import { acceptMessage } from './message.ts';
import type { ConnectionChoice } from './open-connection.ts';
import { openConnection } from './open-connection.ts';
import { parseFrame } from './parse-frame.ts';
import { excessOfFrame, tooMany } from './rate.ts';
import { refuseAgent } from './refuse-agent.ts';
import { repairLane } from './repair.ts';
import { replayUntil } from './replay.ts';
import { revokeTrusts } from './revoke.ts';
import { removeSession, renameSession, sendExport, sendSessions } from './sessions.ts';
import { isExpired, refuseExpired } from './token-expiry.ts';

export interface InboundFrame {
  connectionId: ConnectionId;
  body: string;
  /** When API Gateway received it. */
  receivedAt: EpochMs;
  /** The principal whose frames are counted. Absent if every connection has the same one. */
  countedFor?: Principal;
}

/** Handles one frame of a client. The first frame of a connection opens it. A frame in error affects nothing else. */
export async function handleFrame(
  core: Core,
  { connectionId, body, receivedAt, countedFor }: InboundFrame,
): Promise<void> {
  const until = replayUntil(core);
  const parsed = parseFrame(body);
  const wish = parsed.ok ? choiceOf(parsed.frame) : {};
  // Counted while the connection is read: the limit costs a write unit and no time.
  const [greeted, excess] = await Promise.all([
    openConnection(core, connectionId, receivedAt, wish, until),
    countedFor && excessOfFrame(core, countedFor, parsed.ok ? parsed.frame : undefined),
  ]);
  // Closed meanwhile, or expired: there is nobody to answer.
  if (!greeted) return;
  const about = parsed.ok ? idOf(parsed.frame) : parsed.error.id;
  if (isExpired(greeted.connection, receivedAt)) {
    return refuseExpired(core, connectionId, greeted.connection, receivedAt, about);
  }
  // A `connect` that opened the connection has most of its answer already. Connections are counted too.
  if (excess && !(greeted.replay && parsed.ok && parsed.frame.type === 'connect')) {
    await reply(core, connectionId, tooMany(excess, about));
    if (excess.kind === 'flood') await closeConnection(core, connectionId, 'flood');
    return;
  }
  if (!parsed.ok) {
    // rule: invalid-frame-keeps-connection
    await reply(core, connectionId, parsed.error);
    return;
  }
  const { frame } = parsed;
  const sender = { id: connectionId, connection: greeted.connection };
  const { session, lane } = sender.connection;
  switch (frame.type) {
    case 'connect':
      await refuseAgent(core, sender, frame.agent);
      return connect(core, connectionId, greeted, wish, until);
    case 'message':
      return acceptMessage(core, sender, frame, receivedAt);
    case 'abort':
      return abortTurn(core, sender, frame);
    case 'cancel':
      return cancelMessage(core, sender, asMessageId(frame.id));
    case 'history':
      await sendHistory(core, sender, frame);
      return repairLane(core, session, lane);
    case 'sessions':
      return sendSessions(core, sender, frame);
    case 'rename':
      return renameSession(core, sender, frame);
    case 'export':
      return sendExport(core, sender, asSessionId(frame.session_id), frame.after);
    case 'fork':
      return forkSession(core, sender, frame, until, countedFor);
    case 'delete':
      return removeSession(core, sender, asSessionId(frame.session_id));
    case 'approval_response':
      return answerApproval(core, sender, asRequestId(frame.request_id), frame.decision);
    case 'tool_output':
      return giveOutput(core, sender, frame);
    case 'elicitation_answer':
      return answerQuestion(core, sender, frame);
    case 'revoke':
      return revokeTrusts(core, sender, frame.trust);
    case 'upload':
      return offerUpload(core, sender, frame, countedFor);
    case 'download':
      return offerDownload(core, sender, frame);
    case 'ping':
      await reply(core, connectionId, {
        type: 'pong',
        ...(frame.nonce !== undefined && { nonce: frame.nonce }),
      });
      return repairLane(core, session, lane);
  }
}

/** The id that an error about this frame carries. */
function idOf(frame: ClientFrame): string | undefined {
  switch (frame.type) {
    case 'message':
    case 'cancel':
    case 'upload':
    case 'download':
    case 'elicitation_answer':
      return frame.id;
    case 'approval_response':
    case 'tool_output':
      return frame.request_id;
    default:
      return undefined;
  }
}

function choiceOf(frame: ClientFrame): ConnectionChoice {
  if (frame.type !== 'connect') return {};
  const { session_id, resume: { lane, after_seq } = {}, options, locale, time_zone: timeZone, agent } = frame;
  return {
    ...(session_id !== undefined && { sessionId: asSessionId(session_id) }),
    ...(lane !== undefined && { lane: asLaneId(lane) }),
    after: after_seq,
    connecting: true,
    defaults: {
      ...(options !== undefined && { options: JSON.stringify(options) }),
      ...(locale !== undefined && { locale }),
      ...(timeZone !== undefined && { timeZone }),
      ...(agent !== undefined && { agent }),
    },
  };
}
