import { describe, expect, it } from 'vitest';
import type { HistoryEntry, ServerFrame } from '../../protocol/server-frames.ts';
import { brokenPromises, type SessionRecord } from './promises.ts';

const turn_id = 't1';
const done = {
  type: 'done',
  full_response: 'draftfinal',
  input_tokens: 1,
  output_tokens: 1,
  tokens_used: 2,
  last_input_tokens: 1,
  model: 'm',
  provider: 'p',
  steps: 2,
} as const;

const frames = [
  { type: 'accepted', id: 'a', turn_id, placement: 'turn', position: 0 },
  { type: 'turn_start', seq: 1, turn_id, message_ids: ['a'] },
  { type: 'applied', seq: 2, turn_id, messages: [{ id: 'a', content: 'first' }], step: 1 },
  { type: 'chunk', seq: 3, turn_id, content: 'draft', offset: 0 },
  { type: 'applied', seq: 4, turn_id, messages: [{ id: 'b', content: 'second' }], step: 2 },
  { type: 'chunk', seq: 5, turn_id, content: 'final', offset: 5 },
  { ...done, seq: 6, turn_id },
] satisfies ServerFrame[];

const transcript = [
  { n: 1, turn_id, role: 'user', id: 'a', content: 'first', at: 0, step: 1 },
  { n: 2, turn_id, role: 'assistant', content: 'draft' },
  { n: 3, turn_id, role: 'user', id: 'b', content: 'second', at: 0, step: 2 },
  { n: 4, turn_id, role: 'assistant', content: 'final' },
] satisfies HistoryEntry[];

const kept: SessionRecord = {
  frames,
  sent: [
    { id: 'a', content: 'first' },
    { id: 'b', content: 'second' },
  ],
  transcript,
};

const replaced = <T>(list: readonly T[], at: number, ...items: T[]): T[] => list.toSpliced(at, 1, ...items);

it('finds nothing in a session that kept its promises, also when events were repeated', () => {
  expect(brokenPromises(kept)).toEqual([]);
  expect(brokenPromises({ ...kept, frames: [...frames, ...frames.slice(3, 5)] })).toEqual([]);
});

it('finds nothing where events came out of order, or a long text was left out of `done`', () => {
  expect(brokenPromises({ ...kept, frames: [...frames.slice(3), ...frames.slice(0, 3)] })).toEqual([]);
  const long = replaced<ServerFrame>(frames, 6, { ...done, seq: 6, turn_id, full_response: null });
  expect(brokenPromises({ ...kept, frames: long })).toEqual([]);
});

it('tells two turns apart, whose events and entries follow one another', () => {
  const again = (frame: ServerFrame) =>
    'seq' in frame ? { ...frame, seq: frame.seq + 6, turn_id: 't2' } : frame;
  const second = frames.slice(1).map((frame) => {
    const next = again(frame) as ServerFrame;
    return next.type === 'applied'
      ? { ...next, messages: next.messages.map((one) => ({ ...one, id: `${one.id}2` })) }
      : next;
  });
  const entries = transcript.map((entry) => ({
    ...entry,
    n: entry.n + 4,
    turn_id: 't2',
    ...('id' in entry && { id: `${entry.id}2` }),
  })) as HistoryEntry[];
  const both = {
    frames: [...frames, ...second],
    sent: [...kept.sent, { id: 'a2', content: 'first' }, { id: 'b2', content: 'second' }],
    transcript: [...transcript, ...entries],
  };
  expect(brokenPromises(both)).toEqual([]);
  const call = { n: 9, turn_id, role: 'tool_call', id: 'c', name: 'wait', args: {} } as const;
  const result = {
    n: 10,
    turn_id: 't2',
    role: 'tool_result',
    id: 'c',
    name: 'wait',
    output: 1,
  } as unknown as HistoryEntry;
  expect(brokenPromises({ ...both, transcript: [...both.transcript, call, result] })).toEqual([
    'P13: calls and results of tools are not paired',
  ]);
  const overlapping = both.frames.map((frame) => {
    if (!('seq' in frame)) return frame;
    const at = { 6: 7, 7: 6 }[frame.seq];
    return at === undefined ? frame : { ...frame, seq: at };
  });
  expect(brokenPromises({ ...both, frames: overlapping as ServerFrame[] })).toEqual([
    'P5: turn t1 overlaps with another one',
    'P5: turn t2 overlaps with another one',
  ]);
});

describe('names the promise that a session broke', () => {
  const [, , , chunk] = frames;
  const user = transcript[2];
  const call = { n: 5, turn_id, role: 'tool_call', id: 'c', name: 'wait', args: {} } as const;

  it.each<[string, Partial<SessionRecord>]>([
    ['P9: event 3 never came', { frames: replaced<ServerFrame>(frames, 3) }],
    ['P9: event 3 came twice', { frames: [...frames, { ...chunk, content: 'other' } as ServerFrame] }],
    [
      'P3: full_response',
      { frames: replaced<ServerFrame>(frames, 6, { ...done, seq: 6, turn_id, full_response: 'draft' }) },
    ],
    ['P3: chunk 3', { frames: replaced<ServerFrame>(frames, 3, { ...chunk, offset: 1 } as ServerFrame) }],
    ['P3: the stored text', { transcript: transcript.slice(0, 3) }],
    ['P5: turn t1 has no end', { frames: frames.slice(0, 6) }],
    ['P1: message b is in the transcript 0 times', { transcript: replaced<HistoryEntry>(transcript, 2) }],
    ['P1: message b is in the transcript 2 times', { transcript: [...transcript, user as HistoryEntry] }],
    [
      'P1: message b was stored with another content',
      {
        transcript: replaced<HistoryEntry>(transcript, 2, {
          ...transcript[2],
          content: 'other',
        } as HistoryEntry),
      },
    ],
    [
      'P5: turn t1 overlaps',
      { frames: replaced<ServerFrame>(frames, 1, { ...frames[2], seq: 1 } as ServerFrame) },
    ],
    ['P2: message b', { sent: kept.sent.slice(0, 1) }],
    ['P6: messages', { transcript: replaced<HistoryEntry>(transcript, 2) }],
    ['P13: calls', { transcript: [...transcript, call] }],
  ])('%s', (line, change) => {
    expect(brokenPromises({ ...kept, ...change })).toContainEqual(expect.stringContaining(line));
  });
});
