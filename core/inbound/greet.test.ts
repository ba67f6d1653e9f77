import { expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { asConnectionId } from '../ids.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { greet } from './greet.ts';

const connection = asConnectionId('c');
const typesOf = (frames: readonly Record<string, unknown>[]) => frames.map(({ type }) => type);

it('P9: a connection that says nothing is told of its session, once, whoever asks for it again', async () => {
  const { core, frames } = await clientInMemory();
  for (let n = 0; n < 2; n++) await greet(core, { connection });
  expect(frames).toMatchObject([{ type: 'session_start', session_id: 'one' }]);
});

it('its first `connect` is answered without another `session_start`, a later one with its own', async () => {
  const { core, frames, send } = await clientInMemory();
  await greet(core, { connection });
  await send({ type: 'connect' });
  expect(typesOf(frames)).toEqual(['session_start', 'connected']);
  await send({ type: 'connect' });
  expect(typesOf(frames).slice(2)).toEqual(['session_start', 'connected']);
});

it.each(['connect', 'ping', 'message'])('a client that has sent `%s` is not told twice', async (type) => {
  const { core, frames, send } = await clientInMemory();
  await send({ type, ...(type === 'message' && { content: 'hello' }) });
  const told = frames.length;
  await greet(core, { connection });
  expect(frames.slice(told)).toEqual([]);
  expect(typesOf(frames).filter((one) => one === 'session_start')).toHaveLength(1);
});

it('one that speaks at this very moment is told once', async () => {
  const { core, frames, send } = await clientInMemory();
  await Promise.all([greet(core, { connection }), send({ type: 'connect' })]);
  expect(typesOf(frames)).toEqual(['session_start', 'connected']);
});

it('one that is still being made, which API Gateway calls gone, is told with its first frame, which chooses', async () => {
  let isMade = false;
  const { gateway, frames } = recordingPorts();
  const { core, send } = await clientInMemory({
    core: { gateway: { ...gateway, post: async (...to) => (isMade ? gateway.post(...to) : 'gone') } },
  });
  await greet(core, { connection });
  isMade = true;
  await send({ type: 'connect', session_id: 'two' });
  expect(frames).toMatchObject([{ type: 'session_start', session_id: 'two' }, { type: 'connected' }]);
});

it('nobody is told whose token has ended, or who has left', async () => {
  const { core, frames } = await clientInMemory({ tokenExpires: epochSeconds(1) });
  await greet(core, { connection });
  await greet(core, { connection: asConnectionId('nobody') });
  expect(frames).toEqual([]);
});
