import { describe, expect, it } from 'vitest';
import { isEvent } from '../../conformance/frames.ts';
import { Broken, Skipped } from '../../conformance/outcome.ts';
import { ALWAYS } from '../../conformance/rules/always.ts';
import type { Recording } from '../../conformance/server.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';

/** A connection that received these frames. */
function connection(
  received: readonly object[],
  more: { wrong?: string[]; largest?: number } = {},
): Recording {
  const frames = received as ServerFrame[];
  const peer = { received: frames, events: frames.filter(isEvent), wrong: [], largest: 0, ...more };
  return { rule: 'order-a', peer: peer as unknown as Recording['peer'], session: 's' };
}

/** What a watch makes of these connections. */
function judged(name: string, ...recordings: Recording[]): string {
  const watch = ALWAYS.find((rule) => rule.name === name);
  if (!watch) throw new Error(`no watch ${name}`);
  try {
    watch.judge(recordings);
    return 'passed';
  } catch (error) {
    if (error instanceof Broken) return `failed: ${error.message}`;
    if (error instanceof Skipped) return 'skipped';
    throw error;
  }
}

const event = (seq: number, type: string, more: object = {}, turn_id = 't1') => ({
  type,
  seq,
  turn_id,
  ...more,
});
const begin = (seq: number, turn = 't1') => event(seq, 'turn_start', { message_ids: [] }, turn);
const chunk = (seq: number, content: string, offset: number, turn = 't1') =>
  event(seq, 'chunk', { content, offset }, turn);
const done = (seq: number, full_response: string | null, turn = 't1') =>
  event(seq, 'done', { full_response }, turn);
const start = (frame_bytes: number) => ({ type: 'session_start', limits: { frame_bytes } });

describe('what is watched on every connection', () => {
  it.each<[string, string, Recording[]]>([
    ['always-frames-valid', 'skipped', [connection([])]],
    ['always-frames-valid', 'passed', [connection([]), connection([{ type: 'pong' }])]],
    [
      'always-frames-valid',
      'failed: in order-a: not JSON',
      [connection([{ type: 'pong' }]), connection([], { wrong: ['not JSON', 'more'] })],
    ],
    ['always-frame-size', 'skipped', [connection([{ type: 'pong' }], { largest: 900 })]],
    ['always-frame-size', 'passed', [connection([start(100)], { largest: 100 })]],
    [
      'always-frame-size',
      'failed: a frame has 101 bytes, the limit is 100',
      [connection([start(200)], { largest: 150 }), connection([start(100)], { largest: 101 })],
    ],
    ['always-seq', 'skipped', [connection([{ type: 'pong' }])]],
    ['always-seq', 'passed', [connection([begin(7), { type: 'pong' }, chunk(8, 'a', 0)])]],
    [
      'always-seq',
      'failed: in order-a: event 8 is followed by 10',
      [connection([begin(1)]), connection([begin(7), chunk(8, 'a', 0), chunk(10, 'b', 1)])],
    ],
    [
      'always-seq',
      'failed: in order-a: event 8 is followed by 8',
      [connection([begin(7), chunk(8, 'a', 0), chunk(8, 'a', 0)])],
    ],
    ['always-offsets', 'passed', [connection([begin(1), chunk(2, '😀', 0), chunk(3, 'b', 2)])]],
    [
      'always-offsets',
      'failed: in order-a: a chunk after 1 characters has the offset 2',
      [connection([begin(1), chunk(2, 'a', 0), chunk(3, 'b', 2)])],
    ],
    // A turn that is not whole here says nothing of offsets.
    ['always-offsets', 'passed', [connection([chunk(2, 'b', 9), chunk(3, 'c', 2)])]],
    ['always-offsets', 'passed', [connection([begin(1), chunk(3, 'c', 9)])]],
    // In whatever order the events came: another watch is about that.
    ['always-offsets', 'passed', [connection([chunk(3, 'b', 1), begin(1), chunk(2, 'a', 0), begin(1)])]],
    ['always-full-response', 'passed', [connection([begin(1), chunk(2, 'ab', 0), done(3, 'ab')])]],
    ['always-full-response', 'passed', [connection([begin(1), chunk(2, 'ab', 0), done(3, null)])]],
    ['always-full-response', 'passed', [connection([begin(1), chunk(2, 'ab', 0)])]],
    [
      'always-full-response',
      'failed: in order-a: done has "a", the chunks are "ab"',
      [connection([begin(1), chunk(2, 'ab', 0), done(3, 'a')])],
    ],
    [
      'always-full-response',
      'failed: in order-a: done has "d", the chunks are "c"',
      [connection([begin(1), done(2, ''), begin(3, 't2'), chunk(4, 'c', 0, 't2'), done(5, 'd', 't2')])],
    ],
    [
      'always-nothing-after-the-end',
      'passed',
      [connection([begin(1), done(2, ''), begin(3, 't2'), chunk(4, 'c', 0, 't2')])],
    ],
    [
      'always-nothing-after-the-end',
      'failed: in order-a: after the turn’s end: {"type":"chunk","seq":3,"turn_id":"t1","content":"a","offset":0}',
      [connection([begin(1), done(2, ''), chunk(3, 'a', 0)])],
    ],
    [
      'always-nothing-after-the-end',
      'failed: in order-a: while turn t1 ran: {"type":"turn_start","seq":2,"turn_id":"t2","message_ids":[]}',
      [connection([begin(1), begin(2, 't2')])],
    ],
  ])('%s: %s', (name, outcome, recordings) => {
    expect(judged(name, ...recordings)).toBe(outcome);
  });
});
