import { Chat } from '@ai-sdk/react';
import { expect, it, onTestFinished } from 'vitest';
import { givenStack } from '../../test/support/stack.ts';
import { MidturnChatTransport } from './transport.ts';
import type { MidturnUIMessage } from './ui-message.ts';

const DAY_MS = 86_400_000;

// A call of the scripted model uses 15 tokens.
const stack = givenStack({ settings: { MIDTURN_PRINCIPAL_DAY_TOKENS: '15' } });

it('P3: a turn that spends the budget, and a message that is refused for it, tell when the next one begins', async () => {
  stack.script([{ chunks: ['I look.'], toolCalls: [{ id: 'c1', name: 'wait', args: { seconds: 0 } }] }]);
  const id = stack.newSession();
  const transport = givenTransport();
  const data: MidturnUIMessage['parts'][number][] = [];
  const chat = new Chat<MidturnUIMessage>({ id, transport, onData: (part) => data.push(part) });
  const before = Date.now();
  await chat.sendMessage({ text: 'first' });
  expect(chat.status).toBe('error');
  const failure = chat.messages[1]?.parts.at(-1);
  expect(failure).toMatchObject({ type: 'data-failure', data: { code: 'BUDGET_EXCEEDED', retryable: true } });
  const until = failure?.type === 'data-failure' ? failure.data.until : undefined;
  expect([nextDay(before), nextDay(Date.now())]).toContain(until);

  await chat.sendMessage({ text: 'second' });
  expect(chat.status).toBe('error');
  const refused = data.findLast((part) => part.type === 'data-message-state');
  expect(refused?.data).toMatchObject({ status: 'rejected', code: 'BUDGET_EXCEEDED' });
  expect([nextDay(before), nextDay(Date.now())]).toContain(
    refused?.data.status === 'rejected' ? refused.data.until : undefined,
  );

  const messages = await givenTransport().messages(id);
  expect(messages[1]?.parts.at(-1)).toEqual(failure);
});

const nextDay = (at: number) => (Math.floor(at / DAY_MS) + 1) * DAY_MS;

function givenTransport(): MidturnChatTransport {
  const transport = new MidturnChatTransport({ url: stack.cloud.url });
  onTestFinished(() => transport.close());
  return transport;
}
