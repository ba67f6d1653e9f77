import { setImmediate as nextTick } from 'node:timers/promises';
import { tool } from 'ai';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds } from '../../config/units.ts';
import type { Content } from '../../core/content.ts';
import type { Core } from '../../core/core.ts';
import { asConnectionId, asSessionId } from '../../core/ids.ts';
import { registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { handleFrame } from '../../core/inbound/dispatch.ts';
import { memoryCore, recordingPorts } from '../../core/testing/memory-core.ts';
import { runJob } from '../../core/turn/worker.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { createModel } from '../../model/providers/create-model.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';
import { cases } from '../support/sample.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import { openaiCompatible } from './wires/openai-compatible.ts';
import { gemmaTemplate, mistral, mistralTemplate, systemless, toolless } from './wires/strict.ts';
import { callsOf, checkUnicode, PromptRefused, type SeenMessage, type Wire } from './wires/wire.ts';

/**
 * No prompt ends a session: whatever a conversation holds, and whatever a provider begins to refuse in its middle, the next
 * plain message is answered. The core and the SDK's real clients run in memory against a provider that decides at random.
 */

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const HELLO = 'hello';

const agent = defineAgent({
  instructions: 'Be brief.',
  tools: {
    look: {
      tool: tool({
        description: 'Looks something up.',
        inputSchema: z.object({ text: z.string() }),
        execute: ({ text }) => ({ found: text }),
      }),
    },
  },
});

/** One model call's answer. */
type Said =
  | { says: string; calls: readonly { name: string; args: Record<string, string> }[] }
  | { fails: 'unauthorised' | 'throttled' | 'invalid' | 'overlong' }
  | { cuts: string };

interface Turn {
  content: Content;
  answers: readonly Said[];
  /** Arrives while the first call is answered. */
  meanwhile?: { type: 'message'; content: string; delivery?: 'now' } | { type: 'abort' };
}

/** What a provider refuses beyond its wire's own rules. None of these refuses a short plain message by itself. */
interface Strictness {
  /** Refuses nothing before this turn. */
  since: number;
  longest: number;
  most: number;
  word: string | undefined;
  how: 'invalid' | 'overlong';
  noImages: boolean;
  noTools: boolean;
  noResults: boolean;
  plainIds: boolean;
}

const word = fc.constantFrom(
  'tea',
  'POISON',
  'a \u{1F600}',
  '\ud83d',
  'bell \u0007',
  ' ',
  'many words '.repeat(60),
);
const said: fc.Arbitrary<Said> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      says: word,
      calls: fc.array(
        fc.record({
          name: fc.constantFrom('look', 'unknown'),
          args: fc.oneof(fc.record({ text: word }), fc.record({ wrong: word })),
        }),
        { maxLength: 2 },
      ),
    }),
  },
  fc.record({ fails: fc.constantFrom('unauthorised', 'throttled', 'invalid', 'overlong') }),
  fc.record({ cuts: word }),
);
const visible = word.filter((text) => text.trim() !== '');
const content: fc.Arbitrary<Content> = fc.oneof(
  { weight: 3, arbitrary: visible },
  fc.record({ url: fc.constant('https://images.midturn.invalid/a.png'), text: word }).map(
    ({ url, text }): Content => [
      { type: 'text', text },
      { type: 'image', url },
    ],
  ),
  visible.map(
    (text): Content => [
      { type: 'image', media_type: 'image/png', data: PIXEL },
      { type: 'text', text },
    ],
  ),
);
const turn: fc.Arbitrary<Turn> = fc.record(
  {
    content,
    answers: fc.array(said, { minLength: 1, maxLength: 4 }),
    meanwhile: fc.oneof(
      fc.record(
        { type: fc.constant('message' as const), content: visible, delivery: fc.constant('now' as const) },
        { requiredKeys: ['type', 'content'] },
      ),
      fc.constant({ type: 'abort' as const }),
    ),
  },
  { requiredKeys: ['content', 'answers'] },
);
const strictness: fc.Arbitrary<Strictness> = fc.record({
  since: fc.integer({ min: 0, max: 5 }),
  longest: fc.constantFrom(300, 1500, 100_000),
  most: fc.constantFrom(1, 3, 100),
  word: fc.option(fc.constantFrom('POISON', '\u0007', 'unknown'), { nil: undefined }),
  how: fc.constantFrom('invalid', 'overlong'),
  noImages: fc.boolean(),
  noTools: fc.boolean(),
  noResults: fc.boolean(),
  plainIds: fc.boolean(),
});

/** @throws {PromptRefused} */
function check(prompt: readonly SeenMessage[], body: unknown, strict: Strictness): void {
  const text = JSON.stringify(prompt);
  const blocks = prompt.flatMap((message) => message.blocks);
  const refused = (why: string) => new PromptRefused(why);
  if (text.length > strict.longest) throw refused('long');
  if (prompt.length > strict.most) throw refused('many');
  if (strict.word !== undefined && text.includes(JSON.stringify(strict.word).slice(1, -1)))
    throw refused('word');
  if (strict.noImages && blocks.some((block) => 'image' in block)) throw refused('image');
  if (strict.noResults && blocks.some((block) => 'result' in block)) throw refused('result');
  if (strict.plainIds && prompt.flatMap(callsOf).some((id) => !/^[a-zA-Z0-9]{9}$/.test(id)))
    throw refused('id');
  if (strict.noTools && /"(tools|toolConfig)":/.test(JSON.stringify(body))) throw refused('tools');
}

const bytesOf = (frames: readonly (Uint8Array | string)[]) =>
  Buffer.concat(frames.map((frame) => (typeof frame === 'string' ? Buffer.from(frame) : Buffer.from(frame))));

/** One session, from its first message to the answer of a last plain one. */
async function converse(wire: Wire, turns: readonly Turn[], strict: Strictness) {
  const { frames, jobs, gateway, queues } = recordingPorts();
  let now = 1000;
  const core: Core = memoryCore({
    gateway,
    queues,
    clock: {
      now: () => epochMs(now),
      // Yields to the streams; time passes, so that nothing waits for ever.
      async sleep(ms) {
        await nextTick();
        now += Math.min(ms, 5);
      },
    },
  });
  const connectionId = asConnectionId('c');
  await registerConnection(core, connectionId, {
    principal: { tenant: 't', subject: 's' },
    sessionId: asSessionId('s'),
  });
  const send = (frame: object) =>
    handleFrame(core, { connectionId, body: JSON.stringify(frame), receivedAt: epochMs(now++) });

  let at = 0;
  let calls = 0;
  let ids = 0;
  let answers: Said[] = [];
  let meanwhile: Turn['meanwhile'];
  const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    calls++;
    const body = JSON.parse(String(init?.body));
    if (meanwhile) {
      const frame = meanwhile;
      meanwhile = undefined;
      await send(frame);
    }
    try {
      checkUnicode(body);
      const prompt = wire.read(body);
      if (at >= strict.since) check(prompt, body, strict);
    } catch (error) {
      if (!(error instanceof PromptRefused)) throw error;
      const { status, headers, body: refusal } = error.answer ?? wire.refuse(strict.how, error.message);
      return Response.json(refusal, { status, ...(headers && { headers }) });
    }
    const next = answers.shift() ?? { says: 'ok', calls: [] };
    if ('fails' in next) {
      const { status, headers, body: refusal } = wire.refuse(next.fails, '');
      return Response.json(refusal, { status, ...(headers && { headers }) });
    }
    const usage = { input: 1, output: 1 };
    const answer = wire.answer(wire.model);
    const headers = { 'content-type': wire.contentType };
    if ('cuts' in next) {
      return new Response(bytesOf([...answer.begin(usage), ...answer.text(next.cuts)]), { headers });
    }
    const offered = /"(tools|toolConfig)":/.test(JSON.stringify(body)) && !wire.forbidsTools(body);
    const asked = offered ? next.calls : [];
    return new Response(
      bytesOf([
        ...answer.begin(usage),
        ...answer.text(asked.length > 0 ? next.says : next.says.trim() || 'ok'),
        ...asked.flatMap(({ name, args }) =>
          answer.call({ id: `${wire.callPrefix}${++ids}`, name, pieces: [JSON.stringify(args)] }),
        ),
        ...answer.finish(asked.length > 0 ? 'calls' : 'answered', usage),
      ]),
      { headers },
    );
  };
  const model = await createModel({ provider: wire.name, modelId: wire.model }, agent, {
    baseUrl: 'https://provider.midturn.invalid/v1',
    apiKey: 'key-of-the-test',
    region: 'us-east-1',
    fetch: fetch as typeof globalThis.fetch,
  });
  const settings = readTurnSettings({ MIDTURN_FLUSH_MS: '0' });
  const context = {
    core,
    agentFor: async () => ({ model, toolbox: createToolbox(agent) }),
    settings,
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
  };
  const run = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await runJob(context, job);
  };
  const ends = () => frames.filter((frame) => 'full_response' in frame);

  await send({ type: 'connect' });
  for (const { content: asks, answers: given, meanwhile: arrives } of turns) {
    answers = [...given];
    meanwhile = arrives;
    await send({ type: 'message', content: asks });
    await run();
    at++;
  }
  answers = [];
  meanwhile = undefined;
  at = Math.max(at, strict.since);
  const before = calls;
  await send({ type: 'message', content: HELLO });
  await run();
  return { end: ends().at(-1), calls: calls - before, frames };
}

beforeAll(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-of-the-test');
  vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', undefined);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const WIRES = [
  anthropic,
  bedrock,
  openaiCompatible,
  openai,
  google,
  mistral,
  mistralTemplate,
  gemmaTemplate,
  systemless,
  toolless,
];

describe.each(WIRES.map((wire) => [wire.label ?? wire.name, wire] as const))('%s', (_name, wire) => {
  it('P1: whatever was said, and whatever the provider refuses of it, the next plain message is answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 5 }), strictness, async (turns, strict) => {
        const { end, calls } = await converse(wire, turns, strict);
        expect(end).toMatchObject({ type: 'done', full_response: 'ok' });
        expect(calls).toBeLessThanOrEqual(9);
      }),
      { numRuns: cases(200) },
    );
  });
});
