import { describe, expect, it } from 'vitest';
import { epochMs, milliseconds, seconds } from '../../config/units.ts';
import { textOfBytes } from '../../test/support/text.ts';
import { readEvents } from '../events/journal.ts';
import type { Hooks } from '../hooks.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { giveOutput } from '../inbound/give-output.ts';
import type { Json } from '../json.ts';
import type { ClientTools, Model, ModelPart, Toolbox } from '../model.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';

/** Calls of tools that a client runs, and how many of them and of questions are open at the same time. */

/** The largest number of requests that a lane holds. */
const MAX_OPEN = 8;
const MAX_ARGUMENT_BYTES = 24 * 1024;
const USAGE = { inputTokens: 1, outputTokens: 1 };
const finish: ModelPart = { type: 'finish', reason: 'stop', usage: USAGE };
const call = (id: string, name = 'locate', args: Json = {}): ModelPart => ({
  type: 'tool_call',
  id,
  name,
  args,
});

interface Given {
  client?: Partial<ClientTools>;
  toolbox?: Partial<Toolbox>;
  hooks?: Hooks;
  /** What the client gives, `never`: nothing. */
  gives?: (id: string) => { output: Json } | { error: string } | 'never';
  /** When something was given, before the worker has seen it: it is `lost`, or the turn is `stopped`. */
  afterwards?: 'lost' | 'stopped';
  timeoutSeconds?: number;
}

/** Runs a turn whose model makes these calls, of a session whose client answers at each second look at the lane. */
async function running(
  calls: readonly ModelPart[],
  {
    client,
    toolbox,
    hooks,
    gives = (id) => ({ output: `of ${id}` }),
    afterwards,
    timeoutSeconds = 60,
  }: Given = {},
) {
  const table = new MemoryTable();
  let mostOpen = 0;
  const counted: string[] = [];
  const metrics = {
    ...memoryCore().metrics,
    countBy: (metric: string, part: string) => void (metric === 'ClientCalls' && counted.push(part)),
  };
  const store = memoryStore(table, async (access, perform) => {
    const done = perform();
    const lane = access.key.sk.startsWith('LANE#') ? table.get(access.key as never) : undefined;
    const { asked = {} } = (lane ?? {}) as { asked?: object };
    mostOpen = Math.max(mostOpen, Object.keys(asked).length);
    return done;
  });
  const { gateway } = recordingPorts();
  let now = 1_800_000_000_000;
  let looks = 0;
  /** What clients gave that is still stored. */
  const left = () => [...table.all()].filter(({ sk }) => sk.startsWith('OUTPUT#'));
  const sessionId = asSessionId('s'.padEnd(22, '0'));
  const clock = {
    now: () => epochMs(now),
    sleep: async (ms: number) => {
      now += ms;
      if (++looks % 2 > 0) return;
      const open = (await readEvents(turn.core, turn.session, 1)).filter(
        (event) => event.type === 'tool_output_request',
      );
      for (const { request_id, tool_call_id } of open) {
        const given = gives(tool_call_id);
        if (given === 'never') continue;
        const connection = {
          principal: { tenant: 'acme', subject: 'ann' },
          sessionId,
          session: turn.session,
          lane: turn.lane,
          resumed: false,
          expires: 0 as never,
        };
        const frame = { type: 'tool_output', request_id, ...given } as const;
        await giveOutput(turn.core, { id: asConnectionId('c'), connection }, frame);
      }
      if (afterwards === 'stopped' && left().length > 0) await turn.abort();
      if (afterwards === 'lost') for (const key of left()) table.delete(key as never);
    },
  };
  const model: Model = {
    provider: 'test',
    name: 'calls',
    async *stream({ messages }) {
      if (messages.length === 1) yield* calls;
      else yield { type: 'text', text: 'So.' };
      yield finish;
    },
  };
  const turn = await turnInMemory(model, {
    core: { store, clock, gateway, metrics },
    ...(hooks && { hooks }),
    toolbox: {
      ...idleToolbox,
      client: {
        has: (name) => name === 'locate',
        complaintAbout: async () => undefined,
        outcomeOf: async (_call, output) => ({ output, isError: false }),
        answerSeconds: () => undefined,
        ...client,
      },
      ...toolbox,
    },
    settings: {
      MIDTURN_APPROVAL_HOLD_SECONDS: '30',
      MIDTURN_APPROVAL_TIMEOUT_SECONDS: String(timeoutSeconds),
    },
  });
  await turn.send('m', 'where am I?');
  await turn.run();
  const events = await readEvents(turn.core, turn.session, 1);
  const results = events.flatMap((event) => (event.type === 'tool_result' ? event : []));
  return {
    events,
    results,
    counted,
    requests: events.filter(({ type }) => type === 'tool_output_request'),
    mostOpen: () => mostOpen,
    left,
  };
}

describe('calls of tools that a client runs', () => {
  it.each([MAX_OPEN - 1, MAX_OPEN, MAX_OPEN + 1, 20])(
    'P13: each has its one result, and no more than eight are open at the same time: of %d',
    async (count) => {
      const ids = Array.from({ length: count }, (_, n) => `c${n}`);
      const { events, results, requests, mostOpen, left, counted } = await running(ids.map((id) => call(id)));
      expect(counted).toEqual(ids.map(() => 'answered'));
      expect(events.at(-1)).toMatchObject({ type: 'done' });
      expect(results.map(({ id, output }) => [id, output]).toSorted()).toEqual(
        ids.map((id) => [id, `of ${id}`]).toSorted(),
      );
      expect(requests).toHaveLength(count);
      expect(mostOpen()).toBe(Math.min(count, MAX_OPEN));
      expect(left()).toEqual([]);
    },
  );

  it('are open beside the questions of tools, eight in all, and a call asks nothing for which there is no room', async () => {
    const questionsOf = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        key: `q${n}`,
        server: 'books',
        mode: 'form' as const,
        message: 'For whom?',
        fields: [],
      }));
    /** Asks twice. The second time, the client runs six of its seven calls. */
    const run = (again: number) =>
      running([call('asks', 'borrow'), ...Array.from({ length: 7 }, (_, n) => call(`c${n}`))], {
        client: { answerSeconds: () => seconds(30) },
        gives: () => 'never',
        toolbox: {
          isIdempotent: () => true,
          run: async (_call, { input }) => {
            const state = input?.given?.state;
            if (state === 'again') return { output: 'borrowed', isError: false };
            const questions = questionsOf(state === undefined ? 2 : again);
            return {
              output: '',
              isError: true,
              asks: { questions, state: state === undefined ? 'once' : 'again' },
            };
          },
        },
        timeoutSeconds: 5,
      });
    for (const again of [1, 2, 3]) {
      const { results, mostOpen } = await run(again);
      expect(results).toHaveLength(8);
      expect(results.find(({ id }) => id === 'asks')?.is_error === true).toBe(again > 2);
      expect(mostOpen()).toBe(MAX_OPEN);
    }
  });

  it.each(['x', '€', '😀'])(
    'with arguments of %s that are longer than a frame takes are not asked for',
    async (unit) => {
      const { requests, results } = await running([
        call('fits', 'locate', textOfBytes(MAX_ARGUMENT_BYTES - 2, unit)),
        call('large', 'locate', textOfBytes(MAX_ARGUMENT_BYTES - 1, unit)),
      ]);
      expect(requests).toMatchObject([{ tool_call_id: 'fits' }]);
      expect(results.map(({ id, is_error }) => [id, is_error === true]).toSorted()).toEqual([
        ['fits', false],
        ['large', true],
      ]);
      expect(results.find(({ id }) => id === 'large')?.output).toContain('too long to be sent to the client');
    },
  );

  it('whose arguments do not fit are not asked for, and their results say why', async () => {
    const invalid = { ...call('invalid'), invalid: 'a number is missing' } as ModelPart;
    const { requests, results } = await running([invalid, call('refused'), call('c')], {
      client: { complaintAbout: async ({ id }) => (id === 'refused' ? 'It is off.' : undefined) },
    });
    expect(requests).toMatchObject([{ tool_call_id: 'c' }]);
    expect(results.map(({ id, output }) => [id, output]).toSorted()).toEqual([
      ['c', 'of c'],
      ['invalid', expect.stringContaining('a number is missing')],
      ['refused', 'It is off.'],
    ]);
  });

  it('wait as long as their tool says, or as an approval does, and then have a result that is an error', async () => {
    for (const own of [undefined, seconds(7)]) {
      const { requests, results, events, counted } = await running([call('c')], {
        client: { answerSeconds: () => own },
        gives: () => 'never',
        timeoutSeconds: 20,
      });
      expect(requests).toMatchObject([{ timeout_secs: own ?? 20 }]);
      expect(results).toMatchObject([
        { id: 'c', is_error: true, output: expect.stringContaining('did not answer in time') },
      ]);
      expect(counted).toEqual(['timeout']);
      expect(events.at(-1)).toMatchObject({ type: 'done' });
    }
  });

  it('P13: whose results are gone have one that says so, and what is given to a turn that ends is removed', async () => {
    const gone = await running([call('c')], { afterwards: 'lost' });
    expect(gone.results).toMatchObject([
      { id: 'c', is_error: true, output: 'No result: what the client gave is gone.' },
    ]);
    expect(gone.events.at(-1)).toMatchObject({ type: 'done' });
    const stopped = await running([call('c')], { afterwards: 'stopped' });
    expect(stopped.results).toMatchObject([
      { id: 'c', is_error: true, output: expect.stringContaining('while the client ran this tool') },
    ]);
    expect(stopped.events.at(-1)).toMatchObject({ type: 'aborted' });
    expect(stopped.left()).toEqual([]);
  });

  it('are the client’s own errors where it says so, are read by their tool else, and pass the agent’s hook', async () => {
    const read: Json[] = [];
    const hooked: unknown[] = [];
    const { results } = await running([call('fails'), call('works')], {
      client: {
        outcomeOf: async (_call, output) => {
          read.push(output);
          return { output: `read: ${output}`, isError: false };
        },
      },
      gives: (id) => (id === 'fails' ? { error: 'no GPS' } : { output: 'here' }),
      hooks: {
        limitMs: () => milliseconds(500),
        async afterToolCall({ id }, outcome) {
          hooked.push([id, outcome.output, outcome.isError]);
          return { ...outcome, output: `${outcome.output}!` };
        },
      },
    });
    expect(read).toEqual(['here']);
    expect(hooked.toSorted()).toEqual([
      ['fails', 'no GPS', true],
      ['works', 'read: here', false],
    ]);
    expect(results.map(({ id, output, is_error = false }) => [id, output, is_error]).toSorted()).toEqual([
      ['fails', 'no GPS!', true],
      ['works', 'read: here!', false],
    ]);
  });
});
