import { describe, expect, it } from 'vitest';
import type { Budgets } from '../../config/settings/budgets.ts';
import { epochMs } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import { asMessageId } from '../ids.ts';
import type { Budgeting, Model, ModelPart, Price } from '../model.ts';
import { deleteSession } from '../session/deletion.ts';
import { dayOf, nextDay, readSpend } from '../session/spend.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, messageKey, principalSpendKey, sessionKey } from '../store/keys.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore, type StoreCall } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

const PRICE: Price = { currency: 'USD', input: 1, output: 2 };
/** What each finished call uses: 15 tokens, 20 millionths of a dollar. */
const USAGE = { inputTokens: 10, outputTokens: 5 };
const [TOKENS, NANO] = [15, 20_000];

const budgeting = (budgets: Partial<Budgets>): Budgeting => ({
  holders: ['principal', 'tenant'],
  of: async () => ({ principal: {}, tenant: {}, ...budgets }),
});
const UNREACHED = budgeting({ principal: { tokens: 1e9 } });

const finish = (reason = 'stop'): ModelPart => ({ type: 'finish', reason, usage: USAGE });

/** Calls a tool in each step but the last, and counts its finished calls. */
function stepping(steps: number, price: Price | 'none' = PRICE) {
  const made = { calls: 0, finished: 0 };
  const model: Model = {
    provider: 'test',
    name: 'm',
    ...(price !== 'none' && { price }),
    async *stream({ messages }) {
      made.calls += 1;
      const results = messages.filter(({ role }) => role === 'tool').length;
      yield { type: 'text', text: `${results}.` };
      if (results + 1 < steps) yield { type: 'tool_call', id: `c${results}`, name: 't', args: {} };
      made.finished += 1;
      yield finish(results + 1 < steps ? 'tool_calls' : 'stop');
    },
  };
  return { model, made };
}

/** Is stopped after 100 tokens. @param after what it still gives before it goes on until its signal */
const stopped = (stop: () => Promise<unknown>, after: readonly ModelPart[] = []): Model => ({
  provider: 'test',
  name: 'm',
  price: PRICE,
  async *stream(_request, signal) {
    yield { type: 'text', text: 'x'.repeat(400) };
    await stop();
    yield* after;
    yield { type: 'text', text: 'y' };
    while (!signal.aborted) await Promise.resolve();
  },
});

const spendOf = ({ core, session }: TurnInMemory) =>
  core.store.get(principalSpendKey(session, dayOf(core.clock.now())));
const eventsOf = async ({ core, session }: TurnInMemory) => readEvents(core, session, 1);
const outcomeOf = ({ core, session }: TurnInMemory, id: string) =>
  core.store.get(messageKey(session, asMessageId(id)));

describe('what a turn uses', () => {
  it('is counted: the turn once, and the tokens and the price of each call', async () => {
    const { model } = stepping(3);
    const turn = await turnInMemory(model, {
      budgeting: budgeting({ principal: { turns: 9 }, tenant: { cost: 5 } }),
    });
    await turn.send('m1', 'go');
    await turn.run();
    const used = { turns: 1, tokens: 3 * TOKENS, nano: 3 * NANO };
    expect(await spendOf(turn)).toMatchObject(used);
    const { core, session } = turn;
    expect(await readSpend(core, session, 'tenant', dayOf(core.clock.now()))).toEqual(used);
  });

  it('costs one write a step, and neither a read nor a write where nobody has a budget', async () => {
    const accesses = async (given?: Budgeting) => {
      const calls: StoreCall[] = [];
      const store = memoryStore(new MemoryTable(), async (call, run) => {
        calls.push(call);
        return run();
      });
      const turn = await turnInMemory(stepping(3).model, { budgeting: given, core: { store } });
      await turn.send('m1', 'first');
      await turn.run();
      calls.length = 0;
      await turn.send('m2', 'second');
      await turn.run();
      return calls.filter(({ key }) => key.pk.startsWith('SPEND#')).map(({ operation }) => operation);
    };
    expect(await accesses()).toEqual([]);
    // In the prompt of the second turn the results of the first are there: it has one step.
    expect(
      (await accesses(UNREACHED)).filter((operation) => operation !== 'get' && operation !== 'query'),
    ).toEqual(['update']);
  });

  it('P8: is counted once, wherever a worker dies. What is lost is a call in which it dies', async () => {
    const run = async (dies: number, takesEffect: boolean) => {
      const { model, made } = stepping(3);
      let writes = 0;
      let died: StoreCall | undefined;
      let begun = false;
      /** Calls of the worker that died, and those of them whose use was durable. */
      const ended = { all: 0, durable: 0 };
      let isTakenOver = false;
      const table = new MemoryTable();
      const noteDurable = () => {
        const { usage } = table.get(laneKey(turn.session, turn.lane)) ?? {};
        if (!isTakenOver) ended.durable = Math.max(ended.durable, usage?.spend?.n ?? 0);
      };
      const store = memoryStore(table, async (call, perform) => {
        if (!begun || !isWrite(call)) return perform();
        if (++writes !== dies) {
          const written = perform();
          noteDurable();
          return written;
        }
        if (takesEffect) perform();
        noteDurable();
        died = call;
        throw new Error('the worker dies');
      });
      const turn = await turnInMemory(model, {
        budgeting: UNREACHED,
        core: { store },
        onDelivery: () => {
          if (!died || isTakenOver) return;
          isTakenOver = true;
          ended.all = made.finished;
        },
      });
      await turn.send('m1', 'go');
      begun = true;
      expect(await turn.run()).toBeDefined();
      return { made, ended, died, writes, spend: await spendOf(turn), last: (await eventsOf(turn)).at(-1) };
    };
    const { writes } = await run(0, false);
    expect(writes).toBeGreaterThan(10);
    let losses = 0;
    for (let dies = 1; dies <= writes; dies++) {
      for (const takesEffect of [true, false]) {
        const { made, ended, died, spend, last } = await run(dies, takesEffect);
        const what = `write ${dies} ${died?.operation} ${died?.key.pk} ${died?.key.sk} ${takesEffect}`;
        expect(last?.type, what).toBe('done');
        const lost = made.finished - (spend?.tokens ?? 0) / TOKENS;
        // What a call used that had ended is not stored, and the model is asked again.
        expect(lost, what).toBe(ended.all > ended.durable ? 1 : 0);
        losses += lost;
        expect(spend?.turns, what).toBe(1);
        expect(spend?.nano).toBe(((spend?.tokens ?? 0) / TOKENS) * NANO);
      }
    }
    // Of each of the three calls, before its commit takes effect.
    expect(losses).toBeGreaterThanOrEqual(3);
  });

  it('of a call that was stopped is estimated by its prompt and by what it gave', async () => {
    let turn: TurnInMemory;
    const model = stopped(() => turn.abort());
    turn = await turnInMemory(model, { budgeting: UNREACHED });
    await turn.send('m1', 'z'.repeat(4000));
    await turn.run();
    expect((await eventsOf(turn)).at(-1)?.type).toBe('aborted');
    const spend = await spendOf(turn);
    expect(spend?.turns).toBe(1);
    // A prompt of 1,000 tokens, and an answer of 100.
    expect(spend?.tokens).toBeGreaterThanOrEqual(1100);
    expect(spend?.tokens).toBeLessThan(1200);
    expect(spend?.nano).toBeGreaterThan(1_100_000);
  });

  it.each<[string, boolean]>([
    ['while it streams', false],
    ['with its last word', true],
  ])('of a call whose session is deleted %s is estimated, and counted once', async (_when, finishes) => {
    let turn: TurnInMemory;
    const last: ModelPart = {
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: 1000, outputTokens: 100 },
    };
    const model = stopped(() => deleteSession(turn.core, turn.session), finishes ? [last] : []);
    const queues = { ...recordingPorts().queues, sendDeletion: async () => {} };
    turn = await turnInMemory(model, { budgeting: UNREACHED, core: { queues } });
    await turn.send('m1', 'z'.repeat(4000));
    const slot = (await turn.read())?.slot;
    await turn.run(slot);
    const spend = await spendOf(turn);
    expect(spend?.turns).toBe(1);
    expect(spend?.tokens).toBeGreaterThanOrEqual(1100);
    expect(spend?.tokens).toBeLessThan(1200);
  });

  it('of a call is left to the worker that goes on with the turn, while its session is being deleted', async () => {
    let turn: TurnInMemory;
    const model: Model = {
      provider: 'test',
      name: 'm',
      async *stream(_request, signal) {
        yield { type: 'text', text: 'x' };
        const { core, session, lane } = turn;
        const item = (await core.store.get(sessionKey(session))) as Session;
        await core.store.put(sessionKey(session), { ...item, deleted: core.clock.now() });
        await core.store.put(laneKey(session, lane), {
          ...((await turn.read()) as Lane),
          lease: 'another one',
        });
        yield { type: 'text', text: 'y' };
        while (!signal.aborted) await Promise.resolve();
      },
    };
    turn = await turnInMemory(model, { budgeting: UNREACHED });
    await turn.send('m1', 'go');
    await turn.run();
    expect(await spendOf(turn)).toBeUndefined();
  });

  it('of a call that a provider refused is nothing', async () => {
    const model: Model = {
      provider: 'test',
      name: 'm',
      async *stream() {
        yield {
          type: 'failure',
          failure: {
            code: 'AUTH_ERROR',
            reason: 'unauthorised',
            message: 'No.',
            retryable: false,
            diagnostic: '',
          },
        };
      },
    };
    const turn = await turnInMemory(model, { budgeting: UNREACHED });
    await turn.send('m1', 'go');
    await turn.run();
    expect(await spendOf(turn)).toBeUndefined();
  });
});

describe('a spent budget', () => {
  it.each<[string, Partial<Budgets>]>([
    ['turns', { principal: { turns: 1 } }],
    ['tokens', { principal: { tokens: TOKENS } }],
    ['money', { principal: { cost: NANO / 1e9 } }],
    ['turns of the tenant', { tenant: { turns: 1 } }],
    ['tokens of the tenant', { tenant: { tokens: 1 } }],
    ['money of the tenant', { tenant: { cost: 0.000001 } }],
  ])(
    'P2: of %s refuses a message before a model call, says when it ends, and leaves no trace',
    async (_what, budgets) => {
      const { model, made } = stepping(1);
      const turn = await turnInMemory(model, { budgeting: budgeting(budgets) });
      await turn.send('m1', 'go');
      await turn.run();
      const before = await eventsOf(turn);
      expect(before.at(-1)?.type).toBe('done');
      await turn.send('m2', 'more');
      await turn.run();
      expect(made.calls).toBe(1);
      expect(await eventsOf(turn)).toEqual(before);
      expect(await outcomeOf(turn, 'm2')).toMatchObject({
        outcome: 'withdrawn',
        code: 'BUDGET_EXCEEDED',
        until: nextDay(turn.core.clock.now()),
      });
      expect((await turn.read())?.turn).toBeUndefined();
    },
  );

  it('P3, P13: ends a turn at a boundary: what was said stays, tools have their results, what is pending is told', async () => {
    const { model, made } = stepping(3);
    let turn: TurnInMemory;
    const toolbox = {
      ...idleToolbox,
      async run() {
        await turn.send('m2', 'and this');
        return { output: 'ran', isError: false };
      },
    };
    turn = await turnInMemory(model, { budgeting: budgeting({ principal: { tokens: TOKENS } }), toolbox });
    await turn.send('m1', 'go');
    await turn.run();
    expect(made.calls).toBe(1);
    const events = await eventsOf(turn);
    expect(events.map(({ type }) => type)).toEqual([
      'turn_start',
      'applied',
      'chunk',
      'tool_call',
      'tool_result',
      'error',
    ]);
    expect(events.at(-1)).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      retryable: true,
      until: nextDay(turn.core.clock.now()),
    });
    expect(await outcomeOf(turn, 'm2')).toMatchObject({ outcome: 'withdrawn', code: 'BUDGET_EXCEEDED' });
  });

  it('P7: lets an answer be one: what comes in after it is told, and the turn is done', async () => {
    let turn: TurnInMemory;
    const model: Model = {
      provider: 'test',
      name: 'm',
      async *stream() {
        yield { type: 'text', text: 'An answer.' };
        await turn.send('m2', 'and this');
        yield finish();
      },
    };
    turn = await turnInMemory(model, { budgeting: budgeting({ principal: { tokens: TOKENS } }) });
    await turn.send('m1', 'go');
    await turn.run();
    const events = await eventsOf(turn);
    expect(events.at(-1)).toMatchObject({ type: 'done', steps: 1 });
    expect(await outcomeOf(turn, 'm2')).toMatchObject({ outcome: 'withdrawn', code: 'BUDGET_EXCEEDED' });
  });

  it('of turns does not end the turn that is the last one', async () => {
    const { model } = stepping(3);
    const turn = await turnInMemory(model, { budgeting: budgeting({ principal: { turns: 1 } }) });
    await turn.send('m1', 'go');
    await turn.run();
    expect((await eventsOf(turn)).at(-1)).toMatchObject({ type: 'done', steps: 3 });
  });

  it('is whole again on the next day', async () => {
    let now = epochMs(Date.UTC(2026, 10, 30, 23, 59));
    const clock = { now: () => now, sleep: async () => {} };
    const turn = await turnInMemory(stepping(1).model, {
      budgeting: budgeting({ principal: { turns: 1 } }),
      core: { clock },
    });
    await turn.send('m1', 'go');
    await turn.run();
    await turn.send('m2', 'more');
    await turn.run();
    expect(await outcomeOf(turn, 'm2')).toMatchObject({ until: Date.UTC(2026, 11, 1) });
    now = epochMs(Date.UTC(2026, 11, 1));
    await turn.send('m3', 'good morning');
    await turn.run();
    expect(await outcomeOf(turn, 'm3')).toMatchObject({ outcome: 'taken' });
    expect(await spendOf(turn)).toMatchObject({ turns: 1 });
  });
});

describe('a turn that goes on over midnight', () => {
  it.each<[string, Partial<Budgets>]>([
    ['a principal', { principal: { tokens: TOKENS } }],
    ['a tenant', { tenant: { tokens: TOKENS } }],
  ])('uses what %s has for the new day', async (_who, budgets) => {
    let now = epochMs(Date.UTC(2026, 10, 30, 23, 59));
    const turn = await turnInMemory(stepping(2).model, {
      budgeting: budgeting(budgets),
      core: { clock: { now: () => now, sleep: async () => {} } },
      toolbox: {
        ...idleToolbox,
        async run() {
          now = epochMs(Date.UTC(2026, 11, 1));
          return { output: 'ran', isError: false };
        },
      },
    });
    await turn.send('m1', 'go');
    await turn.run();
    expect((await eventsOf(turn)).at(-1)).toMatchObject({ type: 'done', steps: 2 });
  });
});

describe('a budget that nobody can tell', () => {
  it.each<[string, Budgeting, Price | 'none']>([
    [
      'since the agent’s code throws',
      { holders: ['principal'], of: () => Promise.reject(new Error('no')) },
      PRICE,
    ],
    ['since the model has no price', budgeting({ principal: { cost: 1 } }), 'none'],
  ])('%s refuses the message: nothing is used without a limit', async (_why, given, price) => {
    const { model, made } = stepping(1, price);
    const turn = await turnInMemory(model, { budgeting: given });
    await turn.send('m1', 'go');
    await turn.run();
    expect(made.calls).toBe(0);
    expect(await outcomeOf(turn, 'm1')).toMatchObject({ outcome: 'withdrawn', code: 'AGENT_ERROR' });
  });
});
