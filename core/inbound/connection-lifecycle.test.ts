import { expect, it } from 'vitest';
import { asConnectionId, asSessionId } from '../ids.ts';
import { connectionKey } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';

const WHO = { principal: { tenant: 't', subject: 's' }, sessionId: asSessionId('one') };

it('P10: a $connect that arrives once more, late, leaves the connection as its first frame has made it', async () => {
  const client = await clientInMemory();
  const key = connectionKey(asConnectionId('c'));
  await client.send({ type: 'connect', session_id: 'another' });
  const opened = await client.core.store.get(key);
  expect(opened).toMatchObject({ sessionId: 'another', opened: true });
  await registerConnection(client.core, asConnectionId('c'), WHO);
  expect(await client.core.store.get(key)).toEqual(opened);
});
