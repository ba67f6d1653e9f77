import type { Case } from '../case.ts';
import { chunk, cutNow, DONE, events, resumedAfter, running, upTo } from './scene.ts';

export const TURNS: readonly Case[] = [
  {
    name: 'turn-aborted',
    promise: 'P3',
    points: ['5.7.3'],
    says: 'the client stops the turn, and hands on its end',
    needs: ['abort'],
    steps: [
      ...running,
      { see: { events: upTo(3) } },
      { tell: { do: 'abort' } },
      { expect: { type: 'abort' } },
      { post: events({ type: 'aborted', by: 'anonymous' }) },
      { see: { events: upTo(4), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'turn-failed',
    promise: 'P3',
    points: ['5.7.3', '10.1.5'],
    says: 'a turn that fails, by a code that the client does not know, ends; the client stays connected',
    steps: [
      ...running,
      {
        post: events({
          type: 'error',
          code: 'X_NEW_CODE' as 'PROVIDER_ERROR',
          message: 'No.',
          terminal: true,
          retryable: false,
        }),
      },
      { see: { events: upTo(4), messages: { a: 'applied' } } },
      { quiet: 'connection', ms: 300 },
      {
        post: events(
          { type: 'turn_start', message_ids: ['x'] },
          { type: 'applied', messages: [{ id: 'x', content: 'Go on' }], step: 1 },
          DONE,
        ),
      },
      { see: { events: upTo(7) } },
    ],
  },
  {
    name: 'turn-approved',
    promise: 'P13',
    points: ['5.5.2'],
    says: 'the client answers a call that asks',
    needs: ['approvals'],
    steps: [
      ...running,
      {
        post: events(
          { type: 'tool_call', id: 'c1', name: 'order', args: { soup: 2 } },
          {
            type: 'approval_request',
            request_id: 'r1',
            tool_call_id: 'c1',
            tool: 'order',
            arguments: { soup: 2 },
            arguments_summary: '{"soup":2}',
            timeout_secs: 120,
          },
        ),
      },
      { see: { events: upTo(5) } },
      { tell: { do: 'approve', request_id: 'r1', decision: 'approve' } },
      { expect: { type: 'approval_response', request_id: 'r1', decision: 'approve' } },
      {
        post: events(
          {
            type: 'approval_resolved',
            request_id: 'r1',
            decision: 'approve',
            reason: 'answer',
            by: 'anonymous',
          },
          { type: 'tool_result', id: 'c1', name: 'order', output: 'Ordered.' },
          chunk('two.'),
          DONE,
        ),
      },
      { see: { events: upTo(9), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'turn-tool-of-this-client',
    promise: 'P13',
    points: ['5.8.2'],
    says: 'the client runs a tool that its lane is asked for, and gives the output',
    needs: ['tools'],
    steps: [
      { tell: { do: 'run_tool', tool: 'locate', output: { city: 'Lisbon' } } },
      ...running,
      {
        post: events(
          { type: 'tool_call', id: 'c1', name: 'locate', args: {} },
          {
            type: 'tool_output_request',
            request_id: 'r1',
            lane: 'lane-1',
            tool_call_id: 'c1',
            tool: 'locate',
            arguments: {},
            timeout_secs: 120,
          },
        ),
      },
      { expect: { type: 'tool_output', request_id: 'r1', output: { city: 'Lisbon' } } },
      {
        post: events(
          { type: 'tool_result', id: 'c1', name: 'locate', output: '{"city":"Lisbon"}', json: true },
          chunk('two.'),
          DONE,
        ),
      },
      { see: { events: upTo(8), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'turn-tool-after-resume',
    promise: 'P13',
    points: ['5.8.4'],
    says: 'a request that comes with the replay is answered',
    needs: ['tools'],
    steps: [
      { tell: { do: 'run_tool', tool: 'locate', output: { city: 'Lisbon' } } },
      ...running,
      { see: { events: upTo(3) } },
      {
        post: [
          { unsent: { type: 'tool_call', id: 'c1', name: 'locate', args: {} } },
          {
            unsent: {
              type: 'tool_output_request',
              request_id: 'r1',
              lane: 'lane-1',
              tool_call_id: 'c1',
              tool: 'locate',
              arguments: {},
              timeout_secs: 120,
            },
          },
        ],
      },
      cutNow,
      resumedAfter(3),
      { expect: { type: 'tool_output', request_id: 'r1', output: { city: 'Lisbon' } } },
      {
        post: events(
          { type: 'tool_result', id: 'c1', name: 'locate', output: '{"city":"Lisbon"}', json: true },
          DONE,
        ),
      },
      { see: { events: upTo(7), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'turn-tool-of-another-client',
    promise: 'P13',
    points: ['5.8.4'],
    says: 'the client does not run a tool that another lane is asked for',
    needs: ['tools'],
    steps: [
      { tell: { do: 'run_tool', tool: 'locate', output: { city: 'Lisbon' } } },
      ...running,
      {
        post: events(
          { type: 'tool_call', id: 'c1', name: 'locate', args: {} },
          {
            type: 'tool_output_request',
            request_id: 'r1',
            lane: 'lane-2',
            tool_call_id: 'c1',
            tool: 'locate',
            arguments: {},
            timeout_secs: 120,
          },
        ),
      },
      { see: { events: upTo(5) } },
      { quiet: 'tool_output', ms: 400 },
      { post: events({ type: 'tool_result', id: 'c1', name: 'locate', output: 'Porto' }, DONE) },
      { see: { events: upTo(7), messages: { a: 'applied' } } },
    ],
  },
];
