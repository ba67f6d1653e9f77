import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { LaneId, MessageId } from '../ids.ts';
import { ownValue } from '../own-value.ts';
import { errorReply, reply, sessionDeleted } from '../replies.ts';
import { parseForwardTarget } from '../session/forwarded.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { removeContents } from '../session/pending-content.ts';
import { isDeleted } from '../session/sessions.ts';
import type { Lane } from '../store/items.ts';
import { laneKey, messageKey, sessionKey } from '../store/keys.ts';
import { knows } from '../store/lane/lane.ts';
import { withdrawPending } from '../store/lane/withdraw.ts';
import type { Sender } from './acknowledge.ts';
import { answerOutcome } from './acknowledge.ts';

/** A message that was just applied has an outcome by then. */
const OUTCOME_TRIES = 3;
const OUTCOME_WAIT_MS = milliseconds(5);

/**
 * Withdraws those of these messages that are pending anywhere in the session. Others are left as they are.
 *
 * @returns whether one was withdrawn. Its outcome has been sent.
 */
export async function withdrawMessages(
  core: Core,
  sender: Sender,
  ids: readonly MessageId[],
): Promise<boolean> {
  let isAny = false;
  for (const id of ids) {
    for await (const laneId of lanesToSearch(core, sender, id)) {
      if ((await withdraw(core, sender, laneId, id)) !== 'told') continue;
      isAny = true;
      break;
    }
  }
  return isAny;
}

/**
 * Withdraws a message that no turn has applied, whichever of the session's connections sent it. Otherwise the answer says
 * where it is (`NOT_PENDING`).
 */
export async function cancelMessage(core: Core, sender: Sender, id: MessageId): Promise<void> {
  let takenOn: Lane | undefined;
  for await (const laneId of lanesToSearch(core, sender, id)) {
    const outcome = await withdraw(core, sender, laneId, id);
    if (outcome === 'told') return;
    takenOn ??= outcome;
  }
  await answerNotPending(core, sender, id, takenOn);
}

/**
 * The lanes on which the message may be pending: the sender's own, the target that it was forwarded to, then those of other
 * connections with a slot in the session's queue. They are read one by one, since most messages are on the first.
 */
async function* lanesToSearch(core: Core, { connection }: Sender, id: MessageId): AsyncGenerator<LaneId> {
  const seen = new Set([connection.lane]);
  yield connection.lane;
  const own = await core.store.get(laneKey(connection.session, connection.lane));
  const place = ownValue(own?.forwarded, id);
  const session = await core.store.get(sessionKey(connection.session));
  const others = [
    ...(place === undefined ? [] : [parseForwardTarget(place).laneId]),
    ...(session?.active ? [session.active.lane] : []),
    ...Object.values(session?.queue ?? {}).map(({ lane }) => lane),
  ];
  for (const laneId of others) {
    if (seen.has(laneId)) continue;
    seen.add(laneId);
    // rule: cancel-from-any-connection
    yield laneId;
  }
}

/** `told`: the sender has its answer. A lane: the lane's turn has applied the message. Undefined: the lane does not know it. */
async function withdraw(
  core: Core,
  sender: Sender,
  laneId: LaneId,
  id: MessageId,
): Promise<'told' | Lane | undefined> {
  const { session } = sender.connection;
  for (;;) {
    const lane = await core.store.get(laneKey(session, laneId));
    if (lane?.session !== session) return undefined;
    if (Object.hasOwn(lane.undelivered, id)) {
      await reportOutcomes(core, laneId, lane, sender.id);
      return 'told';
    }
    const place = pendingPlace(lane, id);
    const message = place && ownValue(lane[place], id);
    if (!message) return knows(lane, id) ? lane : undefined;
    const written = await core.store.update(
      laneKey(session, laneId),
      withdrawPending(session, place, id, message),
    );
    if (!written.ok) continue;
    // rule: withdrawn-content-removed
    await removeContents(core, session, [message]);
    await reportOutcomes(core, laneId, written.item, sender.id);
    return 'told';
  }
}

const pendingPlace = (lane: Lane, id: MessageId) =>
  (['inbox', 'waiting'] as const).find((place) => Object.hasOwn(lane[place], id));

async function answerNotPending(core: Core, sender: Sender, id: MessageId, takenOn?: Lane): Promise<void> {
  const { session } = sender.connection;
  for (let tries = 1; ; tries++) {
    const outcome = await core.store.get(messageKey(session, id));
    if (outcome?.outcome === 'withdrawn') return answerOutcome(core, sender.id, id, outcome);
    if (!outcome && takenOn && tries < OUTCOME_TRIES) {
      await core.clock.sleep(OUTCOME_WAIT_MS);
      continue;
    }
    const turn_id = outcome?.turn ?? takenOn?.begun?.turn;
    if (turn_id === undefined && (await isDeleted(core, session))) {
      await reply(core, sender.id, sessionDeleted({ id }));
      return;
    }
    const where =
      turn_id === undefined
        ? 'no message with this id is pending in this session'
        : `turn ${turn_id} has applied it`;
    const frame = errorReply('NOT_PENDING', `The message cannot be withdrawn: ${where}.`, {
      id,
      ...(turn_id !== undefined && { turn_id }),
      ...(outcome && { placement: outcome.placement }),
    });
    await reply(core, sender.id, frame);
    return;
  }
}
