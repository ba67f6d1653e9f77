import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { textOfBytes } from '../../test/support/text.ts';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import { asConnectionId, type RequestId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Model, ModelPart, Toolbox } from '../model.ts';
import type { Decision, Session } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { decide } from '../store/lane/request.ts';
import { listening } from '../store/listening.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

/** What becomes of calls that need approval: who is asked, how long, and what an answer covers. */

const BEGAN = 1_800_000_000_000;
const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const call = (id: string, args: Json = {}, name = 'guarded'): ModelPart => ({
  type: 'tool_call',
  id,
  name,
  args,
});

interface Given {
  toolbox?: Partial<Toolbox>;
  holdSeconds?: number;
  timeoutSeconds?: number;
  /** What a user decides on the request of this call, after so many seconds. */
  answers?: Record<string, [decision: Decision['decision'], seconds: number]>;
  session?: Partial<Session>;
  /** What has become of the session at this delivery of the job, from 1. */
  later?: [delivery: number, session: Partial<Session>];
  /** The worker dies when it would ask. */
  diesAsking?: boolean;
  /** The worker dies when it has run the first call, and this has become of the session. */
  diesWith?: Partial<Session>;
}

async function running(calls: readonly ModelPart[], given: Given = {}) {
  const { toolbox, holdSeconds = 30, timeoutSeconds = 20, answers, session = {}, later, diesWith } = given;
  let now = BEGAN;
  const runs: string[] = [];
  const counted: string[] = [];
  const deliveries: number[] = [];
  let setDowns = 0;
  const metrics: Core['metrics'] = {
    ...memoryCore().metrics,
    count: (metric) => void (metric === 'SetDowns' && setDowns++),
    countBy: (metric, part) => void (metric === 'Approvals' && counted.push(part)),
  };
  const { gateway, frames } = recordingPorts();
  const table = new MemoryTable();
  let dies = false;
  let { diesAsking = false } = given;
  const store = memoryStore(table, async (access, perform) => {
    const asks = diesAsking && isWrite(access) && JSON.stringify(access).includes('approval_request');
    if (asks) diesAsking = false;
    if (!asks && !(dies && isWrite(access))) return perform();
    dies = false;
    throw new Error('the worker dies');
  });
  const changeSession = (to: Partial<Session>) => {
    const item = table.get(sessionKey(turn.session));
    if (!item) throw new Error('no session');
    table.put(sessionKey(turn.session), { ...item, ...to });
  };
  const decided = new Set<string>();
  const eventsOf = () => readEvents(turn.core, turn.session, 1);
  const clock = {
    now: () => epochMs(now),
    sleep: async (ms: number) => {
      now += Math.max(0, ms);
      const key = laneKey(turn.session, turn.lane);
      const { unspilled: _, approvals = {} } = (await turn.core.store.get(key)) ?? {};
      for (const event of await eventsOf()) {
        if (event.type !== 'approval_request' || decided.has(event.request_id)) continue;
        const [decision, seconds] = answers?.[event.tool_call_id] ?? [];
        if (decision === undefined || seconds === undefined || now < event.at + seconds * 1000) continue;
        if (!Object.hasOwn(approvals, event.request_id)) continue;
        decided.add(event.request_id);
        await turn.core.store.update(key, decide(event.request_id as RequestId, { decision, by: 'ann' }));
      }
    },
  };
  const model: Model = {
    provider: 'test',
    name: 'asks',
    async *stream({ messages }) {
      if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'So.' };
      else yield* calls;
      yield finish;
    },
  };
  const turn: TurnInMemory = await turnInMemory(model, {
    // Without a user who answers, time passes between the deliveries too.
    core: { store, metrics, gateway, ...(answers && { clock }) },
    toolbox: {
      ...idleToolbox,
      needsApproval: async () => true,
      async run({ id }) {
        runs.push(id);
        if (diesWith && runs.length === 1) {
          changeSession(diesWith);
          dies = true;
        }
        return { output: `ran ${id}`, isError: false };
      },
      ...toolbox,
    },
    settings: {
      MIDTURN_APPROVAL_HOLD_SECONDS: String(holdSeconds),
      MIDTURN_APPROVAL_TIMEOUT_SECONDS: String(timeoutSeconds),
    },
    onDelivery: () => {
      if (deliveries.push(turn.core.clock.now() - BEGAN) === later?.[0]) changeSession(later[1]);
    },
  });
  changeSession(session);
  await turn.send('m', 'go');
  expect(await turn.run()).toBeDefined();
  const events = await eventsOf();
  return {
    turn,
    runs,
    counted,
    deliveries,
    setDowns,
    events,
    requests: events.filter((event) => event.type === 'approval_request'),
    resolved: events.filter((event) => event.type === 'approval_resolved'),
    results: Object.fromEntries(
      events.flatMap((event) => (event.type === 'tool_result' ? [[event.id, event.output]] : [])),
    ),
    /** What clients are told of trusts. */
    told: frames.filter(({ type }) => type === 'trusted'),
    session: () => turn.core.store.get(sessionKey(turn.session)),
  };
}

describe('the answers to requests', () => {
  it('come one by one: a call that is approved runs at once, and the others have results that say why not', async () => {
    const { runs, results, resolved, counted, requests, events } = await running(
      [call('a'), call('b'), call('c'), call('free', {}, 'free')],
      {
        toolbox: { needsApproval: async ({ name }) => name === 'guarded' },
        answers: { a: ['approve', 3], b: ['deny', 5] },
      },
    );
    expect(requests).toHaveLength(3);
    expect(runs).toEqual(['free', 'a']);
    expect(results).toEqual({
      free: 'ran free',
      a: 'ran a',
      b: 'Not run: it was denied by the user.',
      c: 'Not run: nobody approved it in time.',
    });
    expect(resolved).toMatchObject([
      { request_id: requests[0]?.request_id, decision: 'approve', reason: 'answer', by: 'ann' },
      { request_id: requests[1]?.request_id, decision: 'deny', reason: 'answer', by: 'ann' },
      { request_id: requests[2]?.request_id, decision: 'deny', reason: 'timeout' },
    ]);
    expect(resolved[2]).not.toHaveProperty('by');
    expect(counted).toEqual(['approve', 'deny', 'timeout']);
    const order = events.flatMap((event) =>
      event.type === 'tool_result' ? event.id : event.type === 'approval_resolved' ? event.decision : [],
    );
    expect(order).toEqual(['free', 'approve', 'a', 'deny', 'b', 'deny', 'c']);
  });

  it('an `always` covers the other calls of its tool that wait, and later ones, and no other tool', async () => {
    const { runs, requests, resolved, session, counted, told } = await running(
      [call('a'), call('b'), call('c', {}, 'other')],
      {
        answers: { a: ['always', 1], c: ['deny', 4] },
        session: { audience: { [asConnectionId('page')]: listening({ join: 1, seq: 0, isLive: true }) } },
      },
    );
    expect(requests).toHaveLength(3);
    expect(runs).toEqual(['a', 'b']);
    expect(resolved).toMatchObject([
      { decision: 'always', reason: 'answer', by: 'ann' },
      { decision: 'approve', reason: 'always' },
      { decision: 'deny', reason: 'answer' },
    ]);
    expect(resolved[1]).not.toHaveProperty('by');
    expect(counted).toEqual(['always', 'approve', 'deny']);
    expect((await session())?.trusted).toEqual(['guarded']);
    expect(told).toEqual([{ type: 'trusted', trusted: ['guarded'], revocations: 0 }]);
  });

  it('an `always` that was given in another conversation of the session answers a request that waits', async () => {
    const { runs, resolved, deliveries } = await running([call('a')], {
      holdSeconds: 0,
      timeoutSeconds: 100,
      later: [3, { trusted: ['guarded'] }],
    });
    expect(runs).toEqual(['a']);
    expect(resolved).toMatchObject([{ decision: 'approve', reason: 'always' }]);
    expect(deliveries).toHaveLength(3);
  });

  it('an `always` on a call that it cannot cover is the approval of this call alone', async () => {
    const { runs, requests, resolved, session } = await running([call('a'), call('b')], {
      toolbox: { alwaysCovers: async () => undefined },
      answers: { a: ['always', 1] },
    });
    expect(requests).toMatchObject([{ always: false }, { always: false }]);
    expect(requests[0]).not.toHaveProperty('covers');
    expect(runs).toEqual(['a']);
    expect(resolved).toMatchObject([
      { decision: 'approve', reason: 'answer', by: 'ann' },
      { decision: 'deny', reason: 'timeout' },
    ]);
    expect((await session())?.trusted).toBeUndefined();
  });

  it('an `always` covers what the agent counts as the same call', async () => {
    const { runs, requests, session } = await running(
      [call('a', { to: 'ann' }), call('b', { to: 'bob' }), call('c', { to: 'ann' })],
      {
        toolbox: { alwaysCovers: async ({ args }) => `guarded:${(args as { to: string }).to}` },
        answers: { a: ['always', 1] },
      },
    );
    expect(requests.map(({ covers }) => covers)).toEqual(['guarded:ann', 'guarded:bob', 'guarded:ann']);
    expect(runs.toSorted()).toEqual(['a', 'c']);
    expect((await session())?.trusted).toEqual(['guarded:ann']);
  });

  it('P12: what is trusted already is not asked about', async () => {
    const { runs, requests } = await running([call('a'), call('b', {}, 'other')], {
      session: { trusted: ['guarded'] },
    });
    expect(requests).toMatchObject([{ tool_call_id: 'b', tool: 'other', covers: 'other' }]);
    expect(runs).toEqual(['a']);
  });
});

describe('a call that nobody is asked about', () => {
  it.each(['x', '€', '😀'])('is one whose arguments are too long to be shown: of %s', async (unit) => {
    const most = 24 * 1024;
    const { requests, results } = await running(
      [call('fits', textOfBytes(most - 2, unit)), call('large', textOfBytes(most - 1, unit))],
      { timeoutSeconds: 5 },
    );
    expect(requests).toMatchObject([{ tool_call_id: 'fits' }]);
    expect(results.large).toContain('too long to be shown');
  });

  it('is one that the agent’s code denies, with its reason, and one whose arguments are not valid', async () => {
    const { requests, runs, results } = await running(
      [call('a'), { ...call('b', {}, 'other'), invalid: 'no number' } as ModelPart],
      {
        toolbox: {
          needsApproval: async ({ name }) => (name === 'guarded' ? { denied: 'Not today.' } : true),
        },
      },
    );
    expect([requests, runs]).toEqual([[], []]);
    expect(results.a).toBe('Not run: the agent does not allow this call. Not today.');
    expect(results.b).toContain('no number');
  });
});

it('P8: a call whose worker died before it asked is asked about, and runs once it is approved', async () => {
  const { runs, requests, results } = await running([call('a')], {
    diesAsking: true,
    answers: { a: ['approve', 2] },
  });
  expect(requests).toHaveLength(1);
  expect([runs, results.a]).toEqual([['a'], 'ran a']);
});

describe('a turn that waits for an answer', () => {
  it.each([
    [0, 1000],
    [30, 1000],
    [30, 45],
    [30, 3600],
  ])(
    'is held for %d s, and then looked at after a tenth of its wait, 5 to 60 s, and when %d s are over',
    async (holdSeconds, timeoutSeconds) => {
      const { deliveries, setDowns, results, requests, events } = await running([call('a')], {
        holdSeconds,
        timeoutSeconds,
      });
      const expected: number[] = [];
      for (let waited = holdSeconds; waited < timeoutSeconds; ) {
        const left = timeoutSeconds - waited;
        waited += Math.ceil(Math.min(Math.max(waited / 10, 5), 60, left));
        expected.push(waited * 1000);
      }
      const asked = (requests[0]?.at ?? 0) - BEGAN;
      expect(deliveries.slice(1).map((at) => at - asked)).toEqual(expected);
      expect(setDowns).toBe(expected.length);
      expect(results.a).toBe('Not run: nobody approved it in time.');
      expect(events.at(-1)).toMatchObject({ type: 'done' });
    },
  );
});

describe('P8: a call that ran under a trust, and whose worker died before it stored the result', () => {
  const revoked = { trusted: [], revocations: 1 };
  const UNKNOWN = expect.stringContaining('Unknown outcome');
  const dying = (diesWith: Partial<Session>, toolbox: Partial<Toolbox> = {}) =>
    running([call('a')], { timeoutSeconds: 5, session: { trusted: ['guarded'] }, diesWith, toolbox });

  it.each([
    ['is in force', {}],
    ['was revoked', revoked],
  ])('is not run again where the trust %s: nobody knows its outcome', async (_, session) => {
    const { runs, requests, results } = await dying(session);
    expect([runs, requests]).toEqual([['a'], []]);
    expect(results.a).toEqual(UNKNOWN);
  });

  it('is run again where it is idempotent and the trust is in force, and is asked about where that was revoked', async () => {
    const again = await dying({}, { isIdempotent: () => true });
    expect([again.runs, again.requests]).toEqual([['a', 'a'], []]);
    expect(again.results.a).toContain('ran a');
    const asked = await dying(revoked, { isIdempotent: () => true });
    expect([asked.runs, asked.requests.length]).toEqual([['a'], 1]);
    expect(asked.results.a).toContain('nobody approved it');
  });

  it('has an unknown outcome where the agent’s code denies it since, and is denied where it is idempotent', async () => {
    for (const isIdempotent of [false, true]) {
      let asked = 0;
      const { runs, results } = await dying(
        {},
        {
          needsApproval: async () => (++asked === 1 ? true : { denied: 'Not any more.' }),
          isIdempotent: () => isIdempotent,
        },
      );
      expect(runs).toEqual(['a']);
      expect(results.a).toEqual(isIdempotent ? expect.stringContaining('Not any more.') : UNKNOWN);
    }
  });
});
