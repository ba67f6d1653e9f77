import type { ModelMessage } from 'ai';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokenText } from '../../test/support/text.ts';
import { sendableCalls } from './sendable-calls.ts';

const call = (toolCallId: string, toolName = 'look') => ({
  type: 'tool-call' as const,
  toolCallId,
  toolName,
  input: {},
});
const result = (toolCallId: string, toolName = 'look') => ({
  type: 'tool-result' as const,
  toolCallId,
  toolName,
  output: { type: 'text' as const, value: `saw ${toolCallId}` },
});
const declared = { look: {}, 'name.of.the.team': {} };

const namesIn = (messages: readonly ModelMessage[]) =>
  messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap((part) => ('toolName' in part ? [part.toolName] : [])),
  );

describe('the names of calls', () => {
  it.each([
    ['browser.tabs.open', 'browser_tabs_open'],
    ['$lookup', '_lookup'],
    ['', '_'],
    ['x'.repeat(200), 'x'.repeat(64)],
    ['unknown-1', 'unknown-1'],
    ['name.of.the.team', 'name.of.the.team'],
    ['constructor', 'constructor'],
    ['__proto__', '__proto__'],
  ])('%s is sent as %s, with its result', (name, sent) => {
    const prompt: ModelMessage[] = [
      { role: 'assistant', content: [call('c1', name)] },
      { role: 'tool', content: [result('c1', name)] },
    ];
    expect(namesIn(sendableCalls(prompt, { declared }))).toEqual([sent, sent]);
  });

  it('any name becomes one that every provider takes', () => {
    fc.assert(
      fc.property(brokenText({ maxLength: 90 }), (name) => {
        const [sent] = namesIn(
          sendableCalls([{ role: 'assistant', content: [call('c', name)] }], { declared: {} }),
        );
        expect(sent).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      }),
    );
  });
});

describe('many calls at once', () => {
  it('P13: become messages of at most so many, each with its results behind it, and none is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }), (counts) => {
        const prompt: ModelMessage[] = counts.flatMap((count, turn) => {
          const ids = Array.from({ length: count }, (_, n) => `${turn}-${n}`);
          return [
            { role: 'user', content: `turn ${turn}` },
            { role: 'assistant', content: [{ type: 'text', text: 'so' }, ...ids.map((id) => call(id))] },
            ...(count > 0
              ? [{ role: 'tool' as const, content: ids.toReversed().map((id) => result(id)) }]
              : []),
          ] satisfies ModelMessage[];
        });
        const sent = sendableCalls(prompt, { declared, maxCalls: 3 });
        for (const [n, { role, content }] of sent.entries()) {
          if (role !== 'assistant' || typeof content === 'string') continue;
          const asked = content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []));
          expect(asked.length).toBeLessThanOrEqual(3);
          const next = sent[n + 1];
          const answered =
            next?.role === 'tool'
              ? next.content.flatMap((part) => (part.type === 'tool-result' ? [part.toolCallId] : []))
              : [];
          expect(answered.toSorted()).toEqual(asked.toSorted());
        }
        const parts = (messages: readonly ModelMessage[]) =>
          messages.reduce((sum, { content }) => sum + (typeof content === 'string' ? 1 : content.length), 0);
        expect(parts(sent)).toBe(parts(prompt));
      }),
    );
  });

  it('P13: leave what the provider ran where it was, under its name', () => {
    const ran = { ...call('p', 'web.search'), providerExecuted: true };
    const prompt: ModelMessage[] = [
      { role: 'assistant', content: [call('1'), ran, call('2')] },
      { role: 'tool', content: [result('1'), result('2')] },
    ];
    expect(sendableCalls(prompt, { declared, maxCalls: 2 })).toEqual(prompt);
    expect(sendableCalls(prompt, { declared, maxCalls: 1 })).toEqual([
      { role: 'assistant', content: [ran, call('1')] },
      { role: 'tool', content: [result('1')] },
      { role: 'assistant', content: [call('2')] },
      { role: 'tool', content: [result('2')] },
    ]);
  });

  it('stay one message where the provider says nothing of it', () => {
    const prompt: ModelMessage[] = [
      { role: 'assistant', content: [call('1'), call('2')] },
      { role: 'tool', content: [result('1'), result('2')] },
    ];
    expect(sendableCalls(prompt, { declared })).toEqual(prompt);
  });
});
