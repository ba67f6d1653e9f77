import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Model } from '../model.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';

it.each<[string, boolean | 'before', number]>([
  ['holds for the next call', false, 1],
  ['holds for the next call, also after a revocation of before', 'before', 1],
  ['that is revoked before a worker has seen it holds for nothing but its own call', true, 2],
])('P12: an `always` %s', async (_, revoked, requests) => {
  let now = 1_800_000_000_000;
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'asks twice',
    async *stream() {
      if (++calls <= 2) yield { type: 'tool_call', id: `call-${calls}`, name: 'guarded', args: {} };
      else yield { type: 'text', text: 'done' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const answered = new Set<string>();
  /** The user answers what is asked while the worker looks at the lane. */
  async function answer() {
    for (const { type, request_id } of [...client.frames]) {
      if (type !== 'approval_request' || answered.has(String(request_id))) continue;
      answered.add(String(request_id));
      const decision = answered.size === 1 ? 'always' : 'approve';
      await client.send({ type: 'approval_response', request_id, decision });
      if (revoked === true && answered.size === 1) await client.send({ type: 'revoke' });
    }
  }
  const clock = {
    now: () => epochMs(now),
    sleep: async (ms: number) => {
      now += ms;
      await answer();
    },
  };
  const client = await clientInMemory({
    model,
    core: { clock },
    toolbox: { ...idleToolbox, needsApproval: async () => true },
  });
  await client.send({ type: 'connect' });
  if (revoked === 'before') await client.send({ type: 'revoke' });
  await client.send({ type: 'message', id: 'm', content: 'go' });
  const frames = await client.run();
  expect(frames.at(-1)).toMatchObject({ type: 'done' });
  expect(frames.filter(({ type }) => type === 'tool_result')).toHaveLength(2);
  expect(frames.filter(({ type }) => type === 'approval_request')).toHaveLength(requests);
});

it.each([
  ['approve', 'approve', 0],
  ['always', 'always', 0],
  ['deny', 'deny', 0],
  ['approve', 'deny', 1],
  ['deny', 'always', 1],
])('P10: after %s, %s is refused %i times: a repeat changes nothing', async (first, second, refusals) => {
  let now = 1_800_000_000_000;
  let isAnswered = false;
  const refused: unknown[] = [];
  const model: Model = {
    provider: 'test',
    name: 'asks',
    async *stream({ messages }) {
      if (messages.some(({ role }) => role === 'tool')) yield { type: 'text', text: 'done' };
      else yield { type: 'tool_call', id: 'call', name: 'guarded', args: {} };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const clock = {
    now: () => epochMs(now),
    sleep: async (ms: number) => {
      now += ms;
      const { request_id } = client.frames.find(({ type }) => type === 'approval_request') ?? {};
      if (request_id === undefined || isAnswered) return;
      isAnswered = true;
      for (const decision of [first, second]) {
        const answers = await client.send({ type: 'approval_response', request_id, decision });
        refused.push(...answers.filter(({ type }) => type === 'error'));
      }
    },
  };
  const client = await clientInMemory({
    model,
    core: { clock },
    toolbox: { ...idleToolbox, needsApproval: async () => true },
  });
  await client.send({ type: 'message', id: 'm', content: 'go' });
  const frames = await client.run();
  const isDenied = first === 'deny';
  expect(frames.find(({ type }) => type === 'approval_resolved')).toMatchObject({
    decision: isDenied ? 'deny' : expect.stringMatching(/^(approve|always)$/),
  });
  expect(refused).toHaveLength(refusals);
  if (refusals > 0) expect(refused[0]).toMatchObject({ code: 'INVALID_APPROVAL_RESPONSE' });
});
