import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfJson } from '../json-bytes.ts';
import { SubagentMessage } from './subagent-message.ts';

describe('what is shown of an agent that a tool asks', () => {
  it('is bounded, whatever it says and does, and its last words stay', () => {
    const step = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }).map((said) => ({ said: said.repeat(20) })),
      fc.record({
        args: fc.string({ maxLength: 400 }),
        output: fc.string({ maxLength: 400 }).map((said) => said.repeat(9)),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const message = new SubagentMessage('c1');
        for (const [i, one] of steps.entries()) {
          if ('said' in one) message.say(one.said);
          else {
            message.call({ id: `t${i}`, name: 'look', args: one.args });
            message.result(`t${i}`, { output: one.output, isError: i % 2 === 0 });
          }
        }
        message.say('The end.');
        expect(bytesOfJson(message.shown)).toBeLessThanOrEqual(4 * 1024 + 200);
        expect(bytesOfJson(message.kept)).toBeLessThanOrEqual(12 * 1024 + 200);
        expect(JSON.stringify(message.kept)).toContain('The end.');
      }),
      { numRuns: 12 },
    );
  });

  it('takes a time that grows with what it says, which is shown after each piece', () => {
    const message = new SubagentMessage('c1');
    for (let said = 0; said < 400_000; said += 10) {
      message.say('ten bytes ');
      message.shown;
    }
    expect(message.text).toHaveLength(400_000);
  });
});
