import { Output } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loopControlOf } from './loop-control.ts';
import { type AgentOutput, formOfAnswer } from './output.ts';

describe('the form of an answer', () => {
  const answer = {
    text: '{"n": 1}',
    finish: 'length',
    usage: { inputTokens: 10, outputTokens: 5 },
    model: 'house:m:latest',
  };

  it('is read with what the SDK’s own loop says of the answer', async () => {
    const given: unknown[] = [];
    const read = async (...asked: unknown[]) => {
      given.push(asked);
      return { at: new Date(0), n: 1n };
    };
    const output = { ...Output.json(), parseCompleteOutput: read } as AgentOutput;
    expect(await loopControlOf({ output })?.readOutput?.(answer)).toEqual({
      value: { at: '1970-01-01T00:00:00.000Z', n: '1' },
    });
    expect(given).toEqual([
      [
        { text: answer.text },
        {
          response: { id: '', timestamp: new Date(0), modelId: 'm:latest' },
          usage: expect.objectContaining({ inputTokens: 10, outputTokens: 5, totalTokens: 15 }),
          finishReason: 'length',
        },
      ],
    ]);
  });

  it('is none where the answer does not have it, and no answer is read where it has none', async () => {
    const read = loopControlOf({ output: Output.json() })?.readOutput;
    expect(await read?.(answer)).toEqual({ value: { n: 1 } });
    expect(await read?.({ ...answer, text: 'null' })).toEqual({ value: null });
    for (const text of ['', 'n: 1', '{"n": 1']) expect(await read?.({ ...answer, text })).toBeUndefined();
    for (const options of [{ stopWhen: () => false }, { stopWhen: () => false, output: Output.text() }])
      expect(loopControlOf(options)?.readOutput).toBeUndefined();
    expect(loopControlOf({ output: Output.text() })).toBeUndefined();
    expect([formOfAnswer(undefined), formOfAnswer(Output.text())]).toEqual([undefined, undefined]);
  });

  it('is told to the provider, and the text streams as any other, word by word', async () => {
    const output = Output.object({ schema: z.object({ n: z.number() }) });
    const form = formOfAnswer(output as AgentOutput);
    expect(await form?.responseFormat).toEqual(await output.responseFormat);
    expect(await form?.parseCompleteOutput({ text: 'no JSON' }, {} as never)).toBe('no JSON');
    expect(await form?.parsePartialOutput({ text: '{"n"' })).toEqual({ partial: '{"n"' });
    expect(form?.createElementStreamTransform()).toBeUndefined();
  });
});
