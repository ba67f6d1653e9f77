import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { EVENTS, eventFrame } from '../../protocol/events.ts';
import { anyText } from '../../test/support/text.ts';
import { asLaneId, asMessageId, asRequestId, asTurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import { commitInMemory } from '../testing/commit-in-memory.ts';
import { entriesOf } from './entries.ts';
import type { EventDraft, TurnEvent } from './events.ts';
import { decodeEvents, encodeEvents, frameOf, numbered, seqOf } from './events.ts';
import { UnreadableEvent } from './stored-event.ts';

const draft = fc.oneof(
  fc.record({ type: fc.constant('chunk' as const), content: anyText(), offset: fc.nat() }),
  fc.record({ type: fc.constant('thinking' as const), content: anyText() }),
  fc.record({
    type: fc.constant('tool_call' as const),
    id: anyText(),
    name: anyText(),
    args: fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value))),
  }),
  fc.record({ type: fc.constant('aborted' as const), by: anyText(), first: fc.nat() }),
);
/** Of two turns, in any order, so that the turn changes here and there. */
const events = fc
  .array(fc.tuple(draft, fc.constantFrom(asTurnId('one'), asTurnId('two'))))
  .map((list) => list.map(([event, turn], at) => numbered(event, at + 1, turn)));
/** What JSON makes of it: it knows no negative zero. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('events as an item holds them', () => {
  it('are the same when they are read again', () => {
    fc.assert(
      fc.property(events, (list) => {
        const texts = encodeEvents(list);
        expect(decodeEvents(texts)).toEqual(plain(list));
        expect(texts.map(seqOf)).toEqual(list.map(({ seq }) => seq));
      }),
    );
  });

  it('a later part of them, written anew, is whole by itself; and what is added by itself says whose it is', () => {
    fc.assert(
      fc.property(events, fc.nat(), (list, n) => {
        const at = n % (list.length + 1);
        const [before, after] = [list.slice(0, at), list.slice(at)];
        expect(decodeEvents(encodeEvents(after))).toEqual(plain(after));
        expect(decodeEvents([...encodeEvents(before), ...encodeEvents(after)])).toEqual(plain(list));
      }),
    );
  });

  it('a chunk is little longer than its text', () => {
    const chunk: TurnEvent = {
      type: 'chunk',
      seq: 1234,
      turn: asTurnId('a turn of some length'),
      content: 'words',
      offset: 100,
    };
    const [, next = ''] = encodeEvents([chunk, { ...chunk, seq: 1235, offset: 105 }]);
    expect(next).toBe('[1235,"words",105]');
  });
});

const raw = String.raw;
const M1 = asMessageId('m1');
const M2 = asMessageId('m2');

/** An event, its stored text and its frame, as they were before the events had a table. */
const PINNED: readonly [EventDraft, stored: string, frame: string][] = [
  [
    { type: 'turn_start', message_ids: [M1, M2], entry: 5, at: epochMs(1700000000000) },
    '[1,"turn_start",{"message_ids":["m1","m2"],"entry":5,"at":1700000000000},"t"]',
    '{"type":"turn_start","seq":1,"turn_id":"t","message_ids":["m1","m2"]}',
  ],
  [
    {
      type: 'applied',
      messages: [
        { id: M1, content: 'Hello', at: epochMs(1700000000000) },
        {
          id: M2,
          content: [
            { type: 'text', text: 'This?' },
            { type: 'image', url: 'https://example.com/a.png' },
          ],
          at: epochMs(1700000000001),
        },
      ],
      step: 1,
    },
    '[2,"applied",{"messages":[{"id":"m1","content":"Hello","at":1700000000000},{"id":"m2","content":[{"type":"text","text":"This?"},{"type":"image","url":"https://example.com/a.png"}],"at":1700000000001}],"step":1}]',
    '{"type":"applied","seq":2,"turn_id":"t","messages":[{"id":"m1","content":"Hello"},{"id":"m2","content":[{"type":"text","text":"This?"},{"type":"image","url":"https://example.com/a.png"}]}],"step":1}',
  ],
  [
    { type: 'chunk', content: 'Hé', offset: 0 },
    '[3,"Hé",0]',
    '{"type":"chunk","seq":3,"turn_id":"t","content":"Hé","offset":0}',
  ],
  [
    { type: 'thinking', content: 'Hm.' },
    '[4,"thinking",{"content":"Hm."}]',
    '{"type":"thinking","seq":4,"turn_id":"t","content":"Hm."}',
  ],
  [
    { type: 'tool_call', id: 'c1', name: 'wait', args: { seconds: 1, list: [null, true] } },
    '[5,"tool_call",{"id":"c1","name":"wait","args":{"seconds":1,"list":[null,true]}}]',
    '{"type":"tool_call","seq":5,"turn_id":"t","id":"c1","name":"wait","args":{"seconds":1,"list":[null,true]}}',
  ],
  [
    { type: 'tool_result', id: 'c1', name: 'wait', output: { waited: [1] } },
    '[6,"tool_result",{"id":"c1","name":"wait","output":{"waited":[1]}}]',
    raw`{"type":"tool_result","seq":6,"turn_id":"t","id":"c1","name":"wait","output":"{\"waited\":[1]}","json":true}`,
  ],
  [
    { type: 'tool_result', id: 'c2', name: 'wait', output: 'no', is_error: true, truncated: true },
    '[7,"tool_result",{"id":"c2","name":"wait","output":"no","is_error":true,"truncated":true}]',
    '{"type":"tool_result","seq":7,"turn_id":"t","id":"c2","name":"wait","output":"no","is_error":true,"truncated":true}',
  ],
  [
    {
      type: 'approval_request',
      request_id: asRequestId('r1'),
      tool_call_id: 'c1',
      tool: 'wait',
      arguments_summary: '{"seconds":1}',
      timeout_secs: 300,
      at: epochMs(1700000000002),
    },
    raw`[8,"approval_request",{"request_id":"r1","tool_call_id":"c1","tool":"wait","arguments_summary":"{\"seconds\":1}","timeout_secs":300,"at":1700000000002}]`,
    raw`{"type":"approval_request","seq":8,"turn_id":"t","request_id":"r1","tool_call_id":"c1","tool":"wait","arguments_summary":"{\"seconds\":1}","timeout_secs":300,"at":1700000000002}`,
  ],
  [
    {
      type: 'approval_resolved',
      request_id: asRequestId('r1'),
      decision: 'deny',
      reason: 'answer',
      by: 'ann',
    },
    '[9,"approval_resolved",{"request_id":"r1","decision":"deny","reason":"answer","by":"ann"}]',
    '{"type":"approval_resolved","seq":9,"turn_id":"t","request_id":"r1","decision":"deny","reason":"answer","by":"ann"}',
  ],
  [
    { type: 'history_trimmed', dropped_messages: 4, kept_turns: 2, reason: 'context_tokens' },
    '[10,"history_trimmed",{"dropped_messages":4,"kept_turns":2,"reason":"context_tokens"}]',
    '{"type":"history_trimmed","seq":10,"turn_id":"t","dropped_messages":4,"kept_turns":2,"reason":"context_tokens"}',
  ],
  [
    { type: 'model_changed', model: 'b', provider: 'q', fallback_from: 'p:a', reason: 'throttled' },
    '[11,"model_changed",{"model":"b","provider":"q","fallback_from":"p:a","reason":"throttled"}]',
    '{"type":"model_changed","seq":11,"turn_id":"t","model":"b","provider":"q","fallback_from":"p:a","reason":"throttled"}',
  ],
  [
    {
      type: 'done',
      first: 1,
      input_tokens: 10,
      output_tokens: 5,
      last_input_tokens: 7,
      model: 'b',
      provider: 'q',
      fallback_from: 'p:a',
      steps: 2,
      cached: true,
    },
    '[12,"done",{"first":1,"input_tokens":10,"output_tokens":5,"last_input_tokens":7,"model":"b","provider":"q","fallback_from":"p:a","steps":2,"cached":true}]',
    '{"type":"done","seq":12,"turn_id":"t","full_response":"Hé","input_tokens":10,"output_tokens":5,"last_input_tokens":7,"model":"b","provider":"q","fallback_from":"p:a","steps":2,"cached":true,"tokens_used":15}',
  ],
  [
    {
      type: 'done',
      first: 1,
      input_tokens: 10,
      output_tokens: 5,
      cache_read_tokens: 4,
      cache_write_tokens: 0,
      reasoning_tokens: 2,
      cost: 0.000012,
      last_input_tokens: 7,
      currency: 'USD',
      by_model: [
        { provider: 'p', model: 'a', steps: 1, input_tokens: 3, output_tokens: 1, cost: 0.000002 },
        { provider: 'q', model: 'b', steps: 1, input_tokens: 7, output_tokens: 4, cache_read_tokens: 4 },
      ],
      model: 'b',
      provider: 'q',
      steps: 2,
    },
    '[13,"done",{"first":1,"input_tokens":10,"output_tokens":5,"cache_read_tokens":4,"cache_write_tokens":0,"reasoning_tokens":2,"cost":0.000012,"last_input_tokens":7,"currency":"USD","by_model":[{"provider":"p","model":"a","steps":1,"input_tokens":3,"output_tokens":1,"cost":0.000002},{"provider":"q","model":"b","steps":1,"input_tokens":7,"output_tokens":4,"cache_read_tokens":4}],"model":"b","provider":"q","steps":2}]',
    '{"type":"done","seq":13,"turn_id":"t","full_response":"Hé","input_tokens":10,"output_tokens":5,"cache_read_tokens":4,"cache_write_tokens":0,"reasoning_tokens":2,"cost":0.000012,"last_input_tokens":7,"currency":"USD","by_model":[{"provider":"p","model":"a","steps":1,"input_tokens":3,"output_tokens":1,"cost":0.000002},{"provider":"q","model":"b","steps":1,"input_tokens":7,"output_tokens":4,"cache_read_tokens":4}],"model":"b","provider":"q","steps":2,"tokens_used":15}',
  ],
  [
    { type: 'aborted', by: 'ann', first: 1 },
    '[14,"aborted",{"by":"ann","first":1}]',
    '{"type":"aborted","seq":14,"turn_id":"t","full_response":"Hé","by":"ann"}',
  ],
  [
    {
      type: 'error',
      code: 'PROVIDER_ERROR',
      message: 'Broke off.',
      retryable: true,
      reason: 'cut_off',
      first: 1,
    },
    '[15,"error",{"code":"PROVIDER_ERROR","message":"Broke off.","retryable":true,"reason":"cut_off","first":1}]',
    '{"type":"error","seq":15,"turn_id":"t","full_response":"Hé","code":"PROVIDER_ERROR","message":"Broke off.","terminal":true,"retryable":true,"reason":"cut_off"}',
  ],
  [
    {
      type: 'history_trimmed',
      dropped_messages: 4,
      kept_turns: 2,
      reason: 'overlong',
      form: 'recent',
      shape: { model: 'p:a', from: 5 },
    },
    '[16,"history_trimmed",{"dropped_messages":4,"kept_turns":2,"reason":"overlong","form":"recent","shape":{"model":"p:a","from":5}}]',
    '{"type":"history_trimmed","seq":16,"turn_id":"t","dropped_messages":4,"kept_turns":2,"reason":"overlong","form":"recent"}',
  ],
  [
    { type: 'source', source_id: 'source-1', source_type: 'url', url: 'https://example.com/a', title: 'A' },
    '[17,"source",{"source_id":"source-1","source_type":"url","url":"https://example.com/a","title":"A"}]',
    '{"type":"source","seq":17,"turn_id":"t","source_id":"source-1","source_type":"url","url":"https://example.com/a","title":"A"}',
  ],
  [
    { type: 'file', media_type: 'image/png', bytes: 3, data: 'AAAA' },
    '[18,"file",{"media_type":"image/png","bytes":3,"data":"AAAA"}]',
    '{"type":"file","seq":18,"turn_id":"t","media_type":"image/png","bytes":3,"data":"AAAA"}',
  ],
  [
    {
      type: 'done',
      first: 1,
      input_tokens: 10,
      output_tokens: 5,
      last_input_tokens: 7,
      model: 'b',
      provider: 'q',
      steps: 1,
      output: { name: 'soup', minutes: null },
    },
    '[19,"done",{"first":1,"input_tokens":10,"output_tokens":5,"last_input_tokens":7,"model":"b","provider":"q","steps":1,"output":{"name":"soup","minutes":null}}]',
    '{"type":"done","seq":19,"turn_id":"t","full_response":"Hé","input_tokens":10,"output_tokens":5,"last_input_tokens":7,"model":"b","provider":"q","steps":1,"output":{"name":"soup","minutes":null},"tokens_used":15}',
  ],
  [
    {
      type: 'compacted',
      from_entry: 1,
      to_entry: 7,
      model: 'm',
      provider: 'p',
      input_tokens: 900,
      output_tokens: 80,
      cost: 0.002,
      currency: 'USD',
    },
    '[20,"compacted",{"from_entry":1,"to_entry":7,"model":"m","provider":"p","input_tokens":900,"output_tokens":80,"cost":0.002,"currency":"USD"}]',
    '{"type":"compacted","seq":20,"turn_id":"t","from_entry":1,"to_entry":7,"model":"m","provider":"p","input_tokens":900,"output_tokens":80,"cost":0.002,"currency":"USD"}',
  ],
  [
    { type: 'tool_progress', id: 'c1', name: 'wait', output: { percent: 40 } },
    '[21,"tool_progress",{"id":"c1","name":"wait","output":{"percent":40}}]',
    raw`{"type":"tool_progress","seq":21,"turn_id":"t","id":"c1","name":"wait","output":"{\"percent\":40}","json":true}`,
  ],
  [
    {
      type: 'tool_progress',
      id: 'c1',
      name: 'wait',
      output: 'on',
      truncated: true,
      output_length: 9,
      restarted: true,
    },
    '[22,"tool_progress",{"id":"c1","name":"wait","output":"on","truncated":true,"output_length":9,"restarted":true}]',
    '{"type":"tool_progress","seq":22,"turn_id":"t","id":"c1","name":"wait","truncated":true,"output_length":9,"restarted":true,"output":"on"}',
  ],
  [
    { type: 'data', name: 'chart', id: 'sales', data: { rows: [['May', 12]] }, tool_call_id: 'c1' },
    '[23,"data",{"name":"chart","id":"sales","data":{"rows":[["May",12]]},"tool_call_id":"c1"}]',
    '{"type":"data","seq":23,"turn_id":"t","name":"chart","id":"sales","data":{"rows":[["May",12]]},"tool_call_id":"c1"}',
  ],
  [
    {
      type: 'tool_output_request',
      request_id: asRequestId('r2'),
      tool_call_id: 'c3',
      tool: 'locate',
      arguments: { exact: true },
      lane: asLaneId('l'),
      timeout_secs: 300,
      at: epochMs(1700000000002),
    },
    '[24,"tool_output_request",{"request_id":"r2","tool_call_id":"c3","tool":"locate","arguments":{"exact":true},"lane":"l","timeout_secs":300,"at":1700000000002}]',
    '{"type":"tool_output_request","seq":24,"turn_id":"t","request_id":"r2","tool_call_id":"c3","tool":"locate","arguments":{"exact":true},"lane":"l","timeout_secs":300,"at":1700000000002}',
  ],
  [
    {
      type: 'error',
      code: 'TURN_REFUSED',
      message: 'Not this.',
      retryable: false,
      refused: [asMessageId('m1')],
      first: 1,
    },
    '[25,"error",{"code":"TURN_REFUSED","message":"Not this.","retryable":false,"refused":["m1"],"first":1}]',
    '{"type":"error","seq":25,"turn_id":"t","full_response":"Hé","code":"TURN_REFUSED","message":"Not this.","terminal":true,"retryable":false,"refused":["m1"]}',
  ],
  [
    {
      type: 'elicitation_request',
      request_id: asRequestId('r3'),
      tool_call_id: 'c4',
      tool: 'books_borrow',
      server: 'books',
      mode: 'form',
      message: 'For whom?',
      fields: [{ name: 'name', type: 'string', required: true }],
      timeout_secs: 300,
      key: 'who',
      state: 's',
      at: epochMs(1700000000003),
    },
    '[26,"elicitation_request",{"request_id":"r3","tool_call_id":"c4","tool":"books_borrow","server":"books","mode":"form","message":"For whom?","fields":[{"name":"name","type":"string","required":true}],"timeout_secs":300,"key":"who","state":"s","at":1700000000003}]',
    '{"type":"elicitation_request","seq":26,"turn_id":"t","request_id":"r3","tool_call_id":"c4","tool":"books_borrow","server":"books","mode":"form","message":"For whom?","fields":[{"name":"name","type":"string","required":true}],"timeout_secs":300,"at":1700000000003}',
  ],
  [
    {
      type: 'elicitation_resolved',
      request_id: asRequestId('r3'),
      action: 'accept',
      reason: 'answer',
      content: { name: 'Ann' },
    },
    '[27,"elicitation_resolved",{"request_id":"r3","action":"accept","reason":"answer","content":{"name":"Ann"}}]',
    '{"type":"elicitation_resolved","seq":27,"turn_id":"t","request_id":"r3","action":"accept","reason":"answer"}',
  ],
];

describe('each event', () => {
  const pinned = PINNED.map(([draft], at) => numbered(draft, at + 1, asTurnId('t')));

  it('is here once or more', () => {
    expect([...new Set(pinned.map(({ type }) => type))]).toEqual(Object.keys(EVENTS));
  });

  it.each(PINNED.map(([draft, stored, frame], at) => ({ type: draft.type, stored, frame, at })))(
    'P4: the stored bytes and the frame of $type stay as they are',
    ({ stored, frame, at }) => {
      const decoded = decodeEvents(encodeEvents(pinned));
      for (const events of [pinned, decoded]) {
        expect(encodeEvents(events)[at]).toBe(stored);
        expect(events.map((event) => frameOf(event, () => 'Hé'))[at]).toBe(frame);
      }
    },
  );

  it.each(PINNED)(
    'P4: is posted as that frame once it is committed, and read as it was: %j',
    async (draft) => {
      const { posted, stored } = await commitInMemory(draft);
      const event = numbered(draft, 2, asTurnId('t'));
      expect(posted[1]).toBe(frameOf(event, () => (draft.type === 'chunk' ? draft.content : '')));
      expect(stored[1]).toEqual(event);
    },
  );

  it('has a frame of its schema', () => {
    for (const [, , frame] of PINNED)
      expect(eventFrame.safeParse(JSON.parse(frame)).error, frame).toBe(undefined);
  });
});

describe('after a rollback', () => {
  it('an event that only the newer version knows is stored and sent as it is, and is no part of the transcript', () => {
    const stored = ['[1,"turn_start",{"message_ids":[],"entry":1,"at":0},"t"]', '[2,"rating",{"stars":4}]'];
    const events = decodeEvents(stored);
    expect(encodeEvents(events)).toEqual(stored);
    expect(events.map((event) => frameOf(event, () => ''))[1]).toBe(
      '{"type":"rating","seq":2,"turn_id":"t","stars":4}',
    );
    expect(entriesOf(events)).toEqual([]);
  });

  it('a code or reason that only the newer version knows is stored and sent as it is', () => {
    const stored = [
      '[1,"error",{"code":"NEW","message":"m","retryable":false,"reason":"new","first":1},"t"]',
    ];
    expect(encodeEvents(decodeEvents(stored))).toEqual(stored);
  });
});

it.each(['{}', '[]', '[1,"chunk",{},"t"]', '[1,"done",{},"t"]', '[1,"rating",null,"t"]', '[1,"chunk",0]'])(
  'what no version stores is not read: %s',
  (text) => {
    expect(() => decodeEvents([text])).toThrow(UnreadableEvent);
  },
);
