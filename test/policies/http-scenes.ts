import { png, upload } from '../support/files.ts';
import { end } from '../support/frames.ts';
import { sayTwice } from './until-heard.ts';
import type { Scene } from './visit.ts';

/** Requests of the HTTP API: scenes of the tour. */
export const HTTP_SCENES: readonly Scene[] = [
  {
    name: 'a request in the place of a frame',
    async play({ connect, hold, request, session, heard, hasHeard }) {
      const client = await connect();
      client.send({ type: 'connect' });
      await client.next('connected');
      const gate = hold(`wait ${session}`);
      await request('POST /messages', { id: 'm0', content: `wait ${session}` });
      await client.next('chunk');
      const say = (id: string, content: string) => request('POST /messages', { id, content });
      await sayTwice(say, { session, hold, hasHeard: () => hasHeard('http', 'DeleteItem') });
      gate.open();
      await end(client);
      await heard('turn', 'DeleteMessage');
    },
  },
  {
    name: 'a file that a request names',
    async play({ connect, request, heard }) {
      const client = await connect();
      const file = await upload(client, { media_type: 'image/png', bytes: png() });
      await request('POST /messages', { id: 'm1', content: [file] });
      await heard('http', 'GetObject');
      await end(client);
    },
  },
  {
    name: 'a request that deletes the session of a client which has vanished',
    async play({ connect, vanish, request, heard }) {
      const client = await connect();
      client.send({ type: 'connect' });
      await client.next('connected');
      vanish(client);
      await request('GET /messages');
      await request('DELETE ');
      await heard('http', 'DeleteConnection');
    },
  },
];
