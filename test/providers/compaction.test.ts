import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SUMMARY_NOTE } from '../../core/events/prompt.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, end, framesOf } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';
import type { WsClient } from '../support/ws-client.ts';
import { type ProviderServer, type Reply, type SeenCall, startProviderServer } from './provider-server.ts';
import { anthropic } from './wires/anthropic.ts';
import { openai } from './wires/openai.ts';

/** Summaries of what prompts leave out: the agent answers over one provider's wire, and another one's model summarises. */

const agentAt = (origin: string) => `
import { createOpenAI } from '@ai-sdk/openai';
import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';

export const agent = defineAgent({
  instructions: 'Be brief.',
  tools: { current_time: { tool: currentTime, idempotent: true } },
  prices: { currency: 'EUR', perMillionTokens: { '${openai.model}': { input: 1, output: 5 } } },
  compaction: {
    instructions: 'Keep the names.',
    maxOutputTokens: 700,
    model: ({ fetch }) => createOpenAI({ baseURL: '${origin}/v1', apiKey: '${openai.secrets[0]?.value}', fetch })('${openai.model}'),
  },
});
`;

const folder = join(import.meta.dirname, '../../dist/compaction');
const filler = 'and more of it '.repeat(45);

let main: ProviderServer;
let small: ProviderServer;
let stack: Stack;
let sessions = 0;
beforeAll(async () => {
  [main, small] = await Promise.all([startProviderServer(anthropic), startProviderServer(openai)]);
  const files = { 'agent/agent.ts': agentAt(small.origin) };
  stack = await startStack({
    bundles: () => buildVariant({ files }, folder),
    settings: {
      MIDTURN_MODEL: `${anthropic.name}:${anthropic.model}`,
      MIDTURN_CONTEXT_TOKENS: '600',
      MIDTURN_VISIBILITY_SECONDS: '2',
      ...anthropic.settings(main.origin),
    },
  });
});
afterAll(async () => {
  await stack?.close();
  await Promise.all([main.close(), small.close()]);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

let client: WsClient;
let answered: number;
beforeEach(async () => {
  client = await stack.connect(`s${++sessions}`);
  answered = 0;
});
afterEach(async ({ task }) => {
  const log = stack.takeLog();
  if (task.result?.state === 'fail') console.error(log.join('\n'));
  await stack.settleClients();
  expect([...main.takeComplaints(), ...small.takeComplaints()]).toEqual([]);
});

const say = async (content: string) => {
  client.send({ type: 'message', content });
  return end(client, ++answered);
};
const answers = (count: number): Reply[] =>
  Array.from({ length: count }, (_, n) => ({ text: [`Answer ${n + 1}.`] }));
const textsOf = (call: SeenCall | undefined): string[] =>
  call?.prompt.flatMap(({ blocks }) => blocks.flatMap((block) => ('text' in block ? block.text : []))) ?? [];

/** Resolves when the summary is stored that the session's last cut wants. */
const stored = async () => {
  await expect.poll(() => stack.takeLog().join('\n'), { timeout: LONG_WAIT_MS }).toContain('summary written');
};

describe('a conversation that outgrows the budget of its prompts', () => {
  it('P11: is summarised by the model that the agent names, beside the turns, and goes on with the summary', async () => {
    const calls = main.script(answers(6));
    const summaries = small.script([{ text: ['Ann wants soup.'], usage: { input: 300, output: 20 } }]);
    for (let n = 1; n <= 4; n++) await say(`turn ${n} ${filler}`);
    expect(framesOf(client, 'history_trimmed')).toMatchObject([{ reason: 'context_tokens' }]);
    await stored();
    const asked = textsOf(summaries[0]).join('\n');
    expect(asked).toContain('turn 1 ');
    expect(summaries[0]?.body).toMatchObject({ max_output_tokens: 700 });
    expect(JSON.stringify(summaries[0]?.body)).toContain('Keep the names.');
    const last = await say('turn 5');
    const [front = '', ...rest] = textsOf(calls[4]);
    expect(front.startsWith(SUMMARY_NOTE)).toBe(true);
    expect(front).toContain('Ann wants soup.');
    expect(rest.join('\n')).not.toContain('turn 1 ');
    expect(framesOf(client, 'compacted')).toMatchObject([
      {
        from_entry: 1,
        model: openai.model,
        input_tokens: 300,
        output_tokens: 20,
        cost: 0.0004,
        currency: 'EUR',
      },
    ]);
    expect(last).toMatchObject({ type: 'done', input_tokens: 10 });
    expect(summaries).toHaveLength(1);
  });

  it('P6: steering while the summary is written is applied, and a summary that fails leaves the cut', async () => {
    const held = Promise.withResolvers<void>();
    const calls = main.script([
      ...answers(3),
      { text: ['I look. ', held.promise], calls: [{ name: 'current_time', args: {} }] },
      { text: ['Then so.'] },
      ...answers(2),
    ]);
    const summaries = small.script([{ refusal: 'overloaded' }, { text: ['Later.'] }]);
    for (let n = 1; n <= 3; n++) await say(`turn ${n} ${filler}`);
    client.send({ type: 'message', content: 'turn 4' });
    await client.waitFor((frame) => frame.type === 'chunk' && frame.content.includes('I look'));
    await expect.poll(() => summaries.length, { timeout: LONG_WAIT_MS }).toBe(1);
    client.send({ type: 'message', id: 'steer', content: 'and this' });
    await accepted(client, 'steer');
    held.resolve();
    expect(await end(client, ++answered)).toMatchObject({ type: 'done', full_response: 'I look. Then so.' });
    expect(textsOf(calls[4]).at(-1)).toBe('and this');
    expect(textsOf(calls[4]).some((text) => text.startsWith(SUMMARY_NOTE))).toBe(false);
    // It is tried again in the next turn, which answers without it.
    await say('turn 5');
    expect(textsOf(calls[5])[0]).not.toContain(SUMMARY_NOTE);
    await stored();
    await say('turn 6');
    expect(textsOf(calls[6])[0]).toContain('Later.');
  });

  it('P12: deleting the session removes its summaries', async () => {
    main.script(answers(5));
    small.script([{ text: ['Ann wants borscht.'] }]);
    for (let n = 1; n <= 4; n++) await say(`turn ${n} ${filler}`);
    await stored();
    const holds = async () => (await stack.stored.everything()).includes('Ann wants borscht.');
    expect(await holds()).toBe(true);
    client.send({ type: 'delete', session_id: `s${sessions}` });
    await client.waitFor('deleted');
    await expect.poll(holds, { timeout: LONG_WAIT_MS }).toBe(false);
  });
});
