import type { Case, Step } from '../case.ts';
import {
  accepted,
  answer,
  begun,
  chunk,
  cutNow,
  DONE,
  events,
  OPEN,
  resumedAfter,
  running,
  say,
  unsent,
  upTo,
} from './scene.ts';

const TURN = [...begun('a', 'Hello'), chunk('One '), chunk('two '), chunk('three.'), DONE];

/** The connection is lost after the first `sent` events of a turn of six, and the others happen meanwhile. */
const cutAfter = (sent: number): Case => ({
  name: `resume-cut-after-${sent}`,
  promise: 'P9 P14',
  points: ['4.3.3', '7.1.1'],
  says: `after event ${sent} of 6 the connection is lost: the client resumes after it, with its lane`,
  steps: [
    OPEN,
    ...say('a', 'Hello'),
    { post: [accepted('a'), ...events(...TURN.slice(0, sent)), ...unsent(...TURN.slice(sent))] },
    { see: { events: upTo(sent) } },
    cutNow,
    { expect: { type: 'connect', resume: { lane: 'lane-1', after_seq: sent } } },
    { see: { events: upTo(6), messages: { a: 'applied' } } },
  ],
});

const codes: readonly [code: number, what: string][] = [
  [1000, 'because the client fell behind'],
  [1001, 'after two hours'],
];

const closedWith = ([code, what]: [number, string]): Case => ({
  name: `resume-closed-with-${code}`,
  promise: 'P9 P14',
  points: ['11.2.1', '7.1.1'],
  says: `the server closes the connection ${what} (${code}): the client resumes`,
  steps: [
    ...running,
    { see: { events: upTo(3) } },
    { cut: code },
    resumedAfter(3),
    { post: events(chunk('two.'), DONE) },
    { see: { events: upTo(5), messages: { a: 'applied' } } },
  ],
});

const loadTurn: Step[] = [{ see: { events: upTo(3) } }];

export const RESUME: readonly Case[] = [
  ...[1, 2, 3, 4, 5, 6].map(cutAfter),
  ...codes.map(([code, what]) => closedWith([code, what])),
  {
    name: 'resume-cut-in-replay',
    promise: 'P9 P14',
    points: ['7.1.1'],
    says: 'the connection is lost again in the middle of the replay: the client goes on from there',
    steps: [
      ...running,
      ...loadTurn,
      answer({ cutAfter: 2 }),
      { post: unsent(chunk('two '), chunk('three '), chunk('four.'), DONE) },
      cutNow,
      resumedAfter(3),
      resumedAfter(5),
      { see: { events: upTo(7), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'resume-replay-repeats',
    promise: 'P9',
    points: ['5.3.4', '7.1.5'],
    says: 'a replay that begins before what was asked for brings nothing twice',
    steps: [
      ...running,
      ...loadTurn,
      answer({ replay: [{ seq: 2 }, { seq: 3 }, { seq: 4 }, { seq: 4 }, { seq: 5 }] }),
      { post: unsent(chunk('two.'), DONE) },
      cutNow,
      resumedAfter(3),
      { see: { events: upTo(5), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'resume-start-twice',
    promise: 'P9',
    points: ['5.3.4', '7.1.1'],
    says: 'the same `session_start` again changes nothing',
    steps: [
      answer({ startTwice: true }),
      OPEN,
      ...say('a', 'Hello'),
      { post: [accepted('a'), ...events(...begun('a', 'Hello'), chunk('One '))] },
      ...loadTurn,
      answer({ startTwice: true }),
      cutNow,
      resumedAfter(3),
      { post: events(chunk('two.'), DONE) },
      { see: { events: upTo(5), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'resume-worker-replaced',
    promise: 'P3 P9',
    points: ['5.2.3', '5.3.4'],
    says: 'the function of a turn was replaced: its last events come again, and the text goes on where it was',
    steps: [
      ...running,
      {
        post: [
          { seq: 3 },
          ...events({ type: 'tool_call', id: 'c1', name: 'wait', args: {} }),
          { seq: 3 },
          { seq: 4 },
          ...events(
            { type: 'tool_result', id: 'c1', name: 'wait', output: 'The function ended.', is_error: true },
            chunk('two.'),
            DONE,
          ),
        ],
      },
      { see: { events: upTo(7), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'resume-first-sight',
    promise: 'P9',
    points: ['7.2.2', '8.1.4'],
    says: 'a client without any memory reads the transcript, and the running turn from its first event',
    transcript: [
      { n: 1, turn_id: 'turn-0', role: 'user', id: 'old', content: 'Hi', at: 1, step: 1 },
      { n: 2, turn_id: 'turn-0', role: 'x-mystery', content: 'unknown' },
      { n: 3, turn_id: 'turn-0', role: 'assistant', content: 'Hi.' },
      { n: 4, turn_id: 'turn-0', role: 'event', event: { type: 'x-mystery', seq: 1, turn_id: 'turn-0' } },
    ],
    steps: [
      {
        post: unsent(
          { type: 'turn_start', message_ids: ['other'] },
          { type: 'applied', messages: [{ id: 'other', content: 'Hello' }], step: 1 },
          chunk('One '),
          chunk('two '),
        ),
      },
      OPEN,
      { expect: { type: 'connect', resume: undefined } },
      { expect: { type: 'history' } },
      resumedAfter(0),
      { post: events(chunk('three.'), DONE) },
      { see: { events: upTo(6) } },
    ],
  },
  {
    name: 'resume-expired-events',
    promise: 'P9',
    points: ['7.3.2'],
    says: 'after `history_gap` the client reads the transcript, and goes on with the events that there are',
    steps: [
      ...running,
      ...loadTurn,
      { post: unsent(chunk('two '), DONE, ...begun('b', 'Later'), chunk('Now ')) },
      answer({
        replay: [
          { reply: { type: 'history_gap', after_seq: 3, available_from: 6 } },
          { seq: 6 },
          { seq: 7 },
          { seq: 8 },
        ],
      }),
      cutNow,
      resumedAfter(3),
      { expect: { type: 'history' } },
      { post: events(chunk('it is.'), DONE) },
      { see: { events: [1, 2, 3, 6, 7, 8, 9, 10] } },
    ],
  },
];
