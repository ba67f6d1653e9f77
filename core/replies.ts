import { between, type EpochMs, epochMs } from '../config/units.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ErrorReply, ReplyFrame } from '../protocol/server-frames.ts';
import { wellFormed } from '../protocol/text.ts';
import type { Core } from './core.ts';
import type { ConnectionId, MessageId } from './ids.ts';
import { post } from './post.ts';
import type { Withdrawal } from './store/items.ts';

/** Codes after which the same frame may succeed later. */
const RETRYABLE = new Set<ErrorCode>([
  'STEERING_QUEUE_FULL',
  'SESSION_QUEUE_FULL',
  'SESSION_QUEUE_TIMEOUT',
  'TOO_MANY_TURNS',
  'BUDGET_EXCEEDED',
  'RATE_LIMITED',
  'TOKEN_EXPIRED',
  'TOO_MANY_CONNECTIONS',
  'INTERNAL',
]);

/** When a client tries again that has too many turns: about as long as a short turn takes. */
const TURNS_RETRY_MS = 5000;

export type ErrorDetails = Pick<
  ErrorReply,
  'id' | 'session_id' | 'limit' | 'depth' | 'retry_after_ms' | 'turn_id' | 'placement' | 'path' | 'until'
>;

/** An error that answers a frame: the connection stays open and a running turn is untouched. */
export const errorReply = (code: ErrorCode, message: string, details: ErrorDetails = {}): ErrorReply => ({
  type: 'error',
  code,
  message,
  terminal: false,
  retryable: RETRYABLE.has(code),
  ...details,
});

export const reply = async (
  core: Pick<Core, 'gateway' | 'clock' | 'log' | 'metrics'>,
  connection: ConnectionId,
  frame: ReplyFrame,
) => {
  if (frame.type === 'error') core.metrics.countBy('Refused', frame.code);
  // An earlier version may have stored what is not well-formed.
  return post(core, connection, JSON.stringify(wellFormed(frame)));
};

/** The answer to every frame in a deleted session, and, without details, what its connections are sent. */
export const sessionDeleted = (details: ErrorDetails = {}): ErrorReply =>
  errorReply('SESSION_DELETED', 'This session was deleted.', details);

/** There is no agent of this name for this user. One that exists looks the same. */
export const agentUnavailable = (details: ErrorDetails = {}): ErrorReply =>
  errorReply('AGENT_UNAVAILABLE', 'The field "agent" names no agent that is available here.', {
    ...details,
    path: 'agent',
  });

export const agentFixed = (details: ErrorDetails = {}): ErrorReply =>
  errorReply('AGENT_FIXED', 'The field "agent" names another agent than the session has.', {
    ...details,
    path: 'agent',
  });

/** @param until when the next budget begins */
export const budgetSpent = (until: EpochMs): string =>
  `The budget for today is spent. The next one begins at ${new Date(until).toISOString()}.`;

/** The frame that reports a message which was withdrawn before a turn applied it. */
export function withdrawalReply(
  id: MessageId,
  { code, path = '', until = epochMs(0) }: Withdrawal,
  { limits, clock }: Pick<Core, 'limits' | 'clock'>,
): ReplyFrame {
  switch (code) {
    case 'cancelled':
      return { type: 'cancelled', ids: [id], reason: 'The message was withdrawn before the agent read it.' };
    case 'SESSION_DELETED':
      return sessionDeleted({ id });
    case 'AGENT_ERROR':
      return errorReply(code, 'No turn could apply the message; it is not stored.', { id });
    case 'OPTIONS_INVALID': {
      const field = path === '' ? 'The options' : `The field "${path}" of the options`;
      return errorReply(code, `${field} cannot be taken by this agent; the message is not stored.`, {
        id,
        path,
      });
    }
    case 'AGENT_UNAVAILABLE':
      return agentUnavailable({ id });
    case 'AGENT_FIXED':
      return agentFixed({ id });
    case 'SESSION_QUEUE_FULL':
      return errorReply(code, `This session already has ${limits.sessionTurns} turn(s) running or waiting.`, {
        id,
        limit: limits.sessionTurns,
        depth: limits.sessionTurns,
      });
    case 'TOO_MANY_TURNS':
      return errorReply(code, 'Too many turns of yours are running or waiting; the message was not stored.', {
        id,
        ...(limits.principalTurns > 0 && { limit: limits.principalTurns }),
        retry_after_ms: TURNS_RETRY_MS,
      });
    case 'BUDGET_EXCEEDED':
      return errorReply(code, `${budgetSpent(until)} The message was not stored.`, {
        id,
        until,
        retry_after_ms: Math.max(0, between(clock.now(), until)),
      });
    case 'SESSION_QUEUE_TIMEOUT':
      return errorReply(
        code,
        `No turn began for the message within ${limits.queueTimeoutSeconds} s; it was not stored.`,
        {
          id,
          limit: limits.queueTimeoutSeconds,
        },
      );
  }
}
