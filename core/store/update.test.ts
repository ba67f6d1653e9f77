import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asLaneId, asMessageId, asSlotId } from '../ids.ts';
import type { Lane, Session } from './items.ts';
import { exists, set, setIfAbsent, type Update } from './update.ts';

const at = epochMs(1);
const lane = asLaneId('lane');
const slot = asSlotId('slot');
const message = asMessageId('message');

it('does not compile where a write gives an attribute a value of another type', () => {
  const right: Update<Session> = {
    when: [exists(['queue', slot])],
    change: [set('expires', epochSeconds(1)), setIfAbsent(['queue', slot], { lane, at })],
  };
  expect(right.change).toHaveLength(2);
  const wrong: Update<Session>['change'] = [
    // @ts-expect-error an item that expired at so many milliseconds would stay for ever
    set('expires', at),
    // @ts-expect-error a session is made at an instant in milliseconds
    set('created', epochSeconds(1)),
    // @ts-expect-error a slot is no lane
    setIfAbsent(['queue', slot], { lane: slot, at }),
    // @ts-expect-error the queue is by slot
    setIfAbsent(['queue', message], { lane, at }),
    // @ts-expect-error a session has no such attribute
    set('expiry', epochSeconds(1)),
  ];
  expect(wrong).toHaveLength(5);
});

it('does not compile where a condition looks for an id of another kind', () => {
  const when: Update<Lane>['when'] = [
    exists(['inbox', message]),
    // @ts-expect-error the inbox is by message
    exists(['inbox', slot]),
  ];
  expect(when).toHaveLength(2);
});
