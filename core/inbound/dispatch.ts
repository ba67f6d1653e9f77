import type { EpochMs } from '../../config/units.ts';
import type { ClientFrame, ClientFrameType } from '../../protocol/client-frames.ts';
import { CLIENT_FRAMES } from '../../protocol/client-frames.ts';
import { ID_PATTERN } from '../../protocol/ids.ts';
import { MAX_FRAME_LEVELS, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { Core } from '../core.ts';
import { asLaneId, asMessageId, asRequestId, asSessionId, type ConnectionId } from '../ids.ts';
import { isLocale, isTimeZone } from '../intl.ts';
import { bytesOfJson, levelsOf } from '../json-bytes.ts';
import { closeConnection } from '../post.ts';
import { errorReply, reply } from '../replies.ts';
import type { Principal } from '../store/items.ts';
import { abortTurn } from './abort.ts';
import { answerApproval } from './approve.ts';
import { cancelMessage } from './cancel.ts';
import { connect } from './connect.ts';
import { giveOutput } from './give-output.ts';
import { sendHistory } from './history.ts';
import { acceptMessage } from './message.ts';
import { nearestIssue } from './nearest-issue.ts';
import type { ConnectionChoice } from './open-connection.ts';
import { openConnection } from './open-connection.ts';
import { excessOf, tooMany, weightOf } from './rate.ts';
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
    countedFor &&
      excessOf(
        core,
        countedFor,
        parsed.ok && parsed.frame.type === 'abort' ? 'aborts' : 'frames',
        parsed.ok ? weightOf(parsed.frame) : 1,
      ),
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
      return renameSession(core, sender, asSessionId(frame.session_id), frame.name);
    case 'export':
      return sendExport(core, sender, asSessionId(frame.session_id), frame.after);
    case 'delete':
      return removeSession(core, sender, asSessionId(frame.session_id));
    case 'approval_response':
      return answerApproval(core, sender, asRequestId(frame.request_id), frame.decision);
    case 'tool_output':
      return giveOutput(core, sender, frame);
    case 'revoke':
      return revokeTrusts(core, sender, frame.trust);
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

type Parsed = { ok: true; frame: ClientFrame } | { ok: false; error: ErrorReply };

function parseFrame(body: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return refused(errorReply('INVALID_JSON', 'The frame is not JSON.'));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused(errorReply('INVALID_JSON', 'The frame is not a JSON object.'));
  }
  const { type, id, request_id } = value as { type?: unknown; id?: unknown; request_id?: unknown };
  const about = idAmong(id, request_id);
  if (typeof type !== 'string' || !Object.hasOwn(CLIENT_FRAMES, type)) {
    const known = Object.keys(CLIENT_FRAMES).join(', ');
    return refused(errorReply('UNKNOWN_MESSAGE_TYPE', `The frame's "type" must be one of: ${known}.`, about));
  }
  const levels = levelsOf(body);
  if (levels > MAX_FRAME_LEVELS) {
    const text = `The frame has objects and arrays in ${levels} levels; at most ${MAX_FRAME_LEVELS} are accepted.`;
    return refused(errorReply('INVALID_FRAME', text, about));
  }
  const checked = CLIENT_FRAMES[type as ClientFrameType].safeParse(wellFormed<unknown>(value));
  if (checked.success) return withinLimits(checked.data, about);
  const issue = checked.error.issues[0] && nearestIssue(checked.error.issues[0], value);
  const field = issue?.path.join('.') || 'frame';
  return refused(
    errorReply(
      'INVALID_FRAME',
      `The field "${field}" is not valid: ${issue?.message ?? 'see the protocol'}.`,
      about,
    ),
  );
}

/** The id that an error about a frame carries, of which nothing is known but that it is a JSON object. */
function idAmong(...values: readonly unknown[]): { id?: string } {
  const id = values.find((value) => typeof value === 'string' && ID_PATTERN.test(value));
  return typeof id === 'string' ? { id } : {};
}

/** What the form of a frame does not say: options are stored with each message, and not every name is one of a place. */
function withinLimits(frame: ClientFrame, about: { id?: string }): Parsed {
  const { options, locale, time_zone } = {
    options: undefined,
    locale: undefined,
    time_zone: undefined,
    ...frame,
  };
  const bytes = options === undefined ? 0 : bytesOfJson(options);
  if (bytes > MAX_OPTIONS_BYTES) {
    const text = `The options have ${bytes} bytes as JSON; at most ${MAX_OPTIONS_BYTES} are accepted.`;
    return refused(
      errorReply('MESSAGE_TOO_LARGE', text, {
        ...about,
        limit: MAX_OPTIONS_BYTES,
        depth: bytes,
        path: 'options',
      }),
    );
  }
  if (locale !== undefined && !isLocale(locale)) return unknownPlace('locale', 'language tag of BCP 47');
  if (time_zone !== undefined && !isTimeZone(time_zone))
    return unknownPlace('time_zone', 'time zone of the IANA data base');
  return { ok: true, frame };
}

const unknownPlace = (field: string, of: string): Parsed =>
  refused(errorReply('INVALID_FRAME', `The field "${field}" is not valid: it must be a ${of}.`));

const refused = (error: ErrorReply): Parsed => ({ ok: false, error });
