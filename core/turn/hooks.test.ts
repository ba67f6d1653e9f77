import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { textOfBytes } from '../../test/support/text.ts';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import type { EndedTurn, Hooks } from '../hooks.ts';
import type { Model, ModelPart, ToolCall } from '../model.ts';
import { sessionKey } from '../store/keys.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';

/** What hooks are asked and told, and how long they and the tools may take. Their answers: test/agents/hooks.test.ts. */

const MAX_MS = 60_000;
const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const look: ModelPart = { type: 'tool_call', id: 'c', name: 'look', args: { n: 1 } };
const never = () => new Promise<never>(() => {});

/** Calls a tool, and answers. */
const calling = (during: (signal: AbortSignal) => unknown = () => {}): Model => ({
  provider: 'test',
  name: 'calls',
  async *stream({ messages }, signal) {
    if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'So.' };
    else yield look;
    await during(signal);
    yield finish;
  },
});

async function ran(hooks: Partial<Hooks>, given: Parameters<typeof turnInMemory>[1] = {}, model = calling()) {
  const clock = virtualClock();
  const counted: string[] = [];
  const metrics: Core['metrics'] = {
    count() {},
    countBy: (name, part) => void counted.push(`${name} ${part}`),
    time() {},
  };
  const turn = await turnInMemory(model, {
    hooks: { limitMs: () => milliseconds(MAX_MS), ...hooks },
    worker: { maxToolMs: milliseconds(MAX_MS), ...given.worker },
    ...given,
    core: { clock, metrics, ...given.core },
  });
  await turn.send('m1', 'hello');
  expect(await turn.run()).toBeDefined();
  const events = await readEvents(turn.core, turn.session, 1);
  return { turn, clock, counted, events, result: events.find((event) => event.type === 'tool_result') };
}

const reasonOf = (events: Awaited<ReturnType<typeof ran>>['events']) => {
  const last = events.at(-1);
  return last?.type === 'error' ? last.message : undefined;
};

describe('beforeTurn', () => {
  it('is asked about each message once, under a key of its own, and is told which ones steer', async () => {
    const asked: unknown[] = [];
    const keys = new Set<string>();
    let turn: TurnInMemory;
    const hooks: Partial<Hooks> = {
      async beforeTurn({ messages, steering }, { idempotencyKey }) {
        asked.push([messages.map(({ id }) => id), steering]);
        keys.add(idempotencyKey);
        return undefined;
      },
    };
    const model = calling();
    const { stream } = model;
    let calls = 0;
    model.stream = async function* (...args) {
      if (++calls === 1) for (const id of ['m2', 'm3']) await turn.send(id, `words of ${id}`);
      yield* stream(...args);
    };
    turn = await turnInMemory(model, { hooks: { limitMs: () => milliseconds(MAX_MS), ...hooks } });
    await turn.send('m1', 'hello');
    await turn.run();
    expect(asked).toEqual([
      [['m1'], false],
      [['m2', 'm3'], true],
    ]);
    expect(keys.size).toBe(2);
  });

  it('P14: an abort while it is asked ends the turn, and no model is called', async () => {
    let calls = 0;
    let turn: TurnInMemory;
    const hooks: Hooks = {
      limitMs: () => milliseconds(MAX_MS),
      async beforeTurn() {
        await turn.abort();
        return undefined;
      },
    };
    turn = await turnInMemory(
      calling(() => calls++),
      { hooks, core: { clock: virtualClock() } },
    );
    await turn.send('m1', 'hello');
    await turn.run();
    expect((await readEvents(turn.core, turn.session, 1)).at(-1)?.type).toBe('aborted');
    expect(calls).toBe(0);
  });

  it('P2: that takes longer than its limit ends the turn, and its messages are in no prompt', async () => {
    let calls = 0;
    const { events, counted, clock } = await ran(
      { limitMs: (hook) => milliseconds(hook === 'beforeTurn' ? 1234 : MAX_MS), beforeTurn: never },
      {},
      calling(() => calls++),
    );
    expect(clock.now() - virtualClock().now()).toBe(1234);
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      code: 'HOOK_FAILED',
      message: 'The agent could not check this message.',
      retryable: true,
      refused: ['m1'],
    });
    expect(counted).toContain('HookFailures beforeTurn');
    expect(calls).toBe(0);
  });

  it.each(['x', 'é', '€', '😀'])(
    'that refuses has 2,000 bytes for its reason, in whole characters: of %s',
    async (unit) => {
      for (const bytes of [1999, 2000, 2001, 5000]) {
        const refuse = textOfBytes(bytes, unit);
        const { events, counted } = await ran({ beforeTurn: async () => ({ refuse: ` \n${refuse} ` }) });
        expect(counted).toContain('HookRefusals beforeTurn');
        const reason = reasonOf(events) ?? '';
        expect(refuse.startsWith(reason)).toBe(true);
        if (bytes <= 2000) expect(reason).toBe(refuse);
        else expect(Buffer.byteLength(reason)).toBeGreaterThan(2000 - 4);
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(2000);
      }
    },
  );
});

describe('the hooks around a call', () => {
  it('say why they refuse, once each, and a reason may be missing', async () => {
    const before = await ran({ beforeToolCall: async () => ({ refuse: ' ' }) });
    expect(before.result).toMatchObject({
      is_error: true,
      output: 'Not run: the agent does not allow this call.',
    });
    expect(before.counted.filter((one) => one.startsWith('Hook'))).toEqual(['HookRefusals beforeToolCall']);
    const after = await ran({ afterToolCall: async () => ({ refuse: 'A secret.' }) });
    expect(after.result).toMatchObject({
      is_error: true,
      output: 'Withheld: the tool was run, and the agent does not allow its output. A secret.',
    });
    expect(after.counted.filter((one) => one.startsWith('Hook'))).toEqual(['HookRefusals afterToolCall']);
  });

  it('that take too long are told so, and one that answers in time is not', async () => {
    const signals: AbortSignal[] = [];
    const { turn } = await ran({
      limitMs: (hook) => milliseconds(hook === 'beforeToolCall' ? 1000 : MAX_MS),
      beforeToolCall: (_call, { signal }) => {
        signals.push(signal);
        return never();
      },
      afterStep: async (_step, _number, { signal }) => void signals.push(signal),
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false]);
    expect(turn).toBeDefined();
  });

  it('P13: what one changes is stored and run with whole characters', async () => {
    const runs: ToolCall[] = [];
    const { events } = await ran(
      { beforeToolCall: async () => ({ args: { 'half \ud83d': ['\ude00'] } }) },
      {
        toolbox: {
          ...idleToolbox,
          async run(call) {
            runs.push(call);
            return { output: null, isError: false };
          },
        },
      },
    );
    const stored = events.find((event) => event.type === 'tool_call');
    expect(stored?.args).toEqual({ 'half \ufffd': ['\ufffd'] });
    expect(runs).toMatchObject([{ args: stored?.args }]);
  });

  it('P11: a tool and the hook after it take no longer than a tool may: the hook has at most half of it', async () => {
    const toolMs = MAX_MS / 2;
    const began = virtualClock().now();
    const slow = await ran(
      { afterToolCall: never },
      {
        toolbox: { ...idleToolbox, timeLimitMs: () => milliseconds(10 * MAX_MS), run: never },
      },
    );
    expect(slow.clock.now() - began).toBe(toolMs);
    expect(slow.result).toMatchObject({ is_error: true });
    const quick = await ran(
      { afterToolCall: never },
      { toolbox: { ...idleToolbox, timeLimitMs: () => milliseconds(MAX_MS) } },
    );
    expect(quick.clock.now() - began).toBe(MAX_MS / 2);
    expect(quick.result).toMatchObject({ is_error: true, output: expect.stringContaining('Withheld') });
    expect(quick.counted).toContain('HookFailures afterToolCall');
    // Without a hook the tool has all of it.
    const alone = await ran(
      {},
      {
        toolbox: { ...idleToolbox, timeLimitMs: () => milliseconds(10 * MAX_MS), run: never },
      },
    );
    expect(alone.clock.now() - began).toBe(MAX_MS);
  });

  it('a call that its time limit has stopped passes no hook, and one that a message has stopped does', async () => {
    const asked: string[] = [];
    const hooks: Partial<Hooks> = {
      async afterToolCall(_call, { output }) {
        asked.push(String(output));
        return { output: 'checked', isError: false };
      },
    };
    const limited = { ...idleToolbox, timeLimitMs: () => milliseconds(1000), run: never };
    expect((await ran(hooks, { toolbox: limited })).result?.output).toContain('after 1 s');
    expect(asked).toEqual([]);
    let turn: TurnInMemory | undefined;
    const clock = virtualClock();
    turn = await turnInMemory(calling(), {
      hooks: { limitMs: () => milliseconds(1000), ...hooks },
      worker: { maxToolMs: milliseconds(MAX_MS) },
      core: { clock },
      toolbox: {
        ...idleToolbox,
        isAbortable: () => true,
        timeLimitMs: () => milliseconds(MAX_MS),
        async run(_call, { signal }) {
          await turn?.send('m2', 'Stop that.', { delivery: 'now' });
          await clock.sleep(milliseconds(MAX_MS), signal);
          return { output: 'so far', isError: false };
        },
      },
    });
    await turn.send('m1', 'hello');
    await turn.run();
    const events = await readEvents(turn.core, turn.session, 1);
    expect(asked).toEqual(['so far']);
    expect(events.find(({ type }) => type === 'tool_result')).toMatchObject({ output: 'checked' });
  });
});

describe('afterTurn', () => {
  it('has what is left of its invocation, but for the reserve, and is asked once however late it is', async () => {
    let asked = 0;
    const { turn, clock } = await ran(
      {
        afterTurn: () => {
          asked++;
          return never();
        },
      },
      { worker: { remainingMs: () => milliseconds(10_000), reserveMs: milliseconds(2000) } },
    );
    const began = clock.now();
    expect(await turn.followUp()).toBe(1);
    expect([asked, clock.now() - began]).toEqual([1, 8000]);
  });

  it('has its own limit where more is left', async () => {
    const { turn, clock } = await ran({ limitMs: () => milliseconds(5000), afterTurn: never });
    const began = clock.now();
    expect(await turn.followUp()).toBe(1);
    expect(clock.now() - began).toBe(5000);
  });

  it('P12: is told of no turn whose session was deleted, nor of one that another agent has answered', async () => {
    const told: EndedTurn[] = [];
    const hooks: Partial<Hooks> = {
      async afterTurn(ended) {
        told.push(ended);
      },
    };
    const { turn } = await ran(hooks);
    const item = await turn.core.store.get(sessionKey(turn.session));
    if (!item) throw new Error('no session');
    await turn.core.store.put(sessionKey(turn.session), { ...item, deleted: turn.core.clock.now() });
    expect(await turn.followUp()).toBe(1);
    let isGone = false;
    const all = { limitMs: () => milliseconds(MAX_MS), ...hooks };
    const other = await ran(hooks, {
      worker: {
        agentFor: async () => ({
          model: calling(),
          toolbox: idleToolbox,
          hooks: all,
          ...(isGone && { choice: 'gone' as const }),
        }),
      },
    });
    isGone = true;
    expect(await other.turn.followUp()).toBe(1);
    expect(told).toEqual([]);
  });

  it('is told what was said, in whichever language, where the turn has left the lane and where it has not', async () => {
    const told: EndedTurn[] = [];
    const { turn } = await ran({
      async afterTurn(ended) {
        told.push(ended);
      },
    });
    expect(await turn.followUp()).toBe(1);
    expect(told).toMatchObject([{ outcome: 'done', text: 'So.', steps: 2, model: 'calls' }]);
    expect(told[0]?.messages).toHaveLength(4);
  });

  it('P1: sends no job where nobody is to be told', async () => {
    const { turn } = await ran({});
    expect(await turn.followUp()).toBe(0);
  });
});
