import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { afterAll, describe, expect, it } from 'vitest';
import { teamsApp } from '../support/app.ts';
import { accepted, appliedIds, chunk, end, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

/** Where a team's function finds the AWS SDK: in this project. */
const folder = join(import.meta.dirname, '../../dist/outside-messages');
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, 'index.mjs'),
  `
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

const lambda = new LambdaClient({});
const events = new EventBridgeClient({});

export const handler = async ({ send, event }) => {
  if (event) {
    const Entries = [{ Source: 'shop', DetailType: 'Paid', Detail: JSON.stringify(event) }];
    return events.send(new PutEventsCommand({ Entries }));
  }
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: process.env.MIDTURN_SEND_FUNCTION, Payload: JSON.stringify(send) }),
  );
  return { FunctionError, answer: JSON.parse(Buffer.from(Payload).toString()) };
};
`,
);

const USER = { tenant: 'local', subject: 'anonymous' };

/** A team's stack: a webhook that may send messages, a function that may not, and a rule. */
const app = teamsApp({
  props: () => ({ outsideMessages: true }),
  besides(stack, chat) {
    const make = (id: string) =>
      new LambdaFunction(stack, id, {
        runtime: Runtime.NODEJS_24_X,
        handler: 'index.handler',
        code: Code.fromAsset(folder),
      });
    const webhook = make('Webhook');
    chat.grantSendMessage(webhook);
    EventBus.fromEventBusName(stack, 'Default', 'default').grantPutEventsTo(webhook);
    make('Stranger').addEnvironment('MIDTURN_SEND_FUNCTION', chat.sendFunction.functionName);
    new Rule(stack, 'Paid', {
      eventPattern: { source: ['shop'], detailType: ['Paid'] },
      targets: [
        new FunctionTarget(chat.sendFunction, {
          event: RuleTargetInput.fromObject({
            ...USER,
            session_id: EventField.fromPath('$.detail.session'),
            message: { id: EventField.eventId, content: EventField.fromPath('$.detail.text') },
          }),
        }),
      ],
    });
  },
});

describe('messages of the application', () => {
  const stack = givenStack({ app, settings: { MIDTURN_STEER_SCOPE: 'session', MIDTURN_INBOX_LIMIT: '2' } });

  /** As `curl` does it. */
  async function invoke(name: string, event: unknown) {
    const response = await fetch(`${stack.cloud.pageUrl}2015-03-31/functions/${name}/invocations`, {
      method: 'POST',
      body: JSON.stringify(event),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    return { failed: response.headers.has('x-amz-function-error'), answer };
  }
  const message = (session: string, id: string, content: string, more: object = {}) => ({
    ...USER,
    session_id: session,
    message: { id, content },
    ...more,
  });
  const send = (...args: Parameters<typeof message>) => invoke('send', message(...args));

  async function listener(session: string) {
    const client = await stack.connect(session);
    client.send({ type: 'connect' });
    await client.next('connected');
    return client;
  }

  it('are seen by those who listen, as what they are, with their answer; so they are in the transcript', async () => {
    const scripted = stack.script([{ chunks: ['Noted.'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    const { answer } = await send(session, 'w1', 'Your parcel has arrived.');
    expect(answer).toMatchObject({ type: 'accepted', id: 'w1', placement: 'turn', position: 0 });
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'Noted.',
      turn_id: answer.turn_id,
    });
    expect(framesOf(client, 'applied')[0]?.messages).toEqual([
      { id: 'w1', content: 'Your parcel has arrived.', from: 'system' },
    ]);
    expect(scripted.prompt(1)[0]).toContain('It is not from the user');
    client.send({ type: 'history' });
    const { entries } = await client.next('history');
    expect(entries[0]).toMatchObject({ role: 'user', id: 'w1', from: 'system' });
  });

  it('steer the turn that a user’s message has opened, in the scope of the session', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }, { chunks: [' and more'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    client.send({ type: 'message', id: 'm1', content: 'Tell me.' });
    await chunk(client, 'draft');
    expect((await send(session, 'w1', 'The price has changed.')).answer).toMatchObject({
      type: 'accepted',
      placement: 'steering',
    });
    gate.open();
    expect(await end(client)).toMatchObject({ full_response: 'draft and more' });
    expect(appliedIds(client)).toEqual(['m1', 'w1']);
  });

  it('that are sent again and again, and at once, are one message with one answer (P10)', async () => {
    stack.script([{ chunks: ['once'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    const answers = await Promise.all(Array.from({ length: 4 }, () => send(session, 'w1', 'again')));
    const turns = new Set(answers.map(({ answer }) => answer.turn_id));
    expect(turns.size).toBe(1);
    expect(answers.filter(({ answer }) => answer.duplicate !== true)).toHaveLength(1);
    await end(client);
    expect((await send(session, 'w1', 'again')).answer).toMatchObject({ duplicate: true, placement: 'turn' });
    expect(appliedIds(client)).toEqual(['w1']);
  });

  it('go on with a conversation when everybody has left, who find it when they come back', async () => {
    stack.script([{ chunks: ['I ordered it.'] }, { chunks: ['It is here.'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    client.send({ type: 'message', id: 'm1', content: 'Order it.' });
    const { seq } = await end(client);
    await client.close();
    await send(session, 'w1', 'The parcel has arrived.');
    expect(await stack.stored.lines(session)).toEqual([
      'user: Order it.',
      'assistant: I ordered it.',
      'user: The parcel has arrived.',
      'assistant: It is here.',
    ]);
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { after_seq: seq } });
    expect(await end(back)).toMatchObject({ full_response: 'It is here.' });
    expect(framesOf(back, 'applied')[0]?.messages[0]).toMatchObject({ id: 'w1', from: 'system' });
  });

  it('are refused for sessions that are somebody else’s, that are not there, and that are deleted (P12)', async () => {
    stack.script([{ chunks: ['made'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    for (const more of [{ subject: 'somebody' }, { tenant: 'default' }, { session_id: 'none' }]) {
      const { failed, answer } = await send(session, 'w1', 'hello', more);
      expect([failed, answer.code, answer.retryable]).toEqual([false, 'SESSION_NOT_FOUND', false]);
    }
    client.send({ type: 'delete', session_id: session });
    await client.next('deleted');
    for (const create of [false, true])
      expect((await send(session, 'w1', 'hello', { create })).answer).toMatchObject({
        code: 'SESSION_DELETED',
      });
    expect((await invoke('send', { session_id: session })).answer).toMatchObject({ code: 'INVALID_FRAME' });
    const made = stack.newSession();
    expect((await send(made, 'w1', 'hello', { create: true, name: 'Briefing' })).answer.type).toBe(
      'accepted',
    );
    expect(await stack.stored.lines(made)).toEqual(['user: hello', 'assistant: made']);
  });

  it('are an error of the function where another try can help: an inbox that is full, and then has room', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }, { chunks: ['all'] }, { chunks: ['now'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    await send(session, 'w1', 'one');
    await chunk(client, 'draft');
    await send(session, 'w2', 'two');
    await send(session, 'w3', 'three');
    const { failed, answer } = await send(session, 'w4', 'four');
    expect([failed, answer.errorType]).toEqual([true, 'STEERING_QUEUE_FULL']);
    gate.open();
    await end(client);
    expect((await send(session, 'w4', 'four')).answer).toMatchObject({ type: 'accepted', id: 'w4' });
    await end(client, 2);
    expect(appliedIds(client)).toEqual(['w1', 'w2', 'w3', 'w4']);
  });

  it('can be told apart in mid-conversation with a user, who writes at the same time', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const session = stack.newSession();
    const client = await listener(session);
    client.send({ type: 'message', id: 'm1', content: 'mine' });
    const [{ answer }] = await Promise.all([send(session, 'constructor', 'ü\ud83d'), accepted(client, 'm1')]);
    expect(answer).toMatchObject({ type: 'accepted', id: 'constructor' });
    await expect.poll(() => appliedIds(client).toSorted()).toEqual(['constructor', 'm1']);
    const said = framesOf(client, 'applied').flatMap(({ messages }) => messages);
    expect(said.find(({ id }) => id === 'constructor')).toEqual({
      id: 'constructor',
      content: 'ü\ufffd',
      from: 'system',
    });
    expect(said.find(({ id }) => id === 'm1')).not.toHaveProperty('from');
    await stack.stored.transcript(session);
  });

  it('are sent by the function that was granted it, and by no other', async () => {
    stack.script([{ chunks: ['Thanks.'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    const event = { send: message(session, 'paid-1', 'Paid.') };
    expect((await invoke('Webhook', event)).answer).toMatchObject({
      answer: { type: 'accepted', id: 'paid-1' },
    });
    await end(client);
    const denied = await invoke('Stranger', event);
    expect(denied).toMatchObject({ failed: true, answer: { errorType: 'AccessDeniedException' } });
  });

  it('come from a rule of EventBridge, each event once', async () => {
    stack.script([{ chunks: ['Thanks.'] }]);
    const session = stack.newSession();
    const client = await listener(session);
    await invoke('Webhook', { event: { session, text: 'Paid by event.' } });
    expect(await end(client)).toMatchObject({ full_response: 'Thanks.' });
    expect(framesOf(client, 'applied')[0]?.messages).toMatchObject([
      { content: 'Paid by event.', from: 'system' },
    ]);
  });
});
