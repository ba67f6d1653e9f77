import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { CallSetup, Model, ModelFailure, ModelPart, ModelRequest, Toolbox } from '../model.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import type { SessionAgent } from './context.ts';

/** How an agent runs that a tool asks: its tries, its tools, and what it is told. What is counted of it: subagent.test.ts. */

const USAGE = { inputTokens: 1, outputTokens: 1 };
const LIMIT_MS = milliseconds(60_000);
const finish = (reason = 'stop'): ModelPart => ({ type: 'finish', reason, usage: USAGE });
const text = (said: string): ModelPart => ({ type: 'text', text: said });
const look = (id: string, n = 1): ModelPart => ({ type: 'tool_call', id, name: 'look', args: { n } });
const failing = (failure: Partial<ModelFailure> = {}): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'throttled',
    message: 'Limited.',
    retryable: true,
    diagnostic: 'scripted',
    ...failure,
  },
});

type Steps = readonly (readonly ModelPart[])[];
interface Given {
  fallback?: Steps;
  served?: Partial<SessionAgent>;
  toolbox?: Partial<Toolbox>;
  more?: Parameters<typeof turnInMemory>[1];
  /** What happens in each model call of the agent, and in each run of its tool. */
  onCall?: (turn: TurnInMemory) => unknown;
  onRun?: (turn: TurnInMemory) => unknown;
}

/** Asks an agent whose model takes these steps one after the other, the last one again and again. */
async function asking(
  own: Steps,
  { fallback, served, toolbox, more, onCall = () => {}, onRun = () => {} }: Given = {},
) {
  const clock = virtualClock();
  const asked: (ModelRequest & { by: string; at: number })[] = [];
  const modelOf = (name: string, all: Steps): Model => ({
    provider: 'test',
    name,
    async *stream(request) {
      const made = asked.filter(({ by }) => by === name).length;
      asked.push({ ...request, messages: [...request.messages], by: name, at: clock.now() });
      await onCall(turn);
      yield* all[made] ?? all.at(-1) ?? [];
    },
  });
  const runs: { key: string; setup: CallSetup }[] = [];
  let running = 0;
  let most = 0;
  const inner: Toolbox = {
    ...idleToolbox,
    timeLimitMs: () => LIMIT_MS,
    async run(_call, { idempotencyKey: key, setup, display }) {
      runs.push({ key, setup });
      most = Math.max(most, ++running);
      display.data({ name: 'seen', id: 'one', data: runs.length });
      await onRun(turn);
      await clock.sleep(milliseconds(100));
      running -= 1;
      return { output: 'x'.repeat(50_000), isError: false };
    },
    ...toolbox,
  };
  const outer: Model = {
    provider: 'test',
    name: 'outer',
    async *stream({ messages }) {
      if (messages.some(({ role }) => role === 'tool')) yield text('So.');
      else yield { type: 'tool_call', id: 'ask-1', name: 'ask', args: {} };
      yield finish();
    },
  };
  let endedAt = 0;
  const turn: TurnInMemory = await turnInMemory(outer, {
    toolbox: { ...idleToolbox, timeLimitMs: () => LIMIT_MS, isAbortable: () => true },
    worker: { maxToolMs: LIMIT_MS },
    observer: {
      tell: ({ type }) => {
        if (type === 'tool_ended') endedAt = clock.now();
      },
      settled: async () => {},
    },
    subagents: new Map([
      [
        'ask',
        {
          promptOf: async () => ({ prompt: 'Well?' }),
          serve: async () => ({
            model: modelOf('own', own),
            toolbox: inner,
            ...(fallback && { fallback: modelOf('fallback', fallback) }),
            ...served,
          }),
        },
      ],
    ]),
    ...more,
    core: { clock },
  });
  await turn.send('m1', 'go', more?.preparation && { options: { secret: 'of the chosen agent' } });
  await turn.run();
  const events = await readEvents(turn.core, turn.session, 1);
  const result = events.find((event) => event.type === 'tool_result');
  return { events, result, asked, runs, most, endedAt };
}

describe('a model call of an agent that a tool asks', () => {
  it('is tried three times with each model, after pauses of 250 and 500 ms', async () => {
    const { asked, result } = await asking([[failing()]], { fallback: [[failing()]] });
    expect(asked.map(({ by }) => by)).toEqual([...Array(3).fill('own'), ...Array(3).fill('fallback')]);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = asked.map(({ at }) => at);
    expect([b - a, c - b, e - d, f - e]).toEqual([250, 500, 250, 500]);
    expect(result).toMatchObject({ is_error: true, output: expect.stringContaining('Limited.') });
  });

  it.each([
    [30_000, 2],
    [30_001, 1],
  ])('whose provider asks for a pause of %d ms is made %d times', async (ms, calls) => {
    const { asked } = await asking(
      [[failing({ retryAfterMs: milliseconds(ms) })], [text('Yes.'), finish()]],
      {
        more: { settings: { MIDTURN_MODEL_PATIENCE_SECONDS: '30' } },
      },
    );
    expect(asked).toHaveLength(calls);
  });

  it('that is refused for its content is made of no other model', async () => {
    const withheld = failing({ reason: 'withheld', retryable: false });
    const { asked } = await asking([[withheld]], { fallback: [[text('Never.'), finish()]] });
    expect(asked.map(({ by }) => by)).toEqual(['own']);
  });

  it('is not waited for where a message stops the agent in the pause before it', async () => {
    const { asked, endedAt, events } = await asking([[failing({ retryAfterMs: milliseconds(25_000) })]], {
      onCall: (turn) =>
        void turn.core.clock
          .sleep(milliseconds(3000))
          .then(() => turn.send('m2', 'Stop that.', { delivery: 'now' })),
    });
    expect(asked).toHaveLength(1);
    expect(endedAt - (asked[0]?.at ?? 0)).toBeLessThan(5000);
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  });

  it('P11: is given back nothing that is another model’s own, after its model has failed', async () => {
    const parts = [{ opaque: 'SIGNED' }, { call: 'c' }];
    const { asked } = await asking(
      [
        [look('c'), { type: 'finish', reason: 'tool_calls', usage: USAGE, parts }],
        [failing({ retryable: false })],
      ],
      { fallback: [[text('Yes.'), finish()]] },
    );
    const given = asked.map(({ messages }) => JSON.stringify(messages).includes('SIGNED'));
    expect(given).toEqual([false, true, false]);
  });
});

describe('the tools of an agent that a tool asks', () => {
  const calls = (...ids: string[]) => [...ids.map((id) => look(id)), finish('tool_calls')];
  const answer = [text('Found.'), finish()];

  it('run as many at the same time as the agent allows, and their data is shown', async () => {
    const all = await asking([calls('a', 'b', 'c', 'd', 'e'), answer], { toolbox: { concurrency: 2 } });
    expect([all.runs.length, all.most]).toEqual([5, 2]);
    expect(all.events.some(({ type }) => type === 'data')).toBe(true);
    const { most } = await asking([calls('a', 'b', 'c'), answer]);
    expect(most).toBe(3);
  });

  it('do not run where a call needs approval: nobody is asked', async () => {
    for (const need of [true, { denied: 'no' }]) {
      const { runs, result, events } = await asking([calls('a'), answer], {
        toolbox: { needsApproval: async () => need },
      });
      expect(runs).toEqual([]);
      expect(result?.shown).toMatchObject({ value: 'Found.' });
      expect(events.some(({ type }) => type === 'approval_request')).toBe(false);
    }
  });

  it('P8: have a key for each call, another one for the same call again', async () => {
    const { runs } = await asking([calls('a', 'b'), calls('a'), answer]);
    expect(new Set(runs.map(({ key }) => key)).size).toBe(3);
  });

  it('give the agent’s model what is stored of their results, cut where it is too long', async () => {
    const { asked } = await asking([calls('a'), answer]);
    const bytes = Buffer.byteLength(JSON.stringify(asked[1]?.messages));
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(20_000);
  });

  it('P6: a message with `delivery: now` while they run ends the agent: its model is not called again', async () => {
    const { asked, result, events } = await asking([[text('I look.'), ...calls('a')], answer], {
      onRun: async (turn) => {
        await turn.send('m2', 'Stop that.', { delivery: 'now' });
        await turn.core.clock.sleep(milliseconds(2000));
      },
      toolbox: { isAbortable: () => true },
    });
    expect(asked).toHaveLength(1);
    expect(result?.shown).toMatchObject({ value: expect.stringContaining('I look.') });
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  });

  it('P12: are told who asks and whose token is kept, and not the options of the agent that was chosen', async () => {
    const { runs, events } = await asking([calls('a'), answer], {
      more: {
        preparation: { check: async (options) => ({ options }) },
        connection: { keepsToken: true, claims: JSON.stringify({ role: 'buyer' }) },
      },
    });
    const start = events.find((event) => event.type === 'turn_start');
    expect(start?.context?.options).toEqual({ secret: 'of the chosen agent' });
    expect(start?.context?.tokenLane).toBeDefined();
    expect(runs[0]?.setup.tokenLane).toBe(start?.context?.tokenLane);
    expect(runs[0]?.setup.caller).toMatchObject({
      principal: { tenant: 'acme', subject: 'ann' },
      claims: { role: 'buyer' },
    });
    expect(runs[0]?.setup.caller).not.toHaveProperty('options');
  });
});

it('the answer of an agent whose last words came before its last calls is these words', async () => {
  const { result } = await asking([[text('It is 7.'), look('a'), finish('tool_calls')], [finish()]]);
  expect(result?.shown).toMatchObject({ value: 'It is 7.' });
});
