import { type EpochMs, seconds } from '../../config/units.ts';
import type { ForkFrame } from '../../protocol/client-frames.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { MAX_FORK_ENTRIES } from '../../protocol/limits.ts';
import type { Core } from '../core.ts';
import { asMessageId, asSessionId, type ConnectionId, type SessionId } from '../ids.ts';
import type { ForkJob } from '../ports.ts';
import { errorReply, reply } from '../replies.ts';
import { completeFork, takeForkId } from '../session/fork.ts';
import { originOf } from '../session/fork-facts.ts';
import type { Principal, Session } from '../store/items.ts';
import { sessionKey, sessionOf } from '../store/keys.ts';
import type { Sender } from './acknowledge.ts';
import { excessOfFork, tooMany } from './rate.ts';
import { replayUntil } from './replay.ts';

/**
 * Makes a session of the first entries of another one. Both keys are made with the connection's principal, so the sessions of
 * others do not exist here (P12). A long transcript is copied on by further functions, of which the last one answers.
 */
export async function forkSession(
  core: Core,
  sender: Sender,
  frame: ForkFrame,
  until: EpochMs,
  countedFor: Principal | undefined,
): Promise<void> {
  const { principal } = sender.connection;
  const sessionId = asSessionId(frame.session_id);
  const found = await takeForkId(
    core,
    principal,
    {
      sessionId,
      from: asSessionId(frame.from),
      name: frame.name,
      before: typeof frame.before === 'string' ? asMessageId(frame.before) : frame.before,
      countedFor,
    },
    sender.id,
    async (entries) => {
      const excess = countedFor && (await excessOfFork(core, countedFor, entries));
      return excess && tooMany(excess, undefined);
    },
  );
  if (typeof found === 'string' || 'type' in found) {
    await reply(core, sender.id, typeof found === 'string' ? refusal(found, sessionId) : found);
    return;
  }
  const job = { session: sessionOf(principal, sessionId), connection: sender.id };
  await goOn(core, job, found, until);
}

/** Handles a message of `sendFork`: goes on with a fork that is not whole. */
export async function continueFork(core: Core, job: ForkJob): Promise<void> {
  const found = await core.store.get(sessionKey(job.session));
  if (found?.copying) await goOn(core, job, found, replayUntil(core));
}

async function goOn(core: Core, job: ForkJob, fork: Session, until: EpochMs): Promise<void> {
  const end = await completeFork(core, fork, until);
  if (end === 'left') await core.queues.sendFork(job, seconds(0));
  else await answer(core, job.connection, fork, end);
}

async function answer(
  core: Core,
  connection: ConnectionId,
  fork: Session,
  end: 'whole' | 'gone',
): Promise<void> {
  const { sessionId, name, entry } = fork;
  const { forked_from } = originOf(fork);
  if (end === 'gone' || !forked_from) {
    await reply(core, connection, refusal('SESSION_NOT_FOUND', sessionId));
    return;
  }
  await reply(core, connection, {
    type: 'forked',
    session_id: sessionId,
    forked_from,
    message_count: entry,
    ...(name !== undefined && { name }),
  });
}

type Refusal = Extract<
  ErrorCode,
  'SESSION_NOT_FOUND' | 'SESSION_EXISTS' | 'ENTRY_NOT_FOUND' | 'FORK_TOO_LARGE'
>;

const REASONS: Readonly<Record<Refusal, string>> = {
  SESSION_NOT_FOUND: 'There is no such session to fork.',
  SESSION_EXISTS: 'The id of the fork is that of another session.',
  ENTRY_NOT_FOUND: 'The session has no such message of a user.',
  FORK_TOO_LARGE: `The fork would have more than ${MAX_FORK_ENTRIES} entries.`,
};

const refusal = (code: Refusal, session_id: SessionId) =>
  errorReply(code, REASONS[code], {
    session_id,
    ...(code === 'FORK_TOO_LARGE' && { limit: MAX_FORK_ENTRIES }),
  });
