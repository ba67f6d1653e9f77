import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uniqueCallIds } from './unique-call-id.ts';

const prompt = (...ids: string[]) => [
  { role: 'assistant' as const, text: '', calls: ids.map((id) => ({ id, name: 'wait', args: {} })) },
];

test('P13: a server that numbers its calls anew in each answer gets ids of their own for them', () => {
  const idOf = uniqueCallIds(prompt('call_0', 'call_0_2'));
  expect(['call_0', 'call_1', 'call_0'].map(idOf)).toEqual(['call_0_3', 'call_1', 'call_0_4']);
});

test('P13: whatever ids a server gives, each names one call', () => {
  const ids = fc.array(fc.constantFrom('a', 'a_2', 'a_3', 'b', ''), { maxLength: 12 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom('a', 'a_2', 'b')), ids, (earlier, given) => {
      const idOf = uniqueCallIds(prompt(...earlier));
      const all = [...earlier, ...given.map(idOf)];
      expect(new Set(all).size).toBe(all.length);
    }),
  );
});
