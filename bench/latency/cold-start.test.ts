import { expect, it } from 'vitest';
import { type FirstMessage, firstMessage, REQUEST_PROCESSOR_MS, type Starts } from './cold-start.ts';
import { medianOf } from './delays.ts';

/** As they were measured on 2026-11-28, without a first request. */
const IMPORTS = { authorizer: 10, connection: 66, inbound: 68, turn: 115, deadline: 69 };

async function atMedians(starts?: Starts): Promise<FirstMessage> {
  const { handshake, connected, accepted, firstText, all } = await firstMessage(
    () => medianOf,
    1,
    IMPORTS,
    starts,
  );
  return {
    handshake: Math.round(handshake),
    connected: Math.round(connected),
    accepted: Math.round(accepted),
    firstText: Math.round(firstText),
    all: Math.round(all),
  };
}

it('somebody who is the first after an hour waits for each start, except for that of the turn function, which was woken', async () => {
  const warm = await atMedians();
  const cold = await atMedians({ firstRequest: 'while it starts', wakes: false });
  const environment = medianOf('environment');
  const start = (name: keyof typeof IMPORTS) => environment + IMPORTS[name] + medianOf('firstRequest');
  expect(cold).toEqual({
    handshake: warm.handshake + environment + IMPORTS.authorizer + start('connection'),
    connected: warm.connected + start('inbound'),
    accepted: warm.accepted,
    firstText: warm.firstText + start('turn'),
    all: warm.all + environment + IMPORTS.authorizer + start('connection') + start('inbound') + start('turn'),
  });
  const woken = await atMedians({ firstRequest: 'while it starts', wakes: true });
  expect(woken).toEqual({ ...cold, firstText: warm.firstText, all: cold.all - start('turn') });
});

it('a first request that is made in the first invocation takes as much longer as the function has less of a processor', async () => {
  const early = await atMedians({ firstRequest: 'while it starts', wakes: false });
  const late = await atMedians({ firstRequest: 'in the first invocation', wakes: false });
  const slower = (megabytes: number) => REQUEST_PROCESSOR_MS * (1769 / megabytes - 1);
  const added = (part: keyof FirstMessage) => late[part] - early[part];
  expect(Math.abs(added('connected') - slower(256))).toBeLessThan(1);
  expect(Math.abs(added('firstText') - slower(512))).toBeLessThan(1);
});
