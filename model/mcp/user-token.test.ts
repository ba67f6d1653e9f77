import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FilePart } from '../../core/content.ts';
import { asFileId } from '../../core/ids.ts';
import type { UserToken } from '../../core/model.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { UserTokenError } from '../../core/user-token-error.ts';
import { startMcpServer, type TestMcpServer } from '../../test/support/mcp-server.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createToolbox } from '../tools/toolbox.ts';
import type { McpServerDefinition } from './definition.ts';
import { createToolSource } from './tool-source.ts';

let server: TestMcpServer;
beforeEach(async () => {
  server = await startMcpServer({ needsUser: true });
});
afterEach(() => server.close());

const MINUTE = 60_000;
const context = { signal: new AbortController().signal, idempotencyKey: 'key', setup: ANNS_SETUP };

/** An agent with a library that answers nobody without a token. */
function given(definition: Partial<McpServerDefinition> = {}) {
  const logged: unknown[] = [];
  const failures: string[] = [];
  let now = 0;
  const agent = defineAgent({
    mcp: { books: { url: server.url, connectSeconds: 5, ...definition } },
  });
  const source = createToolSource(agent, {
    urls: {},
    token: async () => 'of-the-deployment',
    warn: (message, fields) => logged.push([message, fields]),
    failed: (name) => failures.push(name),
    now: () => now,
  });
  return {
    toolbox: createToolbox(agent, source),
    logged,
    failures,
    names: async (token?: UserToken) => Object.keys((await source.offered(token)).tools),
    missing: async () => (await source.offered()).missing,
    later: (ms: number) => {
      now += ms;
    },
  };
}

describe('the token of a user', () => {
  const of = (token: string) => async () => token;
  const expired = async () => {
    throw new UserTokenError('TOKEN_EXPIRED', "The user's token has expired.");
  };
  const ask = ({ toolbox }: ReturnType<typeof given>, token?: () => Promise<string>) =>
    toolbox.run(
      { id: '1', name: 'books_search', args: { query: 'tea' } },
      { ...context, display: UNSEEN, files: NO_FILES, ...(token && { token }) },
    );

  it('P12: goes along with the calls of the one who asks, each in a session of their own', async () => {
    const agent = given({ forwardToken: true });
    for (const token of ['of-ann', 'of-ann', 'of-bob', 'of-ann'])
      expect(await ask(agent, of(token))).toMatchObject({ isError: false });
    expect(server.callers.map(({ token }) => token)).toEqual(['of-ann', 'of-ann', 'of-bob', 'of-ann']);
    expect(server.callers[0]?.session).toBe(server.callers[1]?.session);
    expect(new Set(server.callers.map(({ session }) => session)).size).toBe(3);
    expect(agent.logged).toEqual([]);
  });

  it('lists the tools, which wait for somebody who has one; without one nothing is called, and the model is told', async () => {
    const agent = given({ forwardToken: true });
    for (const token of [undefined, expired]) expect(await agent.names(token)).toEqual([]);
    expect(await agent.missing()).toEqual(['books']);
    expect(server.requests).toEqual([]);
    expect(await agent.names(of('of-ann'))).toContain('books_search');
    const asked = server.requests.length;
    expect(await ask(agent, expired)).toEqual({ output: "The user's token has expired.", isError: true });
    expect(await ask(agent)).toMatchObject({
      output: expect.stringContaining('no token of a user'),
      isError: true,
    });
    expect(server.requests).toHaveLength(asked);
    expect(agent.failures).toEqual([]);
  });

  it('takes the place of the deployment’s own, which lists the tools for nobody', async () => {
    const agent = given({ forwardToken: true, token: 'bearer' });
    expect(await agent.names()).toContain('books_search');
    await ask(agent, of('of-ann'));
    expect(server.callers.map(({ token }) => token)).toEqual(['of-ann']);
  });

  it('is in no result and no log where the server quotes it', async () => {
    const agent = given({ forwardToken: true });
    await agent.names(of('of-ann'));
    server.answerWith(500);
    agent.later(6 * MINUTE);
    const outcome = await ask(agent, of('of-ann'));
    expect(outcome).toMatchObject({ isError: true });
    expect(agent.logged).toHaveLength(1);
    expect(JSON.stringify([outcome, agent.logged])).not.toContain('of-ann');
  });

  it('is in no progress and no name of a file, also where these are cut', async () => {
    const { toolbox } = given({ forwardToken: true });
    const seen: unknown[] = [];
    const outcome = await toolbox.run(
      { id: '1', name: 'books_quote', args: {} },
      {
        ...context,
        display: { progress: (value) => seen.push(value), data: () => {} },
        files: {
          async put({ name, mediaType, bytes }) {
            seen.push(name);
            return {
              type: 'file',
              file: asFileId('f'),
              media_type: mediaType,
              size: bytes.length,
              name,
            } as FilePart;
          },
        },
        token: of('of-ann-and-of-nobody-else'),
      },
    );
    expect(seen).toEqual([{ progress: 1, message: expect.stringMatching(/^x+Bearer/) }, '1-pages.pdf']);
    expect(JSON.stringify([outcome, seen])).not.toContain('of-ann');
  });

  it('goes to no server that does not name it', async () => {
    const agent = given();
    expect(await agent.names(of('of-ann'))).toEqual([]);
    expect(await ask(agent, of('of-ann'))).toMatchObject({ isError: true });
    expect(server.callers).toEqual([]);
  });
});
