import { png, upload } from '../support/files.ts';
import { end } from '../support/frames.ts';
import type { Scene } from './visit.ts';

/** Its tool stores a file. */
export const TOUR_AGENT = `
import { tool } from 'ai';
import { defineAgent, toolContext } from 'midturn/agent';
import { z } from 'zod';

const draw = tool({
  description: 'Draws.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  execute: (_, { context }) =>
    context.files.put({ name: 'a.gif', mediaType: 'image/gif', bytes: Buffer.from('GIF89a') }),
});

export const agent = defineAgent({ instructions: 'Answer briefly.', tools: { draw } });
`;
/** What a person says to have it called. */
export const DRAW = 'draw';

export const FILE_SCENES: readonly Scene[] = [
  {
    name: 'a file that the model reads, and that is deleted with its session',
    async play({ connect, session, heard }) {
      const client = await connect();
      const file = await upload(client, { media_type: 'image/png', bytes: png() });
      client.send({ type: 'message', id: 'm1', content: [file] });
      await end(client);
      await heard('turn', 'GetObject');
      client.send({ type: 'delete', session_id: session });
      await client.next('deleted');
      await heard('deadline', 'DeleteObject');
    },
  },
  {
    name: 'a fork with a file, which another function copies',
    async play({ connect, session, sessionKey, queues, outside, heard }) {
      const client = await connect();
      const file = await upload(client, { media_type: 'image/png', bytes: png() });
      client.send({ type: 'message', id: 'm1', content: [file] });
      await end(client);
      await outside.leaveHalfFork(`fork-${session}`);
      const fork = { session: sessionKey.replace(/[^#]+$/, `fork-${session}`), connection: 'gone' };
      await queues.sendDeadline(JSON.stringify({ fork }));
      await heard('deadline', 'CopyObject');
      await heard('deadline', 'DeleteMessage');
    },
  },
  {
    name: 'a file that a tool makes',
    async play({ connect, heard }) {
      const client = await connect();
      client.send({ type: 'message', id: 'm1', content: DRAW });
      await heard('turn', 'PutObject');
      await end(client);
    },
  },
];
