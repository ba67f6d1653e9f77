import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { EndedTurn, HookCall, Hooks } from '../hooks.ts';
import type { Model, ModelPart, ModelRequest } from '../model.ts';
import type { EndedTurnJob } from '../ports.ts';
import type { Session } from '../store/items.ts';
import { sessionKey } from '../store/keys.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import type { SessionAgent } from './context.ts';
import { followTurn } from './follow-up.ts';

/** What the agent's hook is told of a turn that is over, and when a title is asked for. */

const finish: ModelPart = {
  type: 'finish',
  reason: 'stop',
  usage: { inputTokens: 7, outputTokens: 2, cacheReadTokens: 3 },
};
const failing: ModelPart = {
  type: 'failure',
  failure: { code: 'PROVIDER_ERROR', reason: 'quota', message: 'No.', retryable: false, diagnostic: '' },
};
type During = (
  turn: TurnInMemory,
  asked: ModelRequest,
) => Promise<readonly ModelPart[]> | readonly ModelPart[];

/** A session whose turns end, and the jobs that follow them. */
async function session(during: During, more: Parameters<typeof turnInMemory>[1] = {}) {
  const { queues, ended: jobs } = recordingPorts();
  const told: (EndedTurn & { at: HookCall })[] = [];
  const titles: ModelRequest[] = [];
  const logged: string[] = [];
  const { log: silent } = memoryCore();
  const log: Core['log'] = { ...silent, error: (text) => void logged.push(text), with: () => log };
  const model: Model = {
    provider: 'test',
    name: 'm',
    price: { currency: 'EUR', input: 1, output: 1 },
    async *stream(request) {
      yield* await during(turn, request);
    },
  };
  const hooks: Hooks = {
    limitMs: () => milliseconds(5000),
    async afterTurn(ended, at) {
      told.push({ ...ended, at });
    },
  };
  const titler: Model = {
    ...model,
    async *stream(request) {
      titles.push(request);
      yield { type: 'text', text: 'A title' };
      yield finish;
    },
  };
  const agent: SessionAgent = {
    name: 'guide',
    model,
    toolbox: idleToolbox,
    hooks,
    titler: async () => titler,
  };
  const served: Pick<Session, 'agent'>[] = [];
  const turn: TurnInMemory = await turnInMemory(model, {
    ...more,
    core: { queues, log, ...more.core },
    worker: { agentFor: async () => agent },
  });
  const context = {
    core: turn.core,
    agentFor: async (whose: Pick<Session, 'agent'>) => {
      served.push(whose);
      return agent;
    },
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
  };
  return {
    turn,
    told,
    titles,
    logged,
    served,
    jobs,
    async say(id: string, content = 'hello') {
      await turn.send(id, content);
      await turn.run();
    },
    follow: (job: EndedTurnJob | undefined) => {
      if (!job) throw new Error('no job');
      return followTurn(context, job);
    },
  };
}

const answering = (words: string): readonly ModelPart[] => [{ type: 'text', text: words }, finish];

describe('the hook after a turn', () => {
  it('is told how it was answered, of which model, and what it has used', async () => {
    const { say, follow, jobs, told, served } = await session(() => answering('Yes.'));
    await say('m');
    await follow(jobs[0]);
    expect(told).toMatchObject([
      {
        outcome: 'done',
        messages: [
          { role: 'user', content: 'hello' },
          { role: 'assistant', text: 'Yes.' },
        ],
        text: 'Yes.',
        steps: 1,
        usage: { input_tokens: 7, output_tokens: 2, cache_read_tokens: 3, cost: 0.000009, currency: 'EUR' },
        provider: 'test',
        model: 'm',
      },
    ]);
    expect(told[0]).not.toHaveProperty('code');
    // The agent that the turn began with, whatever the session has now.
    expect(served).toEqual([{ agent: 'guide' }]);
  });

  it('is told of a turn that was stopped, and of one that failed and why: neither has a title', async () => {
    const stopped = await session(async (turn) => {
      await turn.abort();
      return [{ type: 'text', text: 'Half' }];
    });
    await stopped.say('m');
    await stopped.follow(stopped.jobs[0]);
    expect(stopped.told).toMatchObject([{ outcome: 'aborted', text: expect.stringMatching(/^(Half)?$/) }]);
    expect(stopped.titles).toEqual([]);
    const failed = await session(() => [{ type: 'text', text: 'Half' }, failing]);
    await failed.say('m');
    await failed.follow(failed.jobs[0]);
    expect(failed.told).toMatchObject([{ outcome: 'error', code: 'PROVIDER_ERROR', text: 'Half', steps: 0 }]);
    expect(failed.titles).toEqual([]);
  });

  it('knows who asked, and is called with the same key again where its job is delivered again', async () => {
    const { say, follow, jobs, told } = await session(() => answering('Yes.'), {
      connection: { claims: JSON.stringify({ plan: 'pro' }), keepsToken: true },
    });
    await say('m');
    await say('n');
    for (const job of [jobs[0], jobs[0], jobs[1]]) await follow(job);
    const [one, again, other] = told.map(({ at }) => at);
    expect(again?.idempotencyKey).toBe(one?.idempotencyKey);
    expect(other?.idempotencyKey).not.toBe(one?.idempotencyKey);
    expect(one).toMatchObject({
      agent: 'guide',
      setup: {
        caller: {
          principal: { tenant: 'acme', subject: 'ann' },
          turnId: jobs[0]?.turn,
          claims: { plan: 'pro' },
        },
      },
    });
    expect(one?.setup.tokenLane).toBeDefined();
  });

  it('P3: is told each turn by itself, long or short, also where later turns are over', async () => {
    const words = ['short', 'é'.repeat(30_000), 'last'];
    let n = 0;
    const { say, follow, jobs, told } = await session(() => answering(words[n++] ?? ''));
    for (const id of ['a', 'b', 'c']) await say(id, `asked ${id}`);
    for (const job of jobs) await follow(job);
    expect(told.map(({ text }) => text)).toEqual(words);
    expect(told.map(({ messages }) => messages[0])).toEqual(
      ['a', 'b', 'c'].map((id) => ({ role: 'user', content: `asked ${id}` })),
    );
  });
});

describe('what follows a turn', () => {
  it('is nothing where not all of it can be read, and the log says so', async () => {
    const { say, follow, jobs, told, titles, logged } = await session(() => answering('é'.repeat(30_000)));
    await say('m');
    const [job] = jobs;
    if (!job) throw new Error('no job');
    await follow({ ...job, first: job.first + 1000 });
    expect([told, titles]).toEqual([[], []]);
    expect(logged).toEqual([expect.stringContaining('no hook is told')]);
    await follow(job);
    expect([told.length, titles.length]).toEqual([1, 1]);
  });

  it('is nothing where its session is gone', async () => {
    const { turn, say, follow, jobs, told, titles, served } = await session(() => answering('Yes.'));
    await say('m');
    const item = await turn.core.store.get(sessionKey(turn.session));
    if (!item) throw new Error('no session');
    await turn.core.store.delete(sessionKey(turn.session));
    await follow(jobs[0]);
    await turn.core.store.put(sessionKey(turn.session), { ...item, deleted: turn.core.clock.now() });
    await follow(jobs[0]);
    expect([told, titles, served]).toEqual([[], [], []]);
  });

  it('is a title, also where the hook fails', async () => {
    const { turn, say, follow, jobs, told, titles } = await session(() => answering('Yes.'));
    await say('m');
    told.push = () => {
      throw new Error('the hook fails');
    };
    await follow(jobs[0]);
    expect(titles).toHaveLength(1);
    expect(await turn.core.store.get(sessionKey(turn.session))).toMatchObject({ name: 'A title' });
  });
});
