import { describe, expect, it } from 'vitest';
import type { EventFrame } from '../index.ts';
import { AnswerWriter } from './answer-writer.ts';
import type { Chunk } from './ui-message.ts';

describe('an answer as it is written', () => {
  function given(isAsked = true) {
    const chunks: Chunk[] = [];
    const writer = new AnswerWriter((chunk) => chunks.push(chunk), {
      isShown: () => true,
      isAsked: () => isAsked,
    });
    let seq = 0;
    const add = (event: object) => writer.add({ ...event, seq: ++seq, turn_id: 't1' } as EventFrame);
    return { writer, add, taken: () => chunks.splice(0) };
  }
  const call = (id: string) => ({ type: 'tool_call', id, name: 'find', args: {} });
  const result = (id: string) => ({ type: 'tool_result', id, name: 'find', output: 'x' });

  it('a step ends when all of its calls have results, and each part has an id of its own', () => {
    const { add, taken } = given();
    for (const event of [{ type: 'chunk', content: 'a' }, call('c1'), call('c2'), result('c1')]) add(event);
    expect(taken().filter(({ type }) => type === 'finish-step')).toEqual([]);
    for (const event of [result('c2'), { type: 'chunk', content: 'b' }]) add(event);
    const types = taken().map((chunk) => ('id' in chunk ? `${chunk.type} ${chunk.id}` : chunk.type));
    expect(types).toEqual([
      'tool-output-available',
      'finish-step',
      'start-step',
      'text-start text-6',
      'text-delta text-6',
    ]);
  });

  it('a call that was denied is so in its result', () => {
    const { add, taken } = given();
    add(call('c1'));
    add({
      type: 'approval_request',
      request_id: 'r1',
      tool_call_id: 'c1',
      tool: 'find',
      arguments_summary: '',
      timeout_secs: 60,
    });
    add({ type: 'approval_resolved', request_id: 'r1', decision: 'deny', reason: 'timeout' });
    add(result('c1'));
    expect(taken().slice(-3)).toEqual([
      {
        type: 'tool-approval-response',
        approvalId: 'r1',
        approved: false,
        reason: 'timeout',
        providerExecuted: true,
      },
      { type: 'tool-output-denied', toolCallId: 'c1' },
      { type: 'finish-step' },
    ]);
  });

  it('waits for the page when it has to run all calls that are open', () => {
    const { add, writer, taken } = given();
    const ask = (id: string) => ({
      type: 'tool_output_request',
      request_id: `r${id}`,
      tool_call_id: id,
      tool: 'find',
      arguments: {},
      timeout_secs: 60,
      lane: 'l',
    });
    const waits = () => writer.waitsForPage;
    expect(waits()).toBe(false);
    for (const id of ['c1', 'c2']) add(call(id));
    add(ask('c1'));
    expect(waits()).toBe(false);
    add(result('c2'));
    expect(waits()).toBe(true);
    taken();
    writer.leave('t1');
    expect(taken().at(-1)).toEqual({
      type: 'finish',
      finishReason: 'tool-calls',
      messageMetadata: { turnId: 't1' },
    });
    add(result('c1'));
    expect(waits()).toBe(false);
    writer.leave('t1');
    expect(taken().at(-1)).toMatchObject({ finishReason: 'stop' });
    const other = given(false);
    other.add(call('c1'));
    other.add(ask('c1'));
    expect(other.writer.waitsForPage).toBe(false);
  });

  it('ends as the turn ends', () => {
    const ended = (event: object) => {
      const { add, taken } = given();
      add(event);
      return taken();
    };
    expect(ended({ type: 'aborted', full_response: '', by: 'ann' })).toEqual([
      { type: 'message-metadata', messageMetadata: { turnId: 't1', stopping: false } },
      { type: 'abort', reason: 'ann' },
    ]);
    const failure = { code: 'BUDGET_EXCEEDED', message: 'spent', retryable: true, until: 9 };
    expect(ended({ type: 'error', ...failure, full_response: '', terminal: true }).slice(-2)).toEqual([
      { type: 'data-failure', data: failure },
      { type: 'error', errorText: 'spent' },
    ]);
    const reasons = [undefined, 'stop', 'length', 'content_filter', 'refusal', 'new'].map((finish_reason) => {
      const end = ended({
        type: 'done',
        finish_reason,
        input_tokens: 1,
        output_tokens: 1,
        model: 'm',
        provider: 'p',
        steps: 1,
      }).at(-1);
      return end?.type === 'finish' && end.finishReason;
    });
    expect(reasons).toEqual(['stop', 'stop', 'length', 'content-filter', 'content-filter', 'other']);
  });
});
