import { setTimeout as wait } from 'node:timers/promises';
import { tool } from 'ai';
import * as z from 'zod';
import { epochMs, type Milliseconds } from '../../config/units.ts';
import type { Content } from '../../core/content.ts';
import type { Toolbox } from '../../core/model.ts';
import { MemoryTable, memoryStore } from '../../core/testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../../core/testing/turn-in-memory.ts';
import { compactionAgent } from '../../model/agent/compaction.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { createModel } from '../../model/providers/create-model.ts';
import { type CacheUsage, type MessagesRequest, PromptCache } from './cache-rules.ts';

/** One model call of the conversation, and what of its input was in the cache. */
export interface Call extends CacheUsage {
  turn: number;
  output_tokens: number;
}

const TURNS = 40;
/** Two cuts in 40 turns of about 1,000 tokens. */
const CONTEXT_TOKENS = '19000';
/** Turns that are steered while they answer. */
const isSteered = (turn: number) => turn % 4 === 0;
/** The worker of this turn dies between a call and its result. */
const DIES_IN = 20;
/** Milliseconds between two messages of the person: within the life of a cache entry. */
const PAUSE_MS = 60_000;

/** Time as it passes, and the person's pauses without waiting for them. */
function pausableClock() {
  let skipped = 0;
  return {
    skip(ms: number) {
      skipped += ms;
    },
    now: () => epochMs(Date.now() + skipped),
    sleep: (ms: Milliseconds, signal?: AbortSignal) => wait(ms, undefined, { signal }).catch(() => {}),
  };
}

const words = (about: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${about}${i}`).join(' ');

const agent = defineAgent({
  instructions: `You plan journeys. ${words('rule', 400)}`,
  settings: { maxOutputTokens: 1000 },
  tools: Object.fromEntries(
    ['find_trains', 'find_hotels', 'book', 'cancel', 'weather', 'map'].map((name) => [
      name,
      {
        idempotent: true,
        tool: tool({
          description: `Tool ${name}. ${words('detail', 40)}`,
          inputSchema: z.object({ place: z.string() }),
          execute: () => '',
        }),
      },
    ]),
  ),
});

const event = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

function blocks(...all: ({ text: string } | { call: string; id: string })[]): string {
  return all
    .map((block, index) => {
      const isText = 'text' in block;
      const content_block = isText
        ? { type: 'text', text: '' }
        : { type: 'tool_use', id: block.id, name: block.call, input: {} };
      const delta = isText
        ? { type: 'text_delta', text: block.text }
        : { type: 'input_json_delta', partial_json: JSON.stringify({ place: words('place', 3) }) };
      return [
        event('content_block_start', { index, content_block }),
        event('content_block_delta', { index, delta }),
        event('content_block_stop', { index }),
      ].join('');
    })
    .join('');
}

/** Anthropic's answer as server-sent events ("Streaming messages", Anthropic API documentation). */
function answer(body: string, stop_reason: string, usage: CacheUsage, output_tokens: number): string {
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [],
    stop_reason: null,
  };
  return [
    event('message_start', {
      message: { ...message, stop_sequence: null, usage: { ...usage, output_tokens: 1 } },
    }),
    body,
    event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens } }),
    event('message_stop', {}),
  ].join('');
}

/**
 * Plays a conversation of 40 turns on the product's core, with Anthropic's package and a provider that keeps the cache's
 * rules: each turn calls two tools and answers, every fourth is steered, one is taken over by another worker, and the budget of
 * earlier turns is passed twice.
 *
 * @returns `summaries`: the calls that summarise what a cut leaves out, with `compaction`
 */
export async function converse(
  promptCache: 'auto' | 'off',
  compaction: 'on' | 'off' = 'off',
): Promise<{ calls: Call[]; summaries: Call[]; cuts: number }> {
  const calls: Call[] = [];
  const summaries: Call[] = [];
  let turnNumber = 0;
  let step = 0;
  let dies = false;
  let ranTools = false;
  let duringCall = async (_turn: TurnInMemory): Promise<void> => {};
  const clock = pausableClock();
  const cache = new PromptCache(clock.now);
  const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    const usage = cache.use(JSON.parse(String(init?.body)) as MessagesRequest);
    step++;
    const output_tokens = step === 1 ? 60 : 150;
    calls.push({ turn: turnNumber, ...usage, output_tokens });
    const id = (n: number) => `toolu_${turnNumber}_${n}`;
    if (step === 1) {
      const asks = blocks(
        { text: 'I look. ' },
        { call: 'find_trains', id: id(1) },
        { call: 'find_hotels', id: id(2) },
      );
      return stream(answer(asks, 'tool_use', usage, output_tokens));
    }
    await duringCall(turn);
    return stream(answer(blocks({ text: words('answer', 80) }), 'end_turn', usage, output_tokens));
  };
  /** A summary is asked for once, so that nothing of its prompt is worth a cache. */
  const summarise = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    const input_tokens = Math.ceil(Buffer.byteLength(String(init?.body)) / 4);
    const usage = { input_tokens, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
    summaries.push({ turn: turnNumber, ...usage, output_tokens: 800 });
    return stream(answer(blocks({ text: words('fact', 500) }), 'end_turn', usage, 800));
  };
  const store = memoryStore(new MemoryTable(), async ({ operation, key }, run) => {
    // The commit of the tools' results.
    if (dies && step === 1 && operation === 'update' && key.sk.startsWith('LANE#') && ranTools) {
      dies = false;
      throw new Error('the worker dies');
    }
    return run();
  });
  const toolbox: Toolbox = {
    ...idleToolbox,
    isIdempotent: () => true,
    run: async ({ name }) => {
      ranTools = true;
      return { output: { found: words(`${name} `, 60) }, isError: false };
    },
  };
  const model = await createModel({ provider: 'anthropic', modelId: 'claude-sonnet-4-5' }, agent, {
    apiKey: 'key',
    fetch,
    promptCache,
  });
  const summing = compactionAgent({ compaction: {} });
  const compactor =
    summing && compaction === 'on'
      ? await createModel({ provider: 'anthropic', modelId: 'claude-sonnet-4-5' }, summing, {
          apiKey: 'key',
          fetch: summarise,
          promptCache: 'off',
        })
      : undefined;
  const turn: TurnInMemory = await turnInMemory(model, {
    compactor,
    toolbox,
    core: { clock, store },
    settings: { MIDTURN_CONTEXT_TOKENS: CONTEXT_TOKENS },
  });
  const cuts = new Set<number | undefined>();
  for (turnNumber = 1; turnNumber <= TURNS; turnNumber++) {
    step = 0;
    ranTools = false;
    dies = turnNumber === DIES_IN;
    duringCall = async ({ send }) => {
      if (step === 2 && isSteered(turnNumber)) await send(`steer-${turnNumber}`, 'And by night?');
    };
    const content: Content = `Question ${turnNumber}: ${words('wish', 20)}`;
    if (!(await turn.send(`m${turnNumber}`, content))) throw new Error(`turn ${turnNumber} was not accepted`);
    if ((await turn.run()) === undefined) throw new Error(`turn ${turnNumber} is never over`);
    cuts.add(await turn.promptFrom());
    await turn.compact();
    clock.skip(PAUSE_MS);
  }
  return { calls, summaries, cuts: cuts.size - 1 };
}

const stream = (text: string) => new Response(text, { headers: { 'content-type': 'text/event-stream' } });

/** USD for a million tokens of Claude Sonnet 4.5 (https://www.anthropic.com/pricing, November 2026). */
const PRICES = { input: 3, write: 3.75, read: 0.3, output: 15 };

export const priceOf = (calls: readonly Call[]): number =>
  calls.reduce(
    (sum, call) =>
      sum +
      (call.input_tokens * PRICES.input +
        call.cache_creation_input_tokens * PRICES.write +
        call.cache_read_input_tokens * PRICES.read +
        call.output_tokens * PRICES.output) /
        1e6,
    0,
  );

export function shareRead(calls: readonly Call[]): number {
  const sum = (of: (call: Call) => number) => calls.reduce((total, call) => total + of(call), 0);
  const read = sum((call) => call.cache_read_input_tokens);
  return read / (read + sum((call) => call.input_tokens + call.cache_creation_input_tokens));
}
