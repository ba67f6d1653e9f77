import { expect, it } from 'vitest';
import {
  asConnectionId,
  asLaneId,
  asMessageId,
  asRequestId,
  asSessionId,
  asSessionKey,
  asSlotId,
  asTurnId,
  byId,
  idsOf,
  newTurnId,
  slotOf,
} from './ids.ts';
import type { TurnJob } from './ports.ts';
import type { Lane, Session } from './store/items.ts';
import { laneKey, messageKey, sessionKey, sessionOf } from './store/keys.ts';

const principal = { tenant: 't', subject: 's' };
const session = asSessionKey('t#s#chat');
const lane = asLaneId('lane');
const turn = asTurnId('turn');
const message = asMessageId('message');

it('a slot has the name of the turn that opened it', () => {
  expect(slotOf(newTurnId({ newId: () => 'turn' }))).toBe('turn');
});

it('the ids of a map keep their kind', () => {
  const queue: Session['queue'] = {};
  const slots: TurnJob['slot'][] = idsOf({ ...queue, [asSlotId('slot')]: queue });
  expect(slots).toEqual(['slot']);
  expect(byId({ slot: 1 })).toEqual([['slot', 1]]);
});

it('P12: the id that a client gives does not compile as the key of a session', () => {
  expect(sessionKey(sessionOf(principal, asSessionId('chat')))).toEqual(sessionKey(session));
  // @ts-expect-error another principal may have a session of the same id
  sessionKey(asSessionId('chat'));
  // @ts-expect-error a key is made of a session's id only once
  sessionOf(principal, session);
});

it('does not compile where an id of one kind stands for another, or a plain string for any', () => {
  expect(laneKey(session, lane).sk).toBe('LANE#lane');
  // @ts-expect-error a slot is no lane
  laneKey(session, slotOf(turn));
  // @ts-expect-error a connection is no lane
  laneKey(session, asConnectionId('connection'));
  // @ts-expect-error a turn is no message
  messageKey(session, turn);
  // @ts-expect-error a plain string has no kind
  laneKey(session, 'lane');
  // @ts-expect-error a turn is no slot until `slotOf` says so: a later turn of the slot has another id
  const job: TurnJob = { session, lane, slot: turn };
  expect(job.slot).toBe('turn');
});

it('does not compile where a map is read by an id of another kind', () => {
  const { inbox, decisions = {} }: Pick<Lane, 'inbox' | 'decisions'> = { inbox: {} };
  expect(inbox[message]).toBeUndefined();
  // @ts-expect-error messages are found by their ids, not by the turns that they open
  expect(inbox[turn]).toBeUndefined();
  expect(decisions[asRequestId('request')]).toBeUndefined();
  // @ts-expect-error decisions are found by requests, not by messages
  expect(decisions[message]).toBeUndefined();
});
