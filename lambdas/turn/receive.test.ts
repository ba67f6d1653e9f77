import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { Model, ModelPart } from '../../core/model.ts';
import { sessionKey, summaryKey } from '../../core/store/keys.ts';
import { rememberCut } from '../../core/store/session-writes.ts';
import { memoryCore, recordingPorts } from '../../core/testing/memory-core.ts';
import { idleToolbox, turnInMemory } from '../../core/testing/turn-in-memory.ts';
import type { TurnContext } from '../../core/turn/context.ts';
import { createReceiver } from './receive.ts';

/** A model that calls a tool and then says a word. */
const model: Model = {
  provider: 'test',
  name: 'calls',
  async *stream(request): AsyncGenerator<ModelPart> {
    const called = request.messages.some(({ role }) => role === 'tool');
    if (called) yield { type: 'text', text: 'Done.' };
    else yield { type: 'tool_call', id: 'call', name: 'look', args: {} };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

interface Given {
  settings?: Record<string, string>;
  toolbox?: Partial<TurnContext['toolbox']>;
  /** What fails when it is asked for. */
  fails?: 'agent' | 'table' | 'hiding' | 'dead letters';
  /** What Lambda says is left of the invocation. */
  remainingMs?: number;
  /** How long the model's call takes by our own clock. */
  modelMs?: number;
  /** What hiding a message waits for. */
  hidden?: Promise<void>;
  /** What the tools of MCP servers wait for. */
  offered?: Promise<void>;
  /** The agent's model for summaries. */
  compactor?: Model;
  /** How often the queue has delivered each message. */
  receives?: number;
}

/** The turn function on a table in memory, with the job of one message in its queue. */
async function given({
  settings = {},
  toolbox = {},
  fails,
  remainingMs = 100_000,
  modelMs = 0,
  hidden = Promise.resolve(),
  offered = Promise.resolve(),
  compactor,
  receives = 1,
}: Given = {}) {
  let now = 1_700_000_000_000;
  const slow: Model = {
    ...model,
    async *stream(...args) {
      now += modelMs;
      yield* model.stream(...args);
    },
  };
  const did: string[] = [];
  const sleeping = new Set<Promise<void>>();
  const errors: string[] = [];
  const logOf = (always: object): Core['log'] => ({
    info() {},
    warn() {},
    error: (message, fields) => void errors.push(`${message} ${JSON.stringify({ ...always, ...fields })}`),
    with: (fields) => logOf({ ...always, ...fields }),
  });
  const log = logOf({});
  const counted: string[] = [];
  const { queues } = recordingPorts();
  const turn = await turnInMemory(model, {
    core: {
      queues,
      log,
      metrics: { ...memoryCore().metrics, count: (name) => void counted.push(name) },
      clock: {
        now: () => epochMs(now),
        // Nothing waits for a time here; who can be called off, is.
        sleep: (_, signal) => {
          const sleeper = new Promise<void>((resolve) => {
            if (signal?.aborted) resolve();
            signal?.addEventListener('abort', () => resolve());
          });
          sleeping.add(sleeper);
          void sleeper.then(() => sleeping.delete(sleeper));
          return sleeper;
        },
      },
    },
  });
  await turn.send('m1', 'go');
  const slot = (await turn.read())?.slot ?? '';
  if (fails === 'table') turn.core.store.update = () => Promise.reject(new Error('no table'));
  const receive = createReceiver({
    core: turn.core,
    settings: readTurnSettings({ MIDTURN_FLUSH_MS: '0', MIDTURN_VISIBILITY_SECONDS: '15', ...settings }),
    agents: {
      agentFor: async () => {
        did.push('the agent is asked for');
        if (fails === 'agent') throw new Error('no agent');
        return {
          model: slow,
          toolbox: { ...idleToolbox, ...toolbox },
          ...(compactor && { compactor: async () => compactor }),
        };
      },
      offerTools: async () => {
        did.push('tools are offered');
        await offered;
        did.push('tools are there');
      },
    },
    hideMessage: async (handle, duration) => {
      did.push(`${handle} is hidden for ${duration} s`);
      await hidden;
      if (fails === 'hiding') throw new Error('no visibility');
    },
    deadLetters: {
      async send({ messageId }) {
        if (fails === 'dead letters') throw new Error('no queue');
        did.push(`${messageId} is a dead letter`);
      },
    },
  });
  const deliver = async (...bodies: string[]) => {
    const Records = bodies.map((body, n) => ({
      messageId: `m${n}`,
      receiptHandle: `h${n}`,
      body,
      attributes: { ApproximateReceiveCount: `${receives}` },
    }));
    const answer = await receive({ Records } as SQSEvent, { getRemainingTimeInMillis: () => remainingMs });
    return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  const job = JSON.stringify({ session: turn.session, lane: turn.lane, slot });
  /** How many sleep, who would go on in a later invocation. */
  return { turn, deliver, job, did, errors, counted, asleep: () => sleeping.size };
}

const HIDDEN = 'h0 is hidden for 15 s';

it('a message that only wakes the function is deleted, and nothing is asked for', async () => {
  const { deliver, did, errors } = await given();
  expect(await deliver('{"wake":true}')).toEqual([]);
  expect(did).toEqual([HIDDEN]);
  expect(errors).toEqual([]);
});

it('P1: the job of a turn that is over is deleted; it is hidden before anything else is done', async () => {
  const { deliver, job, did, errors } = await given();
  expect(await deliver(job)).toEqual([]);
  expect(did).toEqual([HIDDEN, 'tools are offered', 'the agent is asked for', 'tools are there']);
  expect(errors).toEqual([]);
});

it('P8: neither tools nor the agent are asked for before the message is hidden: they may kill the worker', async () => {
  const hiding = Promise.withResolvers<void>();
  const { deliver, job, did } = await given({ hidden: hiding.promise });
  const delivered = deliver(job);
  // All that does not wait for the heartbeat has happened by the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  expect(did).toEqual([HIDDEN]);
  hiding.resolve();
  expect(await delivered).toEqual([]);
  expect(did).toContain('the agent is asked for');
});

it('P11: a tool whose time limit is longer than an invocation is given what an invocation has, and is run', async () => {
  const { deliver, job } = await given({
    settings: { MIDTURN_TURN_TIMEOUT_SECONDS: '100' },
    toolbox: { timeLimitMs: () => milliseconds(3_600_000) },
    // All but a second of the time limit.
    remainingMs: 99_000,
  });
  expect(await deliver(job)).toEqual([]);
});

it.each([
  ['a job', (job: string) => job],
  ['a wake-up', () => '{"wake":true}'],
  ['a message that is no job', () => 'no JSON'],
  ['a summary', () => '{"compaction":{"session":"s","from":3}}'],
  ['what follows a turn', () => '{"ended":{"session":"s","lane":"l","turn":"t","first":1}}'],
])(
  'P8: when %s is done, nobody hides its message any more, in a later invocation least of all',
  async (_, body) => {
    const { deliver, job, asleep } = await given();
    expect(await deliver(body(job))).toEqual([]);
    expect(asleep()).toBe(0);
  },
);

it('a job is not over before the tools are there that it has asked for: what goes on would be frozen', async () => {
  const offering = Promise.withResolvers<void>();
  const { deliver, job, did } = await given({ offered: offering.promise });
  let isOver = false;
  const delivered = deliver(job).finally(() => {
    isOver = true;
  });
  await expect.poll(() => did).toContain('the agent is asked for');
  // The turn itself has ended by then.
  for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  offering.resolve();
  expect(await delivered).toEqual([]);
});

it('what follows a turn is given up after five deliveries: the agent’s code may be what kills the workers', async () => {
  const ended = (session: string) => JSON.stringify({ ended: { session, lane: 'l', turn: 't', first: 1 } });
  for (const receives of [5, 6]) {
    const { deliver, turn, errors } = await given({ receives });
    expect(await deliver(ended(turn.session))).toEqual([]);
    expect(errors).toEqual([
      expect.stringMatching(receives === 5 ? /^the events of a turn are gone/ : /is given up/),
    ]);
  }
});

it('P1: what follows a turn is tried again where the table fails', async () => {
  const { deliver, turn, errors } = await given();
  turn.core.store.get = () => Promise.reject(new Error('no table'));
  const ended = { session: turn.session, lane: 'l', turn: 't', first: 1 };
  expect(await deliver(JSON.stringify({ ended }))).toEqual(['m0']);
  expect(errors).toEqual([expect.stringMatching(/^turn failed .*"messageId":"m0".*no table/)]);
});

it('P3: an invocation of ten seconds, the shortest that there is, has time for a turn', async () => {
  const settings = { MIDTURN_TURN_TIMEOUT_SECONDS: '10' };
  const { deliver, job, errors } = await given({ settings, remainingMs: 10_000 });
  expect(await deliver(job)).toEqual([]);
  expect(errors).toEqual([]);
});

describe('a summary', () => {
  /** A receiver whose session wants a summary of the entries before `from`. */
  const wanted = async (from: number, more: Given) => {
    const receiver = await given(more);
    const { core, session } = receiver.turn;
    const want = () => core.store.update(sessionKey(session), rememberCut(from));
    return { ...receiver, want, body: JSON.stringify({ compaction: { session, from } }) };
  };

  it('is written within its invocation, and its message deleted; nobody asks for tools', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const compactor: Model = {
      ...model,
      async *stream() {
        asked.resolve();
        await answer.promise;
        yield { type: 'text', text: 'They went.' };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const { deliver, job, did, turn, want, body } = await wanted(6, { compactor });
    expect(await deliver(job)).toEqual([]);
    await want();
    did.length = 0;
    let isOver = false;
    const delivered = deliver(body).finally(() => {
      isOver = true;
    });
    await asked.promise;
    expect(isOver).toBe(false);
    answer.resolve();
    expect(await delivered).toEqual([]);
    expect(did).toEqual([HIDDEN, 'the agent is asked for']);
    expect(await turn.core.store.get(summaryKey(turn.session, 5))).toMatchObject({ text: 'They went.' });
  });

  it('is tried again where the agent cannot be made', async () => {
    const { deliver, body, errors, want } = await wanted(2, { compactor: model, fails: 'agent' });
    await want();
    expect(await deliver(body)).toEqual(['m0']);
    expect(errors).toEqual([expect.stringMatching(/^turn failed .*"messageId":"m0".*no agent/)]);
  });
});

describe('P1: a job stays in the queue', () => {
  it('where the time limit is over by our own clock, whatever an emulator of Lambda says', async () => {
    const of = async (modelMs: number) => {
      const settings = { MIDTURN_TURN_TIMEOUT_SECONDS: '100' };
      const { deliver, job, did } = await given({ settings, remainingMs: 1_000_000, modelMs });
      return { failures: await deliver(job), last: did.at(-1) };
    };
    expect(await of(1000)).toMatchObject({ failures: [] });
    expect(await of(99_000)).toEqual({ failures: ['m0'], last: 'h0 is hidden for 0 s' });
  });

  it.each([
    // Fifteen seconds, or three tenths of a short limit.
    ['100', 15_000],
    ['20', 6000],
    ['900', 15_000],
  ])('of %s s, as soon as no more than %d ms are left for a hand-over', async (limit, reserveMs) => {
    const of = async (remainingMs: number) => {
      const settings = { MIDTURN_TURN_TIMEOUT_SECONDS: limit };
      const { deliver, job, did } = await given({ settings, remainingMs });
      await deliver(job);
      return did.includes('h0 is hidden for 0 s');
    };
    expect([await of(reserveMs - 100), await of(reserveMs + 1000)]).toEqual([true, false]);
  });

  it('at once visible, where a fresh invocation goes on', async () => {
    // The time of the invocation is over before the tool is run.
    const { deliver, job, did, errors } = await given({ remainingMs: 1 });
    expect(await deliver(job)).toEqual(['m0']);
    expect(did.at(-1)).toBe('h0 is hidden for 0 s');
    expect(errors).toEqual([]);
  });

  it('visible later, where its turn waits for a user', async () => {
    const { deliver, job, did } = await given({
      toolbox: { needsApproval: async () => true },
      settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '0' },
    });
    expect(await deliver(job)).toEqual(['m0']);
    expect(did.at(-1)).toMatch(/^h0 is hidden for ([1-9]\d*) s$/);
    expect(did.at(-1)).not.toBe(HIDDEN);
  });

  it.each(['agent', 'table'] as const)(
    'where its turn fails by the %s, and the log names the message, its session and its slot',
    async (fails) => {
      const { deliver, job, errors } = await given({ fails });
      expect(await deliver(job)).toEqual(['m0']);
      expect(errors).toEqual([expect.stringMatching(/^turn failed .*"messageId":"m0".*no (agent|table)/)]);
      const { session, slot } = JSON.parse(job);
      expect(JSON.parse(errors[0]?.slice('turn failed '.length) ?? '')).toMatchObject({ session, slot });
    },
  );
});

it('P3: a job that cannot be hidden is run, and that is logged: at worst another worker is fenced', async () => {
  const { deliver, job, errors } = await given({ fails: 'hiding' });
  expect(await deliver(job)).toEqual([]);
  expect(errors).toEqual([expect.stringMatching(/^heartbeat failed/)]);
});

describe('a message that is no job', () => {
  it.each(['no JSON', '{}', 'null'])('is moved to the dead letters, and blocks nobody: %j', async (body) => {
    const { deliver, job, did, counted, errors } = await given();
    expect(await deliver(body, job)).toEqual([]);
    expect(did).toContain('m0 is a dead letter');
    expect(counted).toContain('DeadLetters');
    expect(errors).toEqual([expect.stringMatching(/^message is no turn job .*"messageId":"m0"/)]);
  });

  it('stays where it is if it cannot be moved', async () => {
    const { deliver, counted, errors } = await given({ fails: 'dead letters' });
    expect(await deliver('no JSON')).toEqual(['m0']);
    expect(counted).not.toContain('DeadLetters');
    expect(errors.at(-1)).toMatch(/^message cannot be moved to the dead-letter queue .*no queue/);
  });
});
