import { expect, it } from 'vitest';
import { AnswerWriter } from './ai-sdk/answer-writer.ts';
import type { Chunk } from './ai-sdk/ui-message.ts';
import { answerQuestion, misfitIn, questionsOf } from './elicitation.ts';
import type { EventFrame } from './protocol.ts';
import { givenChat, SECOND } from './testing/given-chat.ts';

const RESOLVED = { action: 'accept', reason: 'answer' } as const;

/** A running turn that asks, after what its story has so far. */
function asking(seq: number): [asked: EventFrame, resolved: EventFrame] {
  const turn = { turn_id: 'turn-1', request_id: 'r1' };
  return [
    {
      type: 'elicitation_request',
      seq: seq + 1,
      ...turn,
      tool_call_id: 'c1',
      tool: 'books_borrow',
      server: 'books',
      mode: 'form',
      message: 'For whom?',
      fields: [{ name: 'name', type: 'string', required: true }],
      timeout_secs: 60,
    },
    { type: 'elicitation_resolved', seq: seq + 2, ...turn, ...RESOLVED },
  ];
}

/** A chat whose running turn has asked. */
async function givenQuestion() {
  const { chat, clock, open, begin } = givenChat();
  const socket = await open();
  const events = begin('u1');
  const [asked, resolved] = asking(events.length);
  socket.deliver(...events.map((event) => ({ ...event, turn_id: 'turn-1' })), asked);
  return { clock, socket, resolved, questions: questionsOf(chat) };
}

it('questions of the running turn are listed, also those of before, until the turn is over', async () => {
  const { clock, socket, resolved, questions } = await givenQuestion();
  expect(questions.getSnapshot()).toEqual([]);
  const stop = questions.subscribe(() => {});
  await clock.advance(0);
  const [question] = questions.getSnapshot();
  expect(question).toMatchObject({ requestId: 'r1', server: 'books', message: 'For whom?' });
  expect(question && misfitIn(question, {})).toEqual({ field: 'name', complaint: 'it is missing' });
  expect(questions.getSnapshot()).toBe(questions.getSnapshot());
  socket.deliver(resolved);
  await clock.advance(0);
  expect(questions.getSnapshot()).toMatchObject([{ requestId: 'r1', resolved: RESOLVED }]);
  socket.deliver({ type: 'aborted', seq: resolved.seq + 1, turn_id: 'turn-1', full_response: '', by: 'ann' });
  await clock.advance(0);
  expect(questions.getSnapshot()).toEqual([]);
  stop();
});

it('whoever listens again, while the turn runs or after it, sees what is open then', async () => {
  const { clock, socket, resolved, questions } = await givenQuestion();
  const heard: number[] = [];
  const listen = () => questions.subscribe(() => heard.push(questions.getSnapshot().length));
  listen()();
  const stop = listen();
  await clock.advance(0);
  // One reader: each change is told once.
  expect([questions.getSnapshot().length, heard]).toEqual([1, [1]]);
  socket.deliver(resolved);
  await clock.advance(0);
  expect(heard).toEqual([1, 1]);
  stop();
  socket.deliver({ type: 'aborted', seq: resolved.seq + 1, turn_id: 'turn-1', full_response: '', by: 'ann' });
  await clock.advance(0);
  listen();
  expect(questions.getSnapshot()).toEqual([]);
});

it('one who listens hears of changes until he leaves, whoever has left before', async () => {
  const { clock, socket, resolved, questions } = await givenQuestion();
  const heard = { one: 0, two: 0 };
  const leaveOne = questions.subscribe(() => (heard.one += 1));
  const leaveTwo = questions.subscribe(() => (heard.two += 1));
  await clock.advance(0);
  leaveOne();
  socket.deliver(resolved);
  await clock.advance(0);
  expect([heard, questions.getSnapshot().length]).toEqual([{ one: 1, two: 2 }, 1]);
  leaveTwo();
  expect(questions.getSnapshot()).toEqual([]);
  socket.deliver({ type: 'aborted', seq: resolved.seq + 1, turn_id: 'turn-1', full_response: '', by: 'ann' });
  await clock.advance(0);
  expect(heard).toEqual({ one: 1, two: 2 });
});

it('an answer and then another one are two frames: the server says which counted', async () => {
  const { chat, open } = givenChat();
  const socket = await open();
  const first = answerQuestion(chat, 'r1', { action: 'accept', content: { name: 'Ann' } });
  const second = answerQuestion(chat, 'r1', { action: 'decline' });
  await new Promise(setImmediate);
  expect(socket.sentOf('elicitation_answer').map(({ action }) => action)).toEqual(['accept', 'decline']);
  socket.deliver({ type: 'elicitation_answer', id: 'r1', action: 'accept' });
  expect(await first).toBe(true);
  const refused = { code: 'INVALID_ELICITATION_ANSWER', message: 'Answered.', terminal: false } as const;
  socket.deliver({ type: 'error', ...refused, retryable: false, id: 'r1' });
  expect(await second).toBe(false);
});

it('an answer is sent until the server has it, also over another connection; one that came too late is told', async () => {
  const { chat, clock, open } = givenChat();
  const first = await open();
  const answer = { action: 'accept', content: { name: 'Ann' } } as const;
  const taken = answerQuestion(chat, 'r1', answer);
  const frame = { type: 'elicitation_answer', id: 'r1', ...answer };
  expect(first.sentOf('elicitation_answer')).toEqual([frame]);
  first.cut();
  await clock.advance(5 * SECOND);
  const second = await open();
  expect(second.sentOf('elicitation_answer')).toEqual([frame]);
  second.deliver({ type: 'elicitation_answer', id: 'r1', action: 'accept' });
  expect(await taken).toBe(true);
  const declined = answerQuestion(chat, 'r2', { action: 'decline', content: { name: 'Ann' } });
  expect(second.sentOf('elicitation_answer').at(-1)).toEqual({
    type: 'elicitation_answer',
    id: 'r2',
    action: 'decline',
  });
  const refused = { type: 'error', message: '', terminal: false, retryable: false, id: 'r2' } as const;
  second.deliver({ ...refused, code: 'INVALID_ELICITATION_ANSWER' });
  expect(await declined).toBe(false);
  const unfit = answerQuestion(chat, 'r2', answer);
  second.deliver({ ...refused, code: 'ELICITATION_CONTENT_INVALID' });
  await expect(unfit).rejects.toMatchObject({ code: 'ELICITATION_CONTENT_INVALID' });
});

it('`useChat` has a question as a data part, and what became of it as the same part', () => {
  const chunks: Chunk[] = [];
  const writer = new AnswerWriter((chunk) => chunks.push(chunk), {
    isShown: () => true,
    isAsked: () => false,
  });
  for (const event of asking(0)) writer.add(event);
  const part = { type: 'data-midturn-elicitation', id: 'r1' };
  expect(chunks).toMatchObject([
    { ...part, data: { server: 'books', fields: [{ name: 'name' }] } },
    { ...part, data: { server: 'books', resolved: RESOLVED } },
  ]);
});
