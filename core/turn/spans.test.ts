import { expect, it } from 'vitest';
import { systemClock } from '../../aws/system.ts';
import { milliseconds } from '../../config/units.ts';
import type { Hooks } from '../hooks.ts';
import type { SessionKey } from '../ids.ts';
import type { Model, ModelPart, ModelRequest } from '../model.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';
import type { Attributes, Span, Tracer } from '../tracing.ts';
import { writeText } from './side-call.ts';

interface Recorded {
  /** With those that it is a part of: `turn > call`. */
  path: string;
  attributes: Attributes;
  error: string | undefined;
  ends: number;
}

function recorder(): { tracer: Tracer; spans: Recorded[] } {
  const spans: Recorded[] = [];
  const under =
    (parent: string): Tracer['begin'] =>
    (name, _, begun = {}) => {
      const span: Recorded = { path: `${parent}${name}`, attributes: begun, error: undefined, ends: 0 };
      spans.push(span);
      const end: Span['end'] = (attributes = {}, error) => {
        if (span.ends++ > 0) return;
        span.attributes = { ...span.attributes, ...attributes };
        span.error = error;
      };
      return { begin: under(`${span.path} > `), end };
    };
  return { tracer: { begin: under('') }, spans };
}

const USAGE = { inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, reasoningTokens: 1 };

/** Asks for a tool, and fails for good afterwards. */
const model: Model = {
  provider: 'bedrock',
  name: 'm',
  async *stream({ messages }): AsyncGenerator<ModelPart> {
    if (messages.length === 1) {
      yield { type: 'tool_call', id: 'call', name: 'look', args: { secret: 'xyzzy' } };
      yield { type: 'finish', reason: 'tool-calls', usage: USAGE };
      return;
    }
    const message = 'xyzzy';
    yield {
      type: 'failure',
      failure: { code: 'PROVIDER_ERROR', reason: 'provider', message, retryable: false, diagnostic: message },
    };
  },
};

it('a turn has its model calls and its tools, each ended, with figures and codes and without content', async () => {
  const { tracer, spans } = recorder();
  const toolbox = { ...idleToolbox, run: async () => ({ output: 'xyzzy', isError: true }) };
  const turn = await turnInMemory(model, { toolbox, core: { tracer } });
  await turn.send('m', 'xyzzy');
  await turn.run();
  expect(spans.map(({ path, error }) => ({ path, error }))).toEqual([
    { path: 'invoke_agent', error: undefined },
    { path: 'invoke_agent > chat m', error: undefined },
    { path: 'invoke_agent > execute_tool look', error: 'tool_error' },
    { path: 'invoke_agent > chat m', error: 'provider' },
  ]);
  expect(spans[1]?.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'aws.bedrock',
    'gen_ai.request.model': 'm',
    'gen_ai.response.finish_reasons': ['tool-calls'],
    'gen_ai.usage.input_tokens': 3,
    'gen_ai.usage.output_tokens': 2,
    'gen_ai.usage.cache_read.input_tokens': 1,
    'gen_ai.usage.reasoning.output_tokens': 1,
  });
  expect(spans[2]?.attributes).toEqual({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'look',
    'gen_ai.tool.call.id': expect.any(String),
  });
  expect(spans.every(({ ends }) => ends > 0)).toBe(true);
  expect(JSON.stringify(spans)).not.toContain('xyzzy');
});

it('an agent that a tool asks is a part of the tool’s call, with model calls of its own', async () => {
  const { tracer, spans } = recorder();
  const inner: Model = {
    provider: 'openai',
    name: 'inner',
    async *stream(): AsyncGenerator<ModelPart> {
      yield { type: 'text', text: 'xyzzy' };
      yield { type: 'finish', reason: 'stop', usage: USAGE };
    },
  };
  const subagents = new Map([
    [
      'look',
      {
        promptOf: async () => ({ prompt: 'xyzzy' }),
        serve: async () => ({ model: inner, toolbox: idleToolbox }),
      },
    ],
  ]);
  const turn = await turnInMemory(model, {
    subagents,
    toolbox: { ...idleToolbox, timeLimitMs: () => milliseconds(10_000) },
    worker: { maxToolMs: milliseconds(10_000) },
    core: { tracer, clock: systemClock },
  });
  await turn.send('m', 'xyzzy');
  await turn.run();
  expect(spans.map(({ path, error, ends }) => ({ path, error, ended: ends > 0 }))).toEqual(
    [
      ['invoke_agent'],
      ['invoke_agent > chat m'],
      ['invoke_agent > execute_tool look'],
      ['invoke_agent > execute_tool look > invoke_agent look'],
      ['invoke_agent > execute_tool look > invoke_agent look > chat inner'],
      ['invoke_agent > chat m', 'provider'],
    ].map(([path, error]) => ({ path, error, ended: true })),
  );
  expect(JSON.stringify(spans)).not.toContain('xyzzy');
});

it('a hook of the agent has a span with its name, which tells that it failed and not why', async () => {
  const { tracer, spans } = recorder();
  const hooks: Hooks = {
    limitMs: () => milliseconds(10_000),
    beforeTurn: async () => undefined,
    afterToolCall: async () => {
      throw new Error('xyzzy');
    },
  };
  const toolbox = { ...idleToolbox, run: async () => ({ output: 'xyzzy', isError: false }) };
  const turn = await turnInMemory(model, { hooks, toolbox, core: { tracer, clock: systemClock } });
  await turn.send('m', 'xyzzy');
  await turn.run();
  const called = spans.flatMap(({ path, error, ends }) =>
    path.includes('hook ') ? [{ path, error, ended: ends > 0 }] : [],
  );
  expect(called).toEqual([
    { path: 'invoke_agent > hook beforeTurn', error: undefined, ended: true },
    { path: expect.stringContaining('hook afterToolCall'), error: 'hook_failed', ended: true },
  ]);
  expect(JSON.stringify(spans)).not.toContain('xyzzy');
});

it('a text that a model writes beside turns is a model call of its session, with its purpose', async () => {
  const { tracer, spans } = recorder();
  const request = { messages: [{ role: 'user', content: 'xyzzy' }] } as unknown as ModelRequest;
  const of = { session: 'acme#ada#s' as SessionKey, purpose: 'title' } as const;
  const limits = { ms: milliseconds(10_000), bytes: 100 };
  await writeText({ clock: systemClock, tracer }, saying('stop'), request, of, limits);
  await writeText({ clock: systemClock, tracer }, model, request, of, limits);
  expect(spans).toMatchObject([
    {
      path: 'chat m',
      ends: expect.any(Number),
      attributes: {
        'gen_ai.conversation.id': 'acme#ada#s',
        'midturn.purpose': 'title',
        'gen_ai.usage.output_tokens': 2,
      },
    },
    { path: 'chat m', ends: expect.any(Number) },
  ]);
  expect(spans.every(({ ends }) => ends > 0)).toBe(true);
  expect(JSON.stringify(spans)).not.toContain('xyzzy');
});

const saying = (reason: string): Model => ({
  provider: 'openai',
  name: 'm',
  async *stream(): AsyncGenerator<ModelPart> {
    yield { type: 'text', text: 'xyzzy' };
    yield { type: 'finish', reason, usage: USAGE };
  },
});
