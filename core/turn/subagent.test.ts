import { describe, expect, it } from 'vitest';
import { systemClock } from '../../aws/system.ts';
import type { Budgets } from '../../config/settings/budgets.ts';
import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import type { Hooks } from '../hooks.ts';
import type { Budgeting, CallSetup, Model, ModelPart, ModelRequest, Price, Toolbox } from '../model.ts';
import { dayOf } from '../session/spend.ts';
import { laneKey, principalSpendKey } from '../store/keys.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import type { SessionAgent } from './context.ts';

/** What each finished call uses. */
const USAGE = { inputTokens: 10, outputTokens: 5 };
const TOKENS = 15;
const PRICE: Price = { currency: 'USD', input: 1, output: 2 };
const NANO = 20_000;

const finish: Extract<ModelPart, { type: 'finish' }> = { type: 'finish', reason: 'stop', usage: USAGE };
const call = (name: string, args: { n: number } = { n: 1 }, id = 'c'): ModelPart => ({
  type: 'tool_call',
  id,
  name,
  args,
});
const text = (said: string): ModelPart => ({ type: 'text', text: said });
const broken: Extract<ModelPart, { type: 'failure' }> = {
  type: 'failure',
  failure: { code: 'PROVIDER_ERROR', reason: 'provider', message: 'No.', retryable: false, diagnostic: '' },
};

const resultsIn = ({ messages }: ModelRequest) =>
  messages.flatMap((message) => (message.role === 'tool' ? message.results : []));

/** A model that is asked for a step by the number of results in its prompt. */
function stepping(name: string, steps: readonly ModelPart[][], ended = () => {}) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    provider: 'test',
    name,
    price: PRICE,
    async *stream(request) {
      requests.push(request);
      const parts = steps[resultsIn(request).length] ?? [text('?')];
      yield* parts;
      if (parts.some(({ type }) => type === 'failure')) return;
      ended();
      yield finish;
    },
  };
  return { model, requests };
}

const asking = (ended?: () => void) =>
  stepping('outer', [[text('Let me ask. '), call('ask', { n: 7 })], [text('It is so.')]], ended);

/** Looks twice, and answers. */
const researcher = (ended?: () => void) =>
  stepping(
    'inner',
    [[text('I look.'), call('look', { n: 1 })], [call('look', { n: 2 })], [text('Found.')]],
    ended,
  );

/** @param served another one than a model and a tool that looks */
function subagent(model: Model, served: Partial<SessionAgent> = {}) {
  const runs: { key: string; args: unknown; setup: CallSetup }[] = [];
  const toolbox: Toolbox = {
    ...idleToolbox,
    timeLimitMs: () => milliseconds(10_000),
    async run({ args }, { idempotencyKey: key, setup }) {
      runs.push({ key, args, setup });
      return { output: { seen: args }, isError: false };
    },
  };
  const subagents: SessionAgent['subagents'] = new Map([
    [
      'ask',
      {
        serve: async () => ({ model, toolbox, ...served }),
        promptOf: async ({ args }) => ({ prompt: `Task ${JSON.stringify(args)}` }),
      },
    ],
  ]);
  return { subagents, runs };
}

const own: Toolbox = { ...idleToolbox, timeLimitMs: () => milliseconds(10_000) };
const idempotent: Toolbox = { ...own, isIdempotent: () => true };

const budgeting = (principal: Budgets['principal']): Budgeting => ({
  holders: ['principal'],
  of: async () => ({ principal, tenant: {} }),
});
const UNREACHED = budgeting({ tokens: 1e9 });

const eventsOf = ({ core, session }: TurnInMemory) => readEvents(core, session, 1);
const spendOf = ({ core, session }: TurnInMemory) =>
  core.store.get(principalSpendKey(session, dayOf(core.clock.now())));

async function ran(
  outer: Model,
  given: Parameters<typeof turnInMemory>[1],
): Promise<{ turn: TurnInMemory; events: Awaited<ReturnType<typeof eventsOf>> }> {
  const turn = await turnInMemory(outer, {
    toolbox: own,
    worker: { maxToolMs: milliseconds(10_000) },
    ...given,
    core: { clock: systemClock, ...given?.core },
  });
  await turn.send('m1', 'go');
  expect(await turn.run()).toBeDefined();
  return { turn, events: await eventsOf(turn) };
}

const resultOf = (events: Awaited<ReturnType<typeof eventsOf>>) => {
  const result = events.find((event) => event.type === 'tool_result');
  if (result?.type !== 'tool_result') throw new Error('no result');
  return result;
};

describe('an agent that a tool asks', () => {
  it('P13: sees its question alone, and the model that asked sees its last text; what it does is a UIMessage', async () => {
    const outer = asking();
    const inner = researcher();
    const { subagents, runs } = subagent(inner.model);
    const { events } = await ran(outer.model, { subagents });
    expect(inner.requests[0]?.messages).toEqual([{ role: 'user', content: 'Task {"n":7}' }]);
    expect(runs.map(({ args }) => args)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(resultsIn(outer.requests[1] ?? { messages: [], toolChoice: 'auto' })).toMatchObject([
      { name: 'ask', shown: { type: 'text', value: 'Found.' } },
    ]);
    const parts = [
      { type: 'text', text: 'I look.', state: 'done' },
      { type: 'tool-look', state: 'output-available', input: { n: 1 }, output: { seen: { n: 1 } } },
      { type: 'tool-look', state: 'output-available', input: { n: 2 } },
      { type: 'text', text: 'Found.', state: 'done' },
    ];
    expect(resultOf(events).output).toMatchObject({ role: 'assistant', parts });
    const shown = events.filter(({ type }) => type === 'tool_progress');
    expect(shown.length).toBeGreaterThan(0);
    for (const event of shown) expect(event).toMatchObject({ name: 'ask', output: { role: 'assistant' } });
    // Nothing that it has said is the turn's own text.
    expect(events.flatMap((event) => (event.type === 'chunk' ? event.content : [])).join('')).toBe(
      'Let me ask. It is so.',
    );
  });

  it('knows who asks, and its own hooks check its calls', async () => {
    const called: unknown[] = [];
    const hooks: Hooks = {
      limitMs: () => milliseconds(1000),
      async beforeToolCall({ name, args }, { agent, setup }) {
        called.push([name, agent, setup.caller.principal.subject]);
        return (args as { n: number }).n === 2 ? { refuse: 'Enough.' } : { args: { n: 9 } };
      },
      afterToolCall: async () => ({ output: 'seen', isError: false }),
    };
    const inner = researcher();
    const { subagents, runs } = subagent(inner.model, { hooks });
    const { events } = await ran(asking().model, { subagents });
    expect(called).toEqual([
      ['look', 'ask', 'ann'],
      ['look', 'ask', 'ann'],
    ]);
    expect(runs).toMatchObject([{ args: { n: 9 }, setup: { caller: { principal: { subject: 'ann' } } } }]);
    expect(resultOf(events).output).toMatchObject({
      parts: [
        {},
        { state: 'output-available', output: 'seen' },
        { state: 'output-error', errorText: expect.stringContaining('Enough.') },
        {},
      ],
    });
  });

  it('has the step limit of a turn, and answers in the last of its calls', async () => {
    const looking: Model = {
      ...stepping('inner', []).model,
      async *stream({ toolChoice }) {
        yield toolChoice === 'none' ? text('That is all.') : call('look');
        yield finish;
      },
    };
    const { subagents, runs } = subagent(looking);
    const { events } = await ran(asking().model, { subagents, settings: { MIDTURN_MAX_STEPS: '4' } });
    expect(runs).toHaveLength(3);
    expect(resultOf(events).shown).toMatchObject({ value: 'That is all.' });
  });

  it('that fails is an error for the model that asked; its fallback model answers if it has one', async () => {
    const failing = stepping('inner', [[broken]]).model;
    const { events } = await ran(asking().model, subagent(failing));
    expect(resultOf(events)).toMatchObject({ is_error: true, output: expect.stringContaining('No.') });
    expect(events.at(-1)?.type).toBe('done');
    const fallback = stepping('second', [[text('Here.')]]).model;
    const saved = await ran(asking().model, subagent(failing, { fallback }));
    expect(resultOf(saved.events).shown).toMatchObject({ value: 'Here.' });
  });

  it('P3: whose answer pauses goes on in the next call, and its texts are one', async () => {
    const pausing: Model = {
      ...stepping('inner', []).model,
      async *stream({ messages }) {
        const isPaused = messages.length === 1;
        yield text(isPaused ? 'One ' : 'two.');
        yield { ...finish, reason: isPaused ? 'paused' : 'stop' };
      },
    };
    const { events } = await ran(asking().model, subagent(pausing));
    expect(resultOf(events).shown).toMatchObject({ value: 'One two.' });
  });

  it('that fails leaves nothing of what it was asked in the log, whatever its provider quotes', async () => {
    const logged: unknown[] = [];
    const note = (...line: unknown[]) => void logged.push(line);
    const log: Core['log'] = { info: note, warn: note, error: note, with: () => log };
    const quoting: Model = {
      ...stepping('inner', []).model,
      async *stream({ messages }) {
        yield { ...broken, failure: { ...broken.failure, diagnostic: `400: ${JSON.stringify(messages)}` } };
      },
    };
    const secret = 'The code is 5512-8841-7703.';
    const { subagents } = subagent(quoting);
    const ask = subagents?.get('ask');
    if (!ask) throw new Error('no agent');
    const asked = { ...ask, promptOf: async () => ({ prompt: secret }) };
    await ran(asking().model, { subagents: new Map([['ask', asked]]), core: { log } });
    expect(JSON.stringify(logged)).toContain('model call of a subagent failed');
    expect(JSON.stringify(logged)).not.toContain('5512-8841-7703');
  });
});

describe('several calls that ask agents', () => {
  it('run at the same time, and what each uses is counted', async () => {
    const inner = researcher();
    const outer = stepping('outer', [
      [call('ask', { n: 1 }, 'a'), call('ask', { n: 2 }, 'b')],
      [text('?')],
      [text('Both.')],
    ]);
    const { subagents, runs } = subagent(inner.model);
    const { turn, events } = await ran(outer.model, { subagents, budgeting: UNREACHED });
    expect(events.filter(({ type }) => type === 'tool_result')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: 'done', steps: 2, input_tokens: 80, output_tokens: 40 });
    expect(await spendOf(turn)).toMatchObject({ tokens: 8 * TOKENS, nano: 8 * NANO });
    // Each run has its own keys, for the same calls.
    expect(new Set(runs.map(({ key }) => key)).size).toBe(4);
  });
});

describe('a message with `delivery: now`', () => {
  it('stops an agent whose tool is abortable, and the model that asked sees what it had said', async () => {
    let turn: TurnInMemory | undefined;
    const talking: Model = {
      ...stepping('inner', []).model,
      async *stream(_request, signal) {
        yield text('So far so good.');
        await turn?.send('m2', 'Now this.', { delivery: 'now' });
        while (!signal.aborted) await new Promise(setImmediate);
      },
    };
    const outer = asking();
    turn = await turnInMemory(outer.model, {
      ...subagent(talking),
      toolbox: { ...own, isAbortable: () => true },
      worker: { maxToolMs: milliseconds(10_000) },
      core: { clock: systemClock },
    });
    await turn.send('m1', 'go');
    await turn.run();
    const result = resultOf(await eventsOf(turn));
    expect(result).not.toHaveProperty('is_error');
    expect(result.shown).toMatchObject({ value: expect.stringMatching(/stopped.*So far so good\./) });
    expect(JSON.stringify(outer.requests[1]?.messages)).toContain('Now this.');
  });
});

describe('what an agent uses that a tool asks', () => {
  it('counts in the turn’s usage, by model, and against budgets, and is no step of the turn', async () => {
    const { turn, events } = await ran(asking().model, {
      ...subagent(researcher().model),
      budgeting: UNREACHED,
    });
    expect(events.at(-1)).toMatchObject({
      type: 'done',
      model: 'outer',
      steps: 2,
      input_tokens: 50,
      output_tokens: 25,
      cost: (5 * NANO) / 1e9,
      by_model: [
        { model: 'inner', steps: 3, input_tokens: 30, cost: (3 * NANO) / 1e9 },
        { model: 'outer', steps: 2, input_tokens: 20 },
      ],
    });
    expect(await spendOf(turn)).toMatchObject({ turns: 1, tokens: 5 * TOKENS, nano: 5 * NANO });
  });

  it('P8: is counted once, wherever a worker dies. What is lost is a call in which it dies', async () => {
    const run = async (dies: number, toolbox: Toolbox) => {
      const made = { finished: 0, before: 0, durable: 0 };
      let writes = 0;
      let hasBegun = false;
      let hasDied = false;
      let isTakenOver = false;
      const table = new MemoryTable();
      const ended = () => {
        made.finished += 1;
      };
      const store = memoryStore(table, async (access, perform) => {
        if (!hasBegun || !isWrite(access)) return perform();
        if (++writes === dies) {
          hasDied = true;
          throw new Error('the worker dies');
        }
        const written = perform();
        const n = table.get(laneKey(turn.session, turn.lane))?.usage?.spend?.n ?? 0;
        if (!isTakenOver) made.durable = Math.max(made.durable, n);
        return written;
      });
      const { subagents, runs } = subagent(researcher(ended).model);
      const turn = await turnInMemory(asking(ended).model, {
        toolbox,
        subagents,
        budgeting: UNREACHED,
        worker: { maxToolMs: milliseconds(10_000) },
        core: { store, clock: systemClock },
        onDelivery: () => {
          if (!hasDied || isTakenOver) return;
          isTakenOver = true;
          made.before = made.finished;
        },
      });
      await turn.send('m1', 'go');
      hasBegun = true;
      expect(await turn.run()).toBeDefined();
      return { made, runs, writes, events: await eventsOf(turn), spend: await spendOf(turn) };
    };
    for (const toolbox of [own, idempotent]) {
      const { writes } = await run(0, toolbox);
      expect(writes).toBeGreaterThan(10);
      let restarts = 0;
      for (let dies = 1; dies <= writes; dies++) {
        const { made, runs, events, spend } = await run(dies, toolbox);
        const done = events.at(-1);
        const results = events.filter(({ type }) => type === 'tool_result');
        expect(results, `write ${dies}`).toHaveLength(1);
        const lost = made.finished - (spend?.tokens ?? 0) / TOKENS;
        expect(lost, `write ${dies}`).toBe(made.before > made.durable ? 1 : 0);
        if (done?.type !== 'done') throw new Error(`write ${dies}: ${done?.type}`);
        // What a worker counted that died before it stored the turn's end is in both.
        expect(done.input_tokens + done.output_tokens, `write ${dies}`).toBe(spend?.tokens);
        const [result] = results;
        const isUnknown = result?.type === 'tool_result' && result.is_error === true;
        // The same calls have the same keys where the agent is asked again.
        if (!isUnknown) expect(new Set(runs.map(({ key }) => key)).size).toBe(2);
        if (toolbox === idempotent) expect(isUnknown).toBe(false);
        if (isUnknown || runs.length > 2) restarts += 1;
      }
      expect(restarts).toBeGreaterThan(0);
    }
  });

  it('is at most one call more than a budget has: the next one is refused, and the turn ends', async () => {
    const inner = researcher();
    const { turn, events } = await ran(asking().model, {
      ...subagent(inner.model),
      budgeting: budgeting({ tokens: 2 * TOKENS }),
    });
    expect(inner.requests).toHaveLength(1);
    expect(resultOf(events)).toMatchObject({ is_error: true });
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'BUDGET_EXCEEDED' });
    expect(await spendOf(turn)).toMatchObject({ tokens: 2 * TOKENS });
  });

  it.each(['the turn is stopped', 'its time is over'])(
    'of a call that is cut because %s is estimated by what was asked and said',
    async (why) => {
      let turn: TurnInMemory | undefined;
      const talking: Model = {
        ...stepping('inner', []).model,
        async *stream(_request, signal) {
          yield text('x'.repeat(4000));
          if (why === 'the turn is stopped') await turn?.abort();
          while (!signal.aborted) await new Promise(setImmediate);
        },
      };
      const limited: Toolbox = {
        ...own,
        timeLimitMs: () => milliseconds(why === 'its time is over' ? 50 : 10_000),
      };
      turn = await turnInMemory(asking().model, {
        ...subagent(talking),
        toolbox: limited,
        budgeting: UNREACHED,
        worker: { maxToolMs: milliseconds(10_000) },
        core: { clock: systemClock },
      });
      await turn.send('m1', 'go');
      await turn.run();
      const events = await eventsOf(turn);
      expect(resultOf(events)).toMatchObject({ is_error: true });
      expect(events.at(-1)?.type).toBe(why === 'the turn is stopped' ? 'aborted' : 'done');
      const { tokens = 0 } = (await spendOf(turn)) ?? {};
      // Of the first call of the turn; 1,000 of what was said; and the turn's last call where there is one.
      expect(tokens).toBeGreaterThanOrEqual(TOKENS + 1000);
      expect(tokens).toBeLessThan(2 * TOKENS + 1100);
    },
  );
});
