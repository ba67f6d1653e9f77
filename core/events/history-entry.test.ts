import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { Entry } from './entries.ts';
import { historyEntry } from './history-entry.ts';

const turn = asTurnId('t');
const verbatim = { model: 'p:m', parts: [] };

describe('an entry of the transcript, as clients are given it', () => {
  it.each<[Entry, object]>([
    [
      {
        n: 1,
        turn,
        role: 'user',
        id: asMessageId('m'),
        content: 'hello',
        at: epochMs(5),
        step: 2,
        from: 'system',
      },
      { role: 'user', id: 'm', content: 'hello', at: 5, step: 2, from: 'system' },
    ],
    [
      {
        n: 1,
        turn,
        role: 'user',
        id: asMessageId('m'),
        content: [{ type: 'text', text: 'hello' }],
        at: epochMs(5),
        step: 1,
      },
      { role: 'user', id: 'm', content: [{ type: 'text', text: 'hello' }], at: 5, step: 1 },
    ],
    [
      { n: 1, turn, role: 'assistant', content: 'yes', verbatim },
      { role: 'assistant', content: 'yes' },
    ],
    [
      { n: 1, turn, role: 'tool_call', id: 'c', name: 'look', args: { at: [1] }, verbatim },
      { role: 'tool_call', id: 'c', name: 'look', args: { at: [1] } },
    ],
    [
      { n: 1, turn, role: 'tool_call', id: 'c', name: 'look', args: null, provider_executed: true },
      { role: 'tool_call', id: 'c', name: 'look', args: null, provider_executed: true },
    ],
    [
      {
        n: 1,
        turn,
        role: 'tool_result',
        id: 'c',
        name: 'look',
        output: { found: 1 },
        shown: 'secret',
        verbatim,
      },
      { role: 'tool_result', id: 'c', name: 'look', output: '{"found":1}', json: true },
    ],
    [
      {
        n: 1,
        turn,
        role: 'tool_result',
        id: 'c',
        name: 'look',
        output: 'none',
        is_error: true,
        truncated: true,
        output_length: 0,
        provider_executed: true,
      },
      {
        role: 'tool_result',
        id: 'c',
        name: 'look',
        output: 'none',
        is_error: true,
        truncated: true,
        output_length: 0,
        provider_executed: true,
      },
    ],
    [
      { n: 1, turn, role: 'event', event: { type: 'aborted', seq: 9, turn, by: 'ann', first: 3 } },
      {
        role: 'event',
        event: {
          type: 'aborted',
          seq: 9,
          turn_id: 't',
          by: 'ann',
          full_response: null,
          full_response_omitted: true,
        },
      },
    ],
  ])('has what is for them, and nothing of what is stored beside: %j', (entry, given) => {
    expect(historyEntry(entry)).toEqual({ n: 1, turn_id: 't', ...given });
  });
});
