import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart, Toolbox } from '../model.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import type { SessionAgent } from './context.ts';

/** P13: the result of each call of a turn that ends before its calls have ended says what became of it. */

const MAX_MS = milliseconds(60_000);
const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const call = (name: string): ModelPart => ({ type: 'tool_call', id: `c-${name}`, name, args: {} });
const RUNNING = 'Not finished: the turn was stopped while this tool ran.';
const NOT_STARTED = 'Not run: the turn was stopped before this tool was started.';
const WITH_CLIENT = 'No result: the turn was stopped while the client ran this tool.';
const ASKING = 'Not finished: the turn was stopped while this tool asked the user something.';
const UNKNOWN = expect.stringContaining('It may or may not have run.');

interface Given {
  toolbox?: Partial<Toolbox>;
  /** What happens after three seconds: the turn is stopped. */
  later?: (turn: TurnInMemory) => unknown;
  onTurn?: (turn: TurnInMemory) => void;
  parts?: Parameters<typeof turnInMemory>[1];
  served?: () => Partial<SessionAgent>;
}

/** A turn that calls these tools. `slow` takes longer than the turn, `quick` no time; other tools are asked about. */
async function stopped(
  parts: readonly ModelPart[],
  {
    toolbox,
    later = (turn) => turn.abort(),
    onTurn = () => {},
    parts: more,
    served = () => ({}),
  }: Given = {},
) {
  const clock = virtualClock();
  const runs: string[] = [];
  const model: Model = {
    provider: 'test',
    name: 'calls',
    async *stream({ messages }) {
      if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'So.' };
      else yield* parts;
      yield finish;
    },
  };
  const all: Toolbox = {
    ...idleToolbox,
    timeLimitMs: () => MAX_MS,
    async run({ name }, { signal }) {
      runs.push(name);
      if (name === 'slow') await clock.sleep(MAX_MS, signal);
      return { output: `${name} has run`, isError: false };
    },
    ...toolbox,
  };
  const turn = await turnInMemory(model, {
    ...more,
    worker: {
      maxToolMs: MAX_MS,
      agentFor: async () => ({ model, toolbox: all, ...served() }),
    },
    settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '30', MIDTURN_APPROVAL_TIMEOUT_SECONDS: '3600' },
    core: { clock, ...more?.core },
  });
  onTurn(turn);
  await turn.send('m', 'go');
  void clock.sleep(milliseconds(3000)).then(() => later(turn));
  expect(await turn.run()).toBeDefined();
  const events = await readEvents(turn.core, turn.session, 1);
  const results = events.flatMap((event) => (event.type === 'tool_result' ? [event] : []));
  return {
    turn,
    runs,
    events,
    end: events.at(-1),
    results: Object.fromEntries(results.map(({ id, output }) => [id, output])),
    errors: results.filter(({ is_error }) => is_error).map(({ id }) => id),
    count: results.length,
  };
}

describe('a turn that is stopped', () => {
  it('keeps the result of a tool that has ended, and says that the other one had not', async () => {
    const { results, errors, count, end } = await stopped([call('quick'), call('slow')]);
    expect(results).toEqual({ 'c-quick': 'quick has run', 'c-slow': RUNNING });
    expect([errors, count]).toEqual([['c-slow'], 2]);
    expect(end).toMatchObject({ type: 'aborted', by: 'ann' });
  });

  it('has not started a tool that waited for its turn, or for an approval', async () => {
    const { results, runs, errors } = await stopped([call('slow'), call('quick')], {
      toolbox: { concurrency: 1 },
    });
    expect(results).toEqual({ 'c-slow': RUNNING, 'c-quick': NOT_STARTED });
    expect([runs, errors]).toEqual([['slow'], ['c-slow', 'c-quick']]);
    const asked = await stopped([call('guarded')], { toolbox: { needsApproval: async () => true } });
    expect(asked.results).toEqual({ 'c-guarded': NOT_STARTED });
    expect(asked.events.filter(({ type }) => type === 'approval_resolved')).toMatchObject([
      { decision: 'deny', reason: 'aborted' },
    ]);
  });

  it('had asked a client to run a tool, whose answer is not taken any more', async () => {
    const { results, errors, turn } = await stopped([call('locate')], {
      toolbox: {
        client: {
          has: (name) => name === 'locate',
          complaintAbout: async () => undefined,
          outcomeOf: async (_call, output) => ({ output, isError: false }),
          answerSeconds: () => undefined,
        },
      },
    });
    expect(results).toEqual({ 'c-locate': WITH_CLIENT });
    expect(errors).toEqual(['c-locate']);
    expect((await turn.read())?.asked ?? {}).toEqual({});
  });

  it('had a tool that asked the user something, whose question is cancelled', async () => {
    const { results, errors, events, turn } = await stopped([call('borrow')], {
      toolbox: {
        run: async () => ({
          output: '',
          isError: true,
          asks: {
            questions: [{ key: 'q', server: 'books', mode: 'form', message: 'For whom?', fields: [] }],
          },
        }),
      },
    });
    expect(results).toEqual({ 'c-borrow': ASKING });
    expect(errors).toEqual(['c-borrow']);
    expect(events.filter(({ type }) => type === 'elicitation_resolved')).toMatchObject([
      { action: 'cancel', reason: 'aborted' },
    ]);
    expect((await turn.read())?.asked ?? {}).toEqual({});
  });

  it('is not over before a tool is that does not heed its signal: it must not go on in a later invocation', async () => {
    const clock = virtualClock();
    const began = clock.now();
    let hasEnded = false;
    const { results } = await stopped([call('deaf')], {
      parts: { core: { clock } },
      toolbox: {
        async run() {
          await clock.sleep(milliseconds(30_000));
          hasEnded = true;
          return { output: 'late', isError: false };
        },
      },
    });
    expect(results).toEqual({ 'c-deaf': RUNNING });
    expect(hasEnded).toBe(true);
    expect(clock.now() - began).toBeGreaterThanOrEqual(30_000);
  });

  it('P8: does not know what became of a call whose worker died', async () => {
    let dies = false;
    const store = memoryStore(new MemoryTable(), async (access, perform) => {
      if (!dies || !isWrite(access)) return perform();
      dies = false;
      // The next worker finds the abort.
      await turn?.abort();
      throw new Error('the worker dies');
    });
    let turn: TurnInMemory | undefined;
    const { results, end } = await stopped([call('quick')], {
      parts: { core: { store } },
      onTurn: (own) => {
        turn = own;
      },
      later: () => {},
      toolbox: {
        async run() {
          dies = true;
          return { output: 'ran', isError: false };
        },
      },
    });
    expect(results).toEqual({ 'c-quick': UNKNOWN });
    expect(end).toMatchObject({ type: 'aborted' });
  });
});

describe('a turn that cannot go on', () => {
  it('P11: has results for its calls where its agent does not exist any more', async () => {
    let isGone = false;
    const { results, runs, end } = await stopped([call('guarded')], {
      toolbox: { needsApproval: async () => true },
      later: () => {
        isGone = true;
      },
      served: () => ({ ...(isGone && { choice: 'gone' as const }) }),
    });
    expect(runs).toEqual([]);
    expect(results).toEqual({ 'c-guarded': NOT_STARTED });
    expect(end).toMatchObject({
      type: 'error',
      code: 'AGENT_UNAVAILABLE',
      message: 'The agent of this session does not exist any more.',
      retryable: false,
    });
  });

  it('has a result for a tool that its provider runs and has not ended', async () => {
    for (const [last, end] of [
      [finish, 'done'],
      [
        {
          type: 'failure',
          failure: {
            code: 'PROVIDER_ERROR',
            reason: 'provider',
            message: 'No.',
            retryable: false,
            diagnostic: '',
          },
        },
        'error',
      ],
    ] as const) {
      const { events, results } = await stopped(
        [{ type: 'provider_call', id: 'p', name: 'search', args: {} }, { type: 'text', text: 'So.' }, last],
        { later: () => {} },
      );
      expect(results).toEqual({ p: 'The provider gave no result.' });
      expect(events.find(({ type }) => type === 'tool_result')).toMatchObject({
        is_error: true,
        provider_executed: true,
      });
      expect(events.at(-1)?.type).toBe(end);
    }
  });

  it('has one too where it is stopped', async () => {
    const { results, end } = await stopped([], {
      served: () => ({
        model: {
          provider: 'test',
          name: 'searches',
          async *stream(_request, signal) {
            yield { type: 'provider_call', id: 'p', name: 'search', args: {} };
            yield { type: 'text', text: 'So.' };
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          },
        },
      }),
    });
    expect(results).toEqual({ p: 'The provider gave no result.' });
    expect(end).toMatchObject({ type: 'aborted' });
  });

  it('says so where the agent’s code cannot decide whether it goes on', async () => {
    const { end, count } = await stopped([call('quick')], {
      later: () => {},
      served: () => ({ control: { isStopped: () => Promise.reject(new Error('SECRET')) } }),
    });
    expect(count).toBe(1);
    expect(end).toMatchObject({
      type: 'error',
      code: 'AGENT_ERROR',
      message: 'The agent could not decide whether it goes on.',
      retryable: false,
    });
  });

  it('P3: of which no worker makes anything says that it was given up', async () => {
    const { end } = await stopped([call('quick')], {
      later: () => {},
      served: () => ({
        model: {
          provider: 'test',
          name: 'dies',
          async *stream() {
            yield* [];
            throw new Error('the worker dies');
          },
        },
      }),
    });
    expect(end).toMatchObject({
      type: 'error',
      code: 'AGENT_ERROR',
      message: 'The turn was given up: it failed too often.',
      retryable: true,
    });
  });
});

it('P8: calls that are run again by another worker are as many at the same time as the agent allows', async () => {
  let dies = false;
  const store = memoryStore(new MemoryTable(), async (access, perform) => {
    if (!dies || !isWrite(access)) return perform();
    dies = false;
    throw new Error('the worker dies');
  });
  const clock = virtualClock();
  let started = 0;
  let running = 0;
  let most = 0;
  const { results, end } = await stopped([call('a'), call('b'), call('c')], {
    parts: { core: { store, clock } },
    later: () => {},
    toolbox: {
      concurrency: 2,
      isIdempotent: () => true,
      async run({ name }) {
        most = Math.max(most, ++running);
        dies ||= ++started === 2;
        await clock.sleep(milliseconds(100));
        running -= 1;
        return { output: name, isError: false };
      },
    },
  });
  expect(results).toEqual({ 'c-a': 'a', 'c-b': 'b', 'c-c': 'c' });
  expect(most).toBe(2);
  expect(end).toMatchObject({ type: 'done' });
});
