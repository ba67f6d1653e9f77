import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { ElicitationAnswerFrame } from '../../protocol/client-frames.ts';
import type { GivenInput, Question } from '../elicitation.ts';
import { readEvents } from '../events/journal.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { answerQuestion } from '../inbound/answer-question.ts';
import type { Model, Toolbox } from '../model.ts';
import { sessionOf } from '../store/keys.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { mortal } from '../testing/mortal.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';
import { openQuestions } from './asked.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const WHO: Question = {
  key: 'who',
  server: 'books',
  mode: 'form',
  message: 'For whom?',
  fields: [{ name: 'name', type: 'string', required: true, max: 20 }],
};
const SECRET = 'a-name-that-nobody-keeps';
type Say = Omit<ElicitationAnswerFrame, 'type' | 'id'>;
const ANNS: Say = { action: 'accept', content: { name: 'Ann' } };

const calling = (ids: readonly string[]): Model => ({
  provider: 'test',
  name: 'borrows',
  async *stream({ messages }) {
    if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'done' };
    else for (const id of ids) yield { type: 'tool_call', id, name: 'borrow', args: {} };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
});

/** A turn whose tool asks, as often as there are rounds, and a user who answers at the third look at the lane. */
async function given({
  calls = ['call'],
  rounds = [[WHO]],
  idempotent = false,
  answers = [ANNS],
  seconds = 3600,
  onLook = async () => {},
}: {
  calls?: string[];
  rounds?: Question[][];
  idempotent?: boolean;
  /** Sent one after the other, for each question. */
  answers?: Say[];
  /** That the user has. */
  seconds?: number;
  onLook?: (turn: Awaited<ReturnType<typeof turnInMemory>>) => Promise<void>;
} = {}) {
  const told: (GivenInput | undefined)[] = [];
  const toolbox: Toolbox = {
    ...idleToolbox,
    isIdempotent: () => idempotent,
    async run(_call, { input }) {
      const round = input?.given ? Number(input.given.state) : 0;
      told.push(input?.given);
      const questions = rounds[round];
      if (questions) return { output: '', isError: true, asks: { questions, state: String(round + 1) } };
      return { output: { told: JSON.stringify(input?.given?.answers) }, isError: false };
    },
  };
  const table = new MemoryTable();
  const { beforeWrite, dyingAfter } = mortal();
  let isUser = false;
  const store = memoryStore(table, async (call, run) => {
    if (isWrite(call) && !isUser) beforeWrite();
    return run();
  });
  const { gateway, frames } = recordingPorts();
  let now = 1_800_000_000_000;
  let looks = 0;
  const say = async (id: string, answer: Say, subject = 'ann') => {
    const principal = { ...ANN, subject };
    const sessionId = asSessionId('s'.padEnd(22, '0'));
    const session = sessionOf(principal, sessionId);
    const connection = {
      principal,
      sessionId,
      session,
      lane: turn.lane,
      resumed: false,
      expires: 0 as never,
    };
    await answerQuestion(
      turn.core,
      { id: asConnectionId('c'), connection },
      { type: 'elicitation_answer', id, ...answer },
    );
    return frames.at(-1);
  };
  const eventsOf = () => readEvents(turn.core, turn.session, 1);
  const openNow = async () => openQuestions({ events: await eventsOf() }).map(({ id }) => id);
  const answerAll = async () => {
    for (const id of await openNow()) for (const answer of answers) await say(id, answer);
  };
  const clock = {
    now: () => epochMs(now),
    sleep: async (ms: number) => {
      now += ms;
      isUser = true;
      await onLook(turn);
      if ((await openNow()).length > 0 && ++looks % 3 === 0) await answerAll();
      isUser = false;
    },
  };
  const turn = await turnInMemory(calling(calls), {
    core: { store, clock, gateway },
    toolbox,
    settings: {
      MIDTURN_VISIBILITY_SECONDS: '2',
      MIDTURN_APPROVAL_HOLD_SECONDS: '30',
      MIDTURN_APPROVAL_TIMEOUT_SECONDS: `${seconds}`,
    },
  });
  await turn.send('m', 'borrow it');
  return {
    turn,
    told,
    frames,
    say,
    eventsOf,
    dyingAfter,
    answerAll,
    /** The lease of a worker that died is over. */
    leaseEnds: () => {
      now += 10_000;
    },
    stored: () => JSON.stringify([...table.all()]),
    left: () => [...table.all()].filter(({ sk }) => sk.startsWith('OUTPUT#')),
  };
}

type Given = Awaited<ReturnType<typeof given>>;
const typesOf = async ({ eventsOf }: Given) => (await eventsOf()).map(({ type }) => type);

describe('a question of a tool', () => {
  it('P13: is asked once, and the call goes on with the answer and the tool’s state', async () => {
    const one = await given();
    await one.turn.run();
    expect(await typesOf(one)).toEqual([
      'turn_start',
      'applied',
      'tool_call',
      'elicitation_request',
      'elicitation_resolved',
      'tool_result',
      'chunk',
      'done',
    ]);
    expect(one.told).toEqual([undefined, { answers: { who: ANNS }, state: '1' }]);
    expect(one.frames).toContainEqual({
      type: 'elicitation_answer',
      id: expect.anything(),
      action: 'accept',
    });
    expect(one.left()).toEqual([]);
  });

  it('can be one of several, and be followed by others: each round is told its own answers', async () => {
    const one = await given({ rounds: [[WHO, { ...WHO, key: 'also' }], [{ ...WHO, key: 'sure' }]] });
    await one.turn.run();
    expect(one.told).toEqual([
      undefined,
      { answers: { who: ANNS, also: ANNS }, state: '1' },
      { answers: { sure: ANNS }, state: '2' },
    ]);
  });

  it.each([false, true])(
    'P8: a worker that dies at any write asks nothing twice, and loses no answer (idempotent: %s)',
    async (idempotent) => {
      let died = true;
      let untold = 0;
      for (let writes = 0; died; writes++) {
        const one = await given({ idempotent });
        died = await one.dyingAfter(writes, () => one.turn.run());
        // The turn is over: what is left is to write its entries.
        if ((await one.turn.read())?.slot === undefined) break;
        one.leaseEnds();
        // A worker that holds the question no longer sets the turn down, and another one takes it up.
        while (died && (await one.turn.run()) === undefined) await one.answerAll();
        const events = await one.eventsOf();
        const requests = events.filter(({ type }) => type === 'elicitation_request');
        const resolved = events.filter((event) => event.type === 'elicitation_resolved');
        expect(requests.length).toBeLessThanOrEqual(1);
        expect(resolved).toMatchObject(requests.map(() => ({ action: 'accept', reason: 'answer' })));
        const results = events.filter((event) => event.type === 'tool_result');
        expect(results).toHaveLength(1);
        expect(events.at(-1)).toMatchObject({ type: 'done' });
        const goneOn = one.told.filter((input) => input !== undefined);
        for (const input of goneOn) expect(input).toEqual({ answers: { who: ANNS }, state: '1' });
        if (results[0]?.is_error) {
          untold++;
          expect(results[0].output).toContain('Unknown outcome');
          expect(goneOn.length).toBeLessThanOrEqual(1);
        } else expect(results[0]?.output).toEqual({ told: JSON.stringify({ who: ANNS }) });
      }
      // As of any call, a call that may have run is not made again: before the question is stored, and after it goes on.
      expect(untold > 0).toBe(!idempotent);
    },
  );

  it('is refused an answer that does not fit, by the name of its field, and stays open', async () => {
    const one = await given({
      answers: [{ action: 'accept', content: { name: 770077 } }, { action: 'accept' }, ANNS],
    });
    await one.turn.run();
    const refused = one.frames.filter(({ code }) => code === 'ELICITATION_CONTENT_INVALID');
    expect(refused).toMatchObject([
      { path: 'name', message: expect.stringContaining('"name"') },
      { path: 'name', message: expect.stringContaining('missing') },
    ]);
    expect(JSON.stringify(refused)).not.toContain('770077');
    expect(one.told.at(-1)?.answers).toEqual({ who: ANNS });
  });

  it('P12: takes the first answer, the same once more, no other one, and none of another principal', async () => {
    let asked: string | undefined;
    const one: Given = await given({
      answers: [],
      onLook: async () => {
        const request = (await one.eventsOf()).find((event) => event.type === 'elicitation_request');
        if (!request || asked) return;
        asked = request.request_id;
        const refused = { type: 'error', code: 'INVALID_ELICITATION_ANSWER', id: asked };
        expect(await one.say(asked, ANNS, 'bob')).toMatchObject(refused);
        for (const _ of [1, 2]) expect(await one.say(asked, ANNS)).toMatchObject({ action: 'accept' });
        expect(await one.say(asked, { action: 'decline' })).toMatchObject(refused);
      },
    });
    await one.turn.run();
    expect(one.told.at(-1)?.answers).toEqual({ who: ANNS });
    expect(await one.say(asked ?? '', ANNS)).toMatchObject({ code: 'INVALID_ELICITATION_ANSWER' });
  });

  it.each(['decline', 'cancel'] as const)(
    'that is answered by %s keeps nothing of the form',
    async (action) => {
      const one = await given({ answers: [{ action, content: { name: SECRET } }] });
      await one.turn.run();
      expect(one.told.at(-1)?.answers).toEqual({ who: { action } });
      expect(one.stored()).not.toContain(SECRET);
    },
  );

  it('is cancelled when nobody answers in time, and the tool is told', async () => {
    const one = await given({ answers: [], seconds: 5 });
    await one.turn.run();
    expect(one.told.at(-1)?.answers).toEqual({ who: { action: 'cancel' } });
    const events = await one.eventsOf();
    expect(events.find((event) => event.type === 'elicitation_resolved')).toMatchObject({
      reason: 'timeout',
    });
    expect(one.left()).toEqual([]);
  });

  it('is cancelled when the turn is stopped; the tool is not told, and its call has a result', async () => {
    const one = await given({
      answers: [],
      onLook: async (turn) => {
        const events = await readEvents(turn.core, turn.session, 1);
        if (events.some(({ type }) => type === 'elicitation_request')) await turn.abort();
      },
    });
    await one.turn.run();
    expect((await typesOf(one)).slice(-4)).toEqual([
      'elicitation_request',
      'elicitation_resolved',
      'tool_result',
      'aborted',
    ]);
    expect(one.told).toEqual([undefined]);
    expect(one.left()).toEqual([]);
  });

  it('is not asked for ever: a call that asks more than twenty in its rounds has a result that says so', async () => {
    const one = await given({
      rounds: Array.from({ length: 100 }, () => [WHO]),
      answers: [{ action: 'cancel' }],
      idempotent: true,
    });
    await one.turn.run();
    const events = await one.eventsOf();
    expect(events.filter(({ type }) => type === 'elicitation_request')).toHaveLength(20);
    const result = events.find((event) => event.type === 'tool_result');
    expect(result).toMatchObject({
      is_error: true,
      output: expect.stringContaining('more than 20 questions'),
    });
    expect(one.left()).toEqual([]);
  });

  it('has the rounds of its own call alone: those of another call of the turn leave it all of them', async () => {
    const one = await given({ calls: ['a', 'b'], rounds: Array.from({ length: 15 }, () => [WHO]) });
    await one.turn.run();
    const events = await one.eventsOf();
    expect(events.filter(({ type }) => type === 'elicitation_request')).toHaveLength(30);
    const results = events.flatMap((event) =>
      event.type === 'tool_result' ? [event.is_error ?? false] : [],
    );
    expect(results).toEqual([false, false]);
  });

  it('is not asked where more than eight would be open', async () => {
    const one = await given({ rounds: [Array.from({ length: 9 }, (_, n) => ({ ...WHO, key: `${n}` }))] });
    await one.turn.run();
    const result = (await one.eventsOf()).find((event) => event.type === 'tool_result');
    expect(result).toMatchObject({
      is_error: true,
      output: expect.stringContaining('more than 8 questions'),
    });
  });
});
