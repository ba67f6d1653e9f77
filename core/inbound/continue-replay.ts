import type { Core } from '../core.ts';
import { ownValue } from '../own-value.ts';
import type { ReplayJob } from '../ports.ts';
import { watchReplay } from '../session/watch-replay.ts';
import { connectionKey, sessionKey } from '../store/keys.ts';
import { readListening } from '../store/listening.ts';
import { answerConnect } from './connect.ts';
import { catchUp, nextReplay, replayUntil } from './replay.ts';

/**
 * Goes on with a replay that stands at `job.mark`: its function had no time left, or died. A replay that has moved meanwhile is
 * looked at again later.
 */
export async function continueReplay(core: Core, { connection: id, mark }: ReplayJob): Promise<void> {
  const until = replayUntil(core);
  const read = await core.store.get(connectionKey(id));
  if (!read) return;
  const { session } = read;
  const how = ownValue((await core.store.get(sessionKey(session)))?.audience, id);
  if (how === undefined || readListening(how).isLive) return;
  if (how !== mark) return watchReplay(core, id, how);
  // From the connection: a function may have taken over, and died before it moved the mark.
  const { joins: join = 0 } = read;
  const { seq } = readListening(how);
  const connection = await takeOver(core, id, join);
  if (!connection) return;
  const end = await catchUp(core, { id, session, join: join + 1, after: seq, until });
  if (end === 'live' && connection.connecting) await answerConnect(core, id, connection);
}

/** SQS may deliver a message twice, to two functions at the same time: one of them takes over. */
async function takeOver(core: Core, id: Parameters<typeof connectionKey>[0], join: number) {
  const me = core.newId();
  const taken = await core.store.update(connectionKey(id), nextReplay(me, join));
  return taken.ok ? taken.item : undefined;
}
