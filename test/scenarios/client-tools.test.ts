import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, end, eventsOf, framesOf, refused } from '../support/frames.ts';
import { givenStack, type SharedStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';
import type { WsClient } from '../support/ws-client.ts';

const folder = join(import.meta.dirname, '../../dist/agent-of-the-page');

/** An agent with tools that the client runs: they have no `execute`, as in the AI SDK. */
const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';
import { currentTime } from './tools/current-time.ts';

const locate = tool({
  description: 'Where the user is.',
  inputSchema: z.object({ exact: z.boolean() }),
  toModelOutput: ({ output }) => ({ type: 'text', value: 'The user is at ' + JSON.stringify(output) }),
});
const confirm = tool({ description: 'Asks the user.', inputSchema: z.object({ question: z.string() }) });

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: {
    current_time: { tool: currentTime, idempotent: true },
    locate,
    confirm: { tool: confirm, timeoutSeconds: 60 },
    guarded: { tool: confirm, needsApproval: true },
    hasty: { tool: confirm, timeoutSeconds: 1 },
  },
});
`;

const build = () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder);
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

const locate = (id = 'call_a') => ({ name: 'locate', args: { exact: true }, id });
const confirm = (id = 'call_b', name = 'confirm') => ({ name, args: { question: 'Sure?' }, id });
const HERE = { latitude: 38.7, longitude: -9.1 };

function asking(stack: SharedStack) {
  /** A turn whose model calls these tools, then says `done`; the client is asked. */
  return async (...toolCalls: { name: string; args: object; id: string }[]) => {
    const model = stack.script([{ toolCalls }, { chunks: ['done'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'connect' });
    client.send({ type: 'message', id: 'm1', content: 'do it' });
    const request = await client.next('tool_output_request');
    return { model, session, client, request };
  };
}

const give = (client: WsClient, request_id: string, given: { output?: unknown; error?: string }) =>
  client.send({ type: 'tool_output', request_id, ...given } as never);

describe('a tool that the client runs', () => {
  const stack = givenStack({ bundles: build, settings: { MIDTURN_VISIBILITY_SECONDS: '2' } });
  const given = asking(stack);

  it('P13: its result is what the client gives, and the model is shown it as `toModelOutput` says', async () => {
    const { model, client, request } = await given(locate());
    expect(request).toMatchObject({ tool_call_id: 'call_a', tool: 'locate', arguments: { exact: true } });
    give(client, request.request_id, { output: HERE });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'done' });
    expect(framesOf(client, 'tool_result')).toMatchObject([
      { id: 'call_a', name: 'locate', output: JSON.stringify(HERE), json: true },
    ]);
    expect(eventsOf(client).map(({ type }) => type)).toEqual([
      'turn_start',
      'applied',
      'tool_call',
      'tool_output_request',
      'tool_result',
      'chunk',
      'done',
    ]);
    expect(JSON.stringify(model.requests[1]?.body.messages.at(-1))).toContain('The user is at');
  });

  it('an error that the client gives is the result, as the model is told', async () => {
    const { model, client, request } = await given(locate());
    give(client, request.request_id, { error: 'The user said no.' });
    await end(client);
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: 'The user said no.', is_error: true }]);
    expect(JSON.stringify(model.requests[1]?.body.messages.at(-1))).toContain('The user said no.');
  });

  it('calls of the same step run beside it: the function’s own first, and the client is asked for all others at once', async () => {
    const { client, request } = await given(
      locate(),
      { name: 'current_time', args: {}, id: 'call_c' },
      confirm(),
    );
    const second = await client.next('tool_output_request');
    give(client, second.request_id, { output: true });
    give(client, request.request_id, { output: HERE });
    await end(client);
    expect(
      framesOf(client, 'tool_result')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['call_a', 'call_b', 'call_c']);
    expect(eventsOf(client).findIndex(({ type }) => type === 'tool_result')).toBeLessThan(
      eventsOf(client).findIndex(({ type }) => type === 'tool_output_request'),
    );
  });

  it('P8, P9: the request outlives its worker and its connection, and is answered over the next one', async () => {
    const { session, client, request } = await given(confirm());
    await killWorker(stack.cloud);
    const lane = framesOf(client, 'session_start')[0]?.lane ?? '';
    await client.close();
    const again = await stack.connect(session);
    again.send({ type: 'connect', resume: { lane, after_seq: 0 } });
    expect(await again.next('tool_output_request')).toEqual(request);
    give(again, request.request_id, { output: true });
    expect(await end(again)).toMatchObject({ type: 'done', full_response: 'done' });
    expect(framesOf(again, 'tool_output_request')).toHaveLength(1);
    expect(framesOf(again, 'tool_result')).toMatchObject([{ id: 'call_b', output: 'true' }]);
  });

  it('P12: another connection of the session cannot answer, nor one of another session', async () => {
    const { session, client, request } = await given(confirm());
    for (const other of [await stack.connect(session), await stack.connect(stack.newSession())]) {
      give(other, request.request_id, { output: true });
      expect(await refused(other, 'INVALID_TOOL_OUTPUT')).toMatchObject({ id: request.request_id });
    }
    give(client, request.request_id, { output: false });
    await end(client);
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: 'false' }]);
  });

  it('P10: the same answer again changes nothing, another one is refused, and so is one after the result', async () => {
    const { session, client, request } = await given(confirm(), confirm('call_d'));
    const second = await client.next('tool_output_request');
    for (const output of [1, 2]) give(client, request.request_id, { output });
    expect(await refused(client, 'INVALID_TOOL_OUTPUT')).toMatchObject({ id: request.request_id });
    await client.next('tool_result');
    for (const output of [3, 3]) give(client, second.request_id, { output });
    await end(client);
    give(client, second.request_id, { output: 3 });
    const about = () => framesOf(client, 'error').map((error) => ('id' in error ? error.id : undefined));
    await expect.poll(() => new Set(about())).toEqual(new Set([request.request_id, second.request_id]));
    const [first, last] = framesOf(client, 'tool_result').map(({ output }) => output);
    expect(['1', '2']).toContain(first);
    expect(last).toBe('3');
    const items = JSON.parse(await stack.stored.everything()) as { pk: string; sk: string }[];
    const left = items.filter(({ pk, sk }) => pk.endsWith(`#${session}`) && sk.startsWith('OUTPUT#'));
    expect(left).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['neither an output nor an error', {}, 'INVALID_FRAME'],
    ['both', { output: 1, error: 'no' }, 'INVALID_FRAME'],
    ['an error that is no text', { error: 1 }, 'INVALID_FRAME'],
    ['more than 16 KB', { output: 'x'.repeat(17_000) }, 'MESSAGE_TOO_LARGE'],
  ])('an answer with %s is refused, and the call waits on', async (_what, answer, code) => {
    const { client, request } = await given(confirm());
    client.send({ type: 'tool_output', request_id: request.request_id, ...answer } as never);
    expect(await client.next('error')).toMatchObject({ code, terminal: false });
    give(client, request.request_id, { output: 'yes' });
    expect(await end(client)).toMatchObject({ type: 'done' });
  });

  it('P6: a message that is sent while the client is asked is in the next model call', async () => {
    const { model, client, request } = await given(confirm());
    client.send({ type: 'message', id: 'm2', content: 'and this' });
    await accepted(client, 'm2');
    give(client, request.request_id, { output: true });
    await end(client);
    expect(model.prompt(2).at(-1)).toBe('user: and this');
  });

  it('an abort ends the turn, and the call has a result', async () => {
    const { client, request } = await given(confirm());
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted' });
    expect(framesOf(client, 'tool_result')).toMatchObject([
      { output: 'No result: the turn was stopped while the client ran this tool.', is_error: true },
    ]);
    give(client, request.request_id, { output: true });
    expect(await refused(client, 'INVALID_TOOL_OUTPUT')).toMatchObject({ id: request.request_id });
  });

  it('a call that nobody answers has a result when its time is over', async () => {
    const { client, request } = await given(confirm('call_b', 'hasty'));
    expect(request.timeout_secs).toBe(1);
    expect(await end(client)).toMatchObject({ type: 'done' });
    expect(framesOf(client, 'tool_result')).toMatchObject([
      { output: 'No result: the client did not answer in time.', is_error: true },
    ]);
  });

  it('arguments that do not fit are told to the model, and the client is not asked', async () => {
    const model = stack.script([
      { toolCalls: [{ name: 'confirm', args: { question: 1 }, id: 'call_b' }] },
      { chunks: ['done'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'do it' });
    await end(client);
    expect(framesOf(client, 'tool_output_request')).toEqual([]);
    expect(JSON.stringify(model.requests[1]?.body.messages.at(-1))).toContain('do not fit');
  });

  it('with `needsApproval` a person is asked first, and the client after it', async () => {
    stack.script([{ toolCalls: [confirm('call_b', 'guarded')] }, { chunks: ['done'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'do it' });
    const { request_id } = await client.next('approval_request');
    expect(framesOf(client, 'tool_output_request')).toEqual([]);
    client.send({ type: 'approval_response', request_id, decision: 'approve' });
    const request = await client.next('tool_output_request');
    give(client, request.request_id, { output: true });
    expect(await end(client)).toMatchObject({ type: 'done' });
  });
});

describe('a turn that waits long for its client', () => {
  const stack = givenStack({ bundles: build, settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '0' } });
  const given = asking(stack);

  it('is set down, and goes on with the answer', async () => {
    const { client, request } = await given(confirm());
    give(client, request.request_id, { output: true });
    expect(await end(client)).toMatchObject({ type: 'done' });
    expect(framesOf(client, 'tool_output_request')).toHaveLength(1);
  });
});
