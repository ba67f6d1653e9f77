import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';

/** Titles of sessions that the demo model writes, through the WebSocket. */

const folder = join(import.meta.dirname, '../../dist/agent-with-titles');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

const AGENT = `
import { defineAgent } from 'midturn/agent';

export const agent = defineAgent({ instructions: 'Answer briefly.', titles: {} });
`;

describe('an agent with titles', () => {
  const stack = givenStack(() => ({
    settings: { MIDTURN_MODEL: 'demo' },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  }));

  it('a session gets its title after the first answer: each of its connections is told, and lists have it', async () => {
    const session = stack.newSession();
    const client = await stack.connect(session);
    const other = await stack.connect(session);
    other.send({ type: 'connect' });
    await other.waitFor('connected');
    const named = { type: 'rename', session_id: session, name: 'Hello there', provisional: true } as const;
    client.send(named);
    await client.waitFor('renamed');
    client.send({ type: 'message', id: 'm1', content: 'Hello there, how is the sea today?' });
    expect(await end(client)).toMatchObject({ type: 'done', steps: 1 });
    const title = 'About: Hello there, how is the';
    for (const each of [client, other])
      await each.waitFor(
        (frame) => frame.type === 'renamed' && frame.session_id === session && frame.name === title,
      );
    client.send({ type: 'sessions' });
    const { sessions } = await client.next('sessions');
    expect(sessions).toContainEqual(expect.objectContaining({ session_id: session, name: title }));
    client.send({ type: 'sessions', query: 'HELLO théré' });
    const found = await client.waitFor((frame) => frame.type === 'sessions' && frame.query !== undefined);
    expect(found).toMatchObject({ query: 'HELLO théré', sessions: [{ session_id: session, name: title }] });
    // What a client made by itself comes too late.
    client.send(named);
    await client.waitFor((frame) => frame.type === 'error' && frame.code === 'SESSION_NAMED');
  });

  it('a name that a person gave stays', async () => {
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'rename', session_id: session, name: 'Mine' });
    await client.waitFor('renamed');
    client.send({ type: 'message', id: 'm1', content: 'Hello' });
    expect(await end(client)).toMatchObject({ type: 'done' });
    const again = await stack.connect(session);
    again.send({ type: 'connect' });
    expect(await again.next('session_start')).toMatchObject({ name: 'Mine' });
  });
});
