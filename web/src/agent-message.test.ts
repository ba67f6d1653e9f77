import { expect, it } from 'vitest';
import { agentMessage } from './agent-message.ts';

it('what an agent has said and done that a tool asks stands in lines', () => {
  const call = { type: 'tool-look', toolCallId: 'c', input: { city: 'Bern' } };
  const parts = [
    { type: 'text', text: 'I look. ', state: 'done' },
    { ...call, state: 'output-available', output: 'dry' },
    { ...call, state: 'output-error', errorText: 'No.' },
    { ...call, state: 'input-available' },
    { type: 'later', text: 'unknown' },
  ];
  expect(agentMessage({ id: 'a', role: 'assistant', parts })).toEqual([
    'I look.',
    '▸ look {"city":"Bern"} → dry',
    '▸ look {"city":"Bern"} → failed: No.',
    '▸ look {"city":"Bern"} …',
  ]);
  const outputs = ['', 0, false, null];
  expect(agentMessage({ role: 'assistant', parts: outputs.map((output) => ({ ...call, output })) })).toEqual(
    ['', '0', 'false', 'null'].map((shown) => `▸ look {"city":"Bern"} → ${shown}`),
  );
  expect(agentMessage({ role: 'assistant', metadata: { shortened: true }, parts: [] })).toEqual(['…']);
});

it.each([[null], ['text'], [[]], [{ role: 'assistant' }], [{ role: 'user', parts: [] }]])(
  '%j is no message of an agent',
  (value) => {
    expect(agentMessage(value)).toBeUndefined();
  },
);
