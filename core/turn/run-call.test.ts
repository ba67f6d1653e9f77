import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { answerQuestion } from '../inbound/answer-question.ts';
import type { Model, ModelPart, Toolbox, TurnNews } from '../model.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import { openQuestions } from './asked.ts';

/** What the agent's code that looks on is told of a call, and what the tool is given. */

const MAX_MS = milliseconds(60_000);
const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const model: Model = {
  provider: 'test',
  name: 'looks once',
  async *stream({ messages }) {
    if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'So.' };
    else yield { type: 'tool_call', id: 'c', name: 'look', args: { n: 1 } };
    yield finish;
  },
};
type ToolNews = Extract<TurnNews, { call: unknown }>;

/** Runs a turn whose tool does this. A user answers each question at once. */
async function ran(
  run: (
    ...given: [...Parameters<Toolbox['run']>, { ms(n: number): Promise<void> }]
  ) => ReturnType<Toolbox['run']>,
) {
  const clock = virtualClock();
  const told: ToolNews[] = [];
  const counted: string[] = [];
  const runs: Parameters<Toolbox['run']>[] = [];
  const ms = (n: number) => clock.sleep(milliseconds(n));
  const { gateway } = recordingPorts();
  const sessionId = asSessionId('s'.padEnd(22, '0'));
  const turn = await turnInMemory(model, {
    toolbox: {
      ...idleToolbox,
      timeLimitMs: () => milliseconds(10_000),
      run(...given) {
        runs.push(given);
        return run(...given, { ms });
      },
    },
    observer: {
      tell: (news) => {
        if ('call' in news) told.push(news);
      },
      settled: async () => {},
    },
    worker: { maxToolMs: MAX_MS },
    core: {
      gateway,
      metrics: {
        ...memoryCore().metrics,
        countBy: (metric, part) => void (metric === 'ClientCalls' && counted.push(part)),
      },
      clock: {
        ...clock,
        now: clock.now,
        async sleep(duration, signal) {
          await clock.sleep(duration, signal);
          if (signal?.aborted) return;
          const events = await readEvents(turn.core, turn.session, 1);
          for (const { id } of openQuestions({ events })) {
            const connection = {
              principal: { tenant: 'acme', subject: 'ann' },
              sessionId,
              session: turn.session,
              lane: turn.lane,
              resumed: false,
              expires: 0 as never,
            };
            const sender = { id: asConnectionId('c'), connection };
            await answerQuestion(turn.core, sender, {
              type: 'elicitation_answer',
              id,
              action: 'accept',
              content: { name: 'Ann' },
            });
          }
        },
      },
    },
    settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '30' },
  });
  await turn.send('m', 'go');
  expect(await turn.run()).toBe(1);
  return { told, runs, counted };
}

describe('the code that looks on', () => {
  it('is told when a tool starts and ends, what it gave, and how long it took', async () => {
    const { told, runs } = await ran(async (_call, _given, { ms }) => {
      await ms(2345);
      return { output: 'found', isError: false };
    });
    const call = { id: 'c', name: 'look', args: { n: 1 } };
    expect(told).toMatchObject([
      { type: 'tool_started', call },
      { type: 'tool_ended', call, outcome: { output: 'found', isError: false }, ms: 2345 },
    ]);
    expect(runs[0]?.[1].idempotencyKey).toBe(`${told[0]?.turnId}:c`);
  });

  it('is told that a tool has ended which takes too long, and the tool is told to stop', async () => {
    const stopped: unknown[] = [];
    const { told } = await ran(
      (_call, { signal }) =>
        new Promise(() => signal.addEventListener('abort', () => stopped.push(signal.reason))),
    );
    expect(stopped).toEqual(['time limit']);
    expect(told).toMatchObject([
      { type: 'tool_started' },
      {
        type: 'tool_ended',
        outcome: { output: 'Stopped: the tool was not done after 10 s.', isError: true },
        ms: 10_000,
      },
    ]);
  });

  it('is told once that a tool starts which asks the user, and that it ends when it has its answer', async () => {
    const { told, runs, counted } = await ran(async (_call, { input }) =>
      input?.given
        ? { output: 'lent', isError: false }
        : {
            output: '',
            isError: true,
            asks: {
              questions: [
                {
                  key: 'who',
                  server: 'books',
                  mode: 'form',
                  message: 'For whom?',
                  fields: [{ name: 'name', type: 'string', required: true, max: 20 }],
                },
              ],
            },
          },
    );
    expect(runs).toHaveLength(2);
    expect(counted).toEqual(['answered']);
    expect(told.map((news) => [news.type, 'outcome' in news && news.outcome.output])).toEqual([
      ['tool_started', false],
      ['tool_ended', 'lent'],
    ]);
  });
});
