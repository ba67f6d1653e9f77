import { expect, it } from 'vitest';
import { readEvents } from '../events/journal.ts';
import { asMessageId, asSessionId } from '../ids.ts';
import type { Budgeting, Caller, Model, ModelPart } from '../model.ts';
import { countSpend, dayOf } from '../session/spend.ts';
import { messageKey, principalSpendKey, sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

/** Whose budgets the agent's code is asked for, and what counts where it gives no answer. */

const PRICE = { currency: 'USD', input: 1, output: 2 };
const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 10, outputTokens: 5 } };

/** Calls a tool once. */
const calling = (more: Partial<Model> = {}): Model & { calls: number } => {
  const model = {
    provider: 'test',
    name: 'm',
    price: PRICE,
    calls: 0,
    async *stream({ messages }: Parameters<Model['stream']>[0]): AsyncGenerator<ModelPart> {
      model.calls += 1;
      if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'So.' };
      else yield { type: 'tool_call', id: 'c', name: 'tool', args: {} };
      yield finish;
    },
    ...more,
  };
  return model;
};
const spentBy = ({ core, session }: TurnInMemory) =>
  core.store.get(principalSpendKey(session, dayOf(core.clock.now())));

it('the agent’s code is asked with the claims of the message that begins the turn, before it begins and after', async () => {
  const asked: Pick<Caller, 'principal' | 'claims'>[] = [];
  const budgeting: Budgeting = {
    holders: ['principal'],
    of: async (who) => {
      asked.push(who);
      return { principal: { tokens: who.claims.plan === 'pro' ? 1e9 : 0 }, tenant: {} };
    },
  };
  for (const plan of ['pro', 'free']) {
    const model = calling();
    const turn = await turnInMemory(model, { budgeting, connection: { claims: JSON.stringify({ plan }) } });
    await turn.send('m', 'hello');
    await turn.run();
    expect(model.calls).toBe(plan === 'pro' ? 2 : 0);
    for (const who of asked.splice(0))
      expect(who).toEqual({ principal: { tenant: 'acme', subject: 'ann' }, claims: { plan } });
  }
});

it('P8: what a dead worker has not counted is counted by the next one, also where the agent’s code cannot say who has a budget', async () => {
  let isDead = false;
  const budgeting: Budgeting = {
    holders: ['principal', 'tenant'],
    of: async () => {
      if (isDead) throw new Error('no');
      return { principal: { tokens: 1e9 }, tenant: { tokens: 1e9 } };
    },
  };
  const store = memoryStore(new MemoryTable(), async (access, perform) => {
    if (!isDead && isWrite(access) && access.key.pk.startsWith('SPEND#')) {
      isDead = true;
      throw new Error('the worker dies');
    }
    return perform();
  });
  const turn = await turnInMemory(calling(), { budgeting, core: { store } });
  await turn.send('m', 'hello');
  await turn.run();
  expect(await spentBy(turn)).toMatchObject({ turns: 1, tokens: 15 });
  // Without its budget the turn does not go on.
  expect((await readEvents(turn.core, turn.session, 1)).at(-1)).toMatchObject({
    type: 'error',
    code: 'AGENT_ERROR',
  });
});

it('a budget of the tenant that another session has spent meanwhile ends the turn at its next step', async () => {
  const model = calling();
  const counted: string[] = [];
  const turn: TurnInMemory = await turnInMemory(model, {
    core: {
      metrics: {
        ...memoryCore().metrics,
        countBy: (metric, part) => void (metric === 'BudgetRefusals' && counted.push(part)),
      },
    },
    budgeting: { holders: ['tenant'], of: async () => ({ principal: {}, tenant: { tokens: 1000 } }) },
    toolbox: {
      ...idleToolbox,
      async run() {
        const { core } = turn;
        const other = sessionOf({ tenant: 'acme', subject: 'bob' }, asSessionId('other'));
        const owed = { day: dayOf(core.clock.now()), turns: 1, tokens: 990, nano: 0 };
        await countSpend(core, other, 'tenant', { mark: 1, owed });
        return { output: 'ran', isError: false };
      },
    },
  });
  await turn.send('m', 'hello');
  await turn.run();
  expect(model.calls).toBe(1);
  expect(counted).toEqual(['tenant tokens']);
  expect((await readEvents(turn.core, turn.session, 1)).at(-1)).toMatchObject({
    type: 'error',
    code: 'BUDGET_EXCEEDED',
  });
});

it('a budget of money lets no call be made of a model without a price that the agent’s code names for a step', async () => {
  const { price: _, ...free } = calling({ name: 'free' });
  const named = free as Model;
  let made = 0;
  const { stream } = named;
  const counted: Model = {
    ...named,
    stream(...args) {
      made++;
      return stream.apply(named, args);
    },
  };
  const model: Model = {
    ...calling(),
    prepareStep: async (_request, requestFor) => ({ model: counted, request: requestFor(counted) }),
  };
  for (const [budget, calls] of [
    [{ cost: 5 }, 0],
    [{ tokens: 1e9 }, 2],
  ] as const) {
    const turn = await turnInMemory(model, {
      budgeting: { holders: ['principal'], of: async () => ({ principal: budget, tenant: {} }) },
    });
    await turn.send('m', 'hello');
    await turn.run();
    const last = (await readEvents(turn.core, turn.session, 1)).at(-1);
    expect([made, last?.type]).toEqual([calls, calls === 0 ? 'error' : 'done']);
    if (calls === 0) expect(last).toMatchObject({ code: 'AGENT_ERROR', retryable: false });
    expect(await turn.core.store.get(messageKey(turn.session, asMessageId('m')))).toMatchObject({
      outcome: 'taken',
    });
  }
});
