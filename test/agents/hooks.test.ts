import { tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../aws/system.ts';
import { milliseconds } from '../../config/units.ts';
import type { Clock } from '../../core/ports.ts';
import type { TurnInMemory } from '../../core/testing/turn-in-memory.ts';
import { AgentDefinitionError } from '../../model/agent/agent-definition.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import type { AgentHooks, HookEvent, TurnReport } from '../../model/agent/hooks.ts';
import { resultsIn, runAgent, runWithDeaths } from './agent-in-memory.ts';

/** Hooks of the agent's code: what they change is stored, shown and given to the model, and what a worker that dies does to each. */

const ran: unknown[] = [];
const note = tool({
  inputSchema: z.object({ text: z.string() }),
  execute: async ({ text }) => {
    ran.push(text);
    return { noted: text };
  },
});
const agent = (hooks: AgentHooks) => ({ tools: { note: { tool: note, idempotent: true } }, hooks });
/** Calls the tool, and says what it gave. */
const calls = (call: Parameters<typeof resultsIn>[0]) =>
  resultsIn(call).length > 0
    ? `It says ${JSON.stringify(resultsIn(call).at(-1))}`
    : ([['note', { text: 'secret' }]] as const);

/** A hook that takes too long has taken too long at once. */
const hurried: Clock = {
  ...systemClock,
  sleep: async (_, signal) => systemClock.sleep(milliseconds(5), signal),
};
const never = () => new Promise<undefined>(() => {});
const fails = () => Promise.reject(new RangeError('the hook fails'));

describe('beforeTurn', () => {
  it('that refuses ends the turn with its words, and no model is called', async () => {
    const asked: unknown[] = [];
    const { end, calls: modelCalls } = await runAgent(
      agent({
        beforeTurn: ({ messages, steering, caller, idempotencyKey }) => {
          asked.push([
            messages,
            steering,
            caller.principal.subject,
            idempotencyKey.startsWith(caller.turnId),
          ]);
          return { refuse: 'I do not talk about that.' };
        },
      }),
      () => 'never',
    );
    expect(asked).toEqual([[[{ id: 'm1', content: 'Hello.' }], false, 'ann', true]]);
    expect(end).toMatchObject({
      type: 'error',
      code: 'TURN_REFUSED',
      message: 'I do not talk about that.',
      retryable: false,
      refused: ['m1'],
    });
    expect(modelCalls).toEqual([]);
  });

  it('is not passed by a message whose turn is aborted before it is asked: no later prompt has it', async () => {
    const asked: string[] = [];
    let turn: TurnInMemory | undefined;
    const { end, calls: modelCalls } = await runAgent(
      {
        prepareCall: async (call) => {
          if (asked.length === 0) await turn?.abort();
          return call;
        },
        hooks: { beforeTurn: ({ messages }) => void asked.push(...messages.map(({ id }) => id)) },
      },
      () => 'Well.',
      {
        message: 'unchecked',
        began: (begun) => {
          turn = begun;
        },
      },
    );
    expect([end?.type, asked]).toEqual(['aborted', []]);
    asked.push('-');
    await turn?.send('m2', 'Go on.');
    await turn?.run();
    expect(asked).toEqual(['-', 'm2']);
    expect(modelCalls).toHaveLength(1);
    expect(JSON.stringify(modelCalls[0]?.prompt)).toContain('Go on.');
    expect(JSON.stringify(modelCalls[0]?.prompt)).not.toContain('unchecked');
  });

  it('that allows is asked once for the messages, however many model calls follow', async () => {
    let asked = 0;
    const { said, end } = await runAgent(agent({ beforeTurn: () => void asked++ }), calls);
    expect(end).toMatchObject({ type: 'done' });
    expect(said).toHaveLength(3);
    expect(asked).toBe(1);
  });

  it.each([
    ['throws', fails, systemClock],
    ['takes too long', never, hurried],
    ['gives no answer that there is', () => ({ refuse: 7 }) as never, systemClock],
  ])(
    'that %s ends the turn with HOOK_FAILED: nothing that is not checked is read',
    async (_, beforeTurn, clock) => {
      const {
        end,
        calls: modelCalls,
        logged,
      } = await runAgent(agent({ beforeTurn }), () => 'never', { clock });
      expect(end).toMatchObject({ type: 'error', code: 'HOOK_FAILED', retryable: true, refused: ['m1'] });
      expect(modelCalls).toEqual([]);
      expect(logged).toMatchObject([
        { message: 'a hook of the agent failed', fields: { hook: 'beforeTurn' } },
      ]);
      expect(JSON.stringify(logged)).not.toContain('the hook fails');
    },
  );

  it('is asked again by a worker that takes over before a model has read the messages: at least once', async () => {
    const asked: number[] = [];
    let now = 0;
    const turns = await runWithDeaths(agent({ beforeTurn: () => void now++ }), calls, () => {
      asked.push(now);
      now = 0;
    });
    for (const { end } of turns) expect(end).toMatchObject({ type: 'done' });
    expect(Math.min(...asked)).toBe(1);
    expect(Math.max(...asked)).toBe(2);
  });
});

describe('beforeToolCall', () => {
  it('changes what is stored, run and given to the model', async () => {
    ran.length = 0;
    const { said } = await runAgent(
      agent({ beforeToolCall: ({ toolCall }) => ({ input: { text: `${toolCall.toolName}: [hidden]` } }) }),
      calls,
    );
    expect(said[0]).toEqual({ called: 'note', with: { text: 'note: [hidden]' } });
    expect(ran).toEqual(['note: [hidden]']);
    expect(said[2]).toContain('[hidden]');
  });

  it.each([
    ['refuses', () => ({ refuse: 'Not today.' }), systemClock, /does not allow this call. Not today\./],
    ['throws', fails, systemClock, /could not check/],
    ['takes too long', never, hurried, /could not check/],
    ['gives what is no JSON', () => ({ input: new Map() }), systemClock, /could not check/],
  ])('that %s lets no call run, and the model is told', async (_, beforeToolCall, clock, reason) => {
    ran.length = 0;
    const { said, end } = await runAgent(agent({ beforeToolCall }), calls, { clock });
    expect(ran).toEqual([]);
    expect(said[1]).toEqual({ gave: expect.stringMatching(reason), failed: true });
    expect(said[2]).toMatch(reason);
    expect(end).toMatchObject({ type: 'done' });
  });

  it('a worker dies at any write: what was refused never runs', async () => {
    ran.length = 0;
    let asked = 0;
    const turns = await runWithDeaths(
      agent({
        beforeToolCall: () => {
          asked++;
          return { refuse: 'Never.' };
        },
      }),
      calls,
    );
    expect(ran).toEqual([]);
    expect(asked).toBeGreaterThan(turns.length);
    for (const { end, said } of turns) {
      expect(end).toMatchObject({ type: 'done' });
      expect(said[1]).toMatchObject({ failed: true });
    }
  });
});

describe('afterToolCall', () => {
  it('changes what is stored and given to the model', async () => {
    const { said } = await runAgent(
      agent({
        afterToolCall: ({ output, isError }) => ({
          output: { hidden: Object.keys(output as object), isError },
        }),
      }),
      calls,
    );
    expect(said[1]).toEqual({ gave: { hidden: ['noted'], isError: false } });
    expect(said[2]).not.toContain('secret');
  });

  it.each([
    ['refuses', () => ({ refuse: 'Private.' }), systemClock, /does not allow its output. Private\./],
    ['throws', fails, systemClock, /could not check/],
    ['takes too long', never, hurried, /could not check/],
  ])('that %s withholds the output', async (_, afterToolCall, clock, reason) => {
    const { said, end } = await runAgent(agent({ afterToolCall }), calls, { clock });
    expect(said[1]).toEqual({ gave: expect.stringMatching(reason), failed: true });
    expect(said[2]).not.toContain('secret');
    expect(end).toMatchObject({ type: 'done' });
  });

  it('a worker dies at any write: no output is stored that the hook has not seen', async () => {
    const turns = await runWithDeaths(agent({ afterToolCall: () => ({ output: 'seen' }) }), calls);
    for (const { said } of turns) expect(said[1]).toEqual({ gave: 'seen' });
  });
});

describe('afterStep', () => {
  it('is told of each step in order, with its calls and results', async () => {
    const steps: unknown[] = [];
    await runAgent(
      agent({
        afterStep: ({ step, idempotencyKey }) => {
          steps.push([
            step.stepNumber,
            step.toolResults.length,
            step.text.slice(0, 7),
            idempotencyKey.split(':').slice(1),
          ]);
        },
      }),
      calls,
    );
    expect(steps).toEqual([
      [0, 1, '', ['step', '1']],
      [1, 0, 'It says', ['step', '2']],
    ]);
  });

  it('that throws, or takes too long, changes nothing', async () => {
    for (const [afterStep, clock] of [
      [fails, systemClock],
      [never, hurried],
    ] as const) {
      const { end, logged } = await runAgent(agent({ afterStep }), calls, { clock });
      expect(end).toMatchObject({ type: 'done', steps: 2 });
      expect(logged).toHaveLength(2);
    }
  });

  it('a worker dies at any write: it is told of each step at least once, under the same key', async () => {
    const told: string[][] = [];
    const results: [calls: number, results: number][] = [];
    let now: string[] = [];
    const turns = await runWithDeaths(
      agent({
        afterStep: ({ step, idempotencyKey }) => {
          now.push(idempotencyKey.split(':').at(-1) ?? '');
          results.push([step.toolCalls.length, step.toolResults.length]);
        },
      }),
      calls,
      () => {
        told.push(now);
        now = [];
      },
    );
    expect(turns.length).toBeGreaterThan(5);
    for (const steps of told) expect([...new Set(steps)]).toEqual(['1', '2']);
    // A step is over when its calls have their results, also for a worker that takes over between the two.
    expect(results.filter(([calls, given]) => given < calls)).toEqual([]);
    expect(Math.max(...told.map(({ length }) => length))).toBe(3);
  });
});

describe('afterTurn', () => {
  const reports: (TurnReport & HookEvent)[] = [];
  const telling = agent({ afterTurn: (report) => void reports.push(report) });

  it('is given what was said, what it cost, and how the turn ended', async () => {
    reports.length = 0;
    await runAgent(telling, calls);
    expect(reports).toMatchObject([
      {
        outcome: 'done',
        steps: 2,
        text: expect.stringContaining('It says'),
        usage: { inputTokens: 20, outputTokens: 10 },
        provider: 'house.chat',
        model: 'scripted',
        caller: { principal: { subject: 'ann' } },
      },
    ]);
    expect(reports[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
    expect(reports[0]?.idempotencyKey).toBe(`${reports[0]?.caller.turnId}:ended`);
  });

  it('is told of a turn that a hook refused, with the message that no model read', async () => {
    reports.length = 0;
    await runAgent(
      agent({ beforeTurn: () => ({ refuse: 'No.' }), afterTurn: (report) => void reports.push(report) }),
      () => 'never',
    );
    expect(reports).toMatchObject([{ outcome: 'error', code: 'TURN_REFUSED', steps: 0, text: '' }]);
    expect(reports[0]?.messages).toMatchObject([{ role: 'user' }]);
  });

  it('that throws, or takes too long, is logged and not called again', async () => {
    let called = 0;
    for (const [hook, clock] of [
      [fails, systemClock],
      [never, hurried],
    ] as const) {
      const afterTurn = () => {
        called++;
        return hook();
      };
      const { end, logged } = await runAgent(agent({ afterTurn }), calls, { clock });
      expect(end).toMatchObject({ type: 'done' });
      expect(logged).toMatchObject([
        { message: 'a hook of the agent failed', fields: { hook: 'afterTurn' } },
      ]);
    }
    expect(called).toBe(2);
  });

  it('a worker dies at any write: it is told of the end at least once', async () => {
    const told: number[] = [];
    reports.length = 0;
    await runWithDeaths(telling, calls, () => {
      told.push(reports.length);
      reports.length = 0;
    });
    expect(Math.min(...told)).toBe(1);
    expect(Math.max(...told)).toBeLessThanOrEqual(2);
  });
});

describe('every hook', () => {
  it.each(['beforeTurn', 'beforeToolCall', 'afterToolCall', 'afterStep', 'afterTurn'] as const)(
    '%s that takes too long is told to stop what it began',
    async (hook) => {
      const signals: AbortSignal[] = [];
      const late = ({ abortSignal }: HookEvent) => {
        signals.push(abortSignal);
        return never();
      };
      await runAgent(agent({ [hook]: late }), calls, { clock: hurried });
      expect(signals.length).toBeGreaterThan(0);
      for (const { aborted } of signals) expect(aborted).toBe(true);
    },
  );

  it.each(['beforeTurn', 'beforeToolCall', 'afterToolCall'] as const)(
    '%s gives a reason of any language and length: what of it fits into a frame is told',
    async (hook) => {
      const refusing = agent({ [hook]: () => ({ refuse: '😀€'.repeat(4000) }) });
      const { said, end } = await runAgent(refusing, calls);
      const told = hook === 'beforeTurn' ? (end as { message: string }).message : said[1];
      const text = JSON.stringify(told);
      expect(text).toContain('😀€😀€');
      expect(text.isWellFormed()).toBe(true);
      expect(Buffer.byteLength(text)).toBeLessThan(2200);
      expect(Buffer.byteLength(text)).toBeGreaterThan(1900);
    },
  );
});

describe('defineAgent', () => {
  it.each([
    [{ beforeturn: () => {} }, 'there is no hook beforeturn.'],
    [{ afterStep: 'log' }, 'afterStep is neither a function nor { run, timeoutSeconds }.'],
    [
      { afterStep: { run: () => {}, timeoutSeconds: 11 } },
      'timeoutSeconds of afterStep must be above 0 and at most 10.',
    ],
    [
      { afterTurn: { run: () => {}, timeoutSeconds: 0 } },
      'timeoutSeconds of afterTurn must be above 0 and at most 300.',
    ],
  ])('refuses hooks that would have no effect: %o', (hooks, complaint) => {
    expect(() => defineAgent({ hooks: hooks as AgentHooks })).toThrow(
      new AgentDefinitionError('HOOKS_INVALID', `hooks: ${complaint}`),
    );
  });
});
