import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListQueuesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as LambdaFn, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Stack } from 'aws-cdk-lib/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { teamsApp } from '../support/app.ts';
import { chunk, end } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack, type SharedStack } from '../support/stack.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { killWorker } from '../support/workers.ts';

const folder = temporaryFolder();
const billing = join(folder, 'billing');
mkdirSync(billing);
writeFileSync(
  join(billing, 'index.mjs'),
  'export const handler = async (event) => console.log("BILLED", JSON.stringify(event));',
);

let bus: EventBus | undefined;

/** A team's stack: a bus, a queue that gets every event, and a function that gets the ends of turns. */
const app = teamsApp({
  props(stack) {
    bus = new EventBus(stack, 'Bus', { eventBusName: 'team' });
    return { eventBus: bus };
  },
  besides(stack: Stack) {
    if (!bus) throw new Error('no bus');
    const queue = new Queue(stack, 'AllEvents');
    new Rule(stack, 'All', {
      eventBus: bus,
      eventPattern: { source: ['midturn'] },
      targets: [new SqsQueue(queue)],
    });
    const fn = new LambdaFn(stack, 'Billing', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromAsset(billing),
    });
    new Rule(stack, 'Ended', {
      eventBus: bus,
      eventPattern: { detailType: ['Turn Ended'], detail: { status: ['done'] } },
      targets: [
        new LambdaFunction(fn, {
          event: RuleTargetInput.fromObject({
            who: EventField.fromPath('$.detail.subject'),
            tokens: EventField.fromPath('$.detail.output_tokens'),
          }),
        }),
      ],
    });
  },
});

const onBus = ({ cloud }: SharedStack, session: string) =>
  cloud.eventBridge.taken().filter(({ event }) => (event.detail as Detail).session_id === session);
type Detail = Record<string, unknown>;

describe('an event bus', () => {
  const stack = givenStack({ app, settings: { MIDTURN_VISIBILITY_SECONDS: '2' } });

  it('is told of a turn that ended: whose, how, what it used and how long, and nothing that was said', async () => {
    stack.script([{ chunks: ['a secret answer'], usage: { input: 11, output: 7 } }]);
    const session = stack.newSession();
    const client = await stack.connect(session, { query: { name: 'Groceries' } });
    client.send({ type: 'message', id: 'm1', content: 'a secret question' });
    await end(client);
    await expect.poll(() => onBus(stack, session).length).toBe(1);
    const [told] = onBus(stack, session);
    const { turn_id } = await end(client);
    expect(told).toMatchObject({
      bus: 'team',
      event: {
        source: 'midturn',
        'detail-type': 'Turn Ended',
        detail: {
          version: 1,
          midturn: 'Theirs-Chat',
          id: `${turn_id}/ended`,
          session_id: session,
          session_name: 'Groceries',
          turn_id,
          status: 'done',
          messages: 1,
          steps: 1,
          input_tokens: 11,
          output_tokens: 7,
          provider: 'openai-compatible',
          model: 'scripted',
          duration_ms: expect.any(Number),
        },
      },
    });
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it('hands what it was told to the queue and the function of the rules that match', async () => {
    stack.script([{ chunks: ['hello'], usage: { input: 3, output: 5 } }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    stack.takeLog();
    client.send({ type: 'message', content: 'hi' });
    await end(client);
    const log: string[] = [];
    await expect
      .poll(() => log.push(...stack.takeLog()) && log.join('\n'))
      .toMatch(/BILLED \{"who":"\w+","tokens":5\}/);
    const { endpoint, credentials } = stack.cloud.sqs;
    const queues = new SQSClient({ endpoint, region: 'us-east-1', credentials });
    const { QueueUrls = [] } = await queues.send(new ListQueuesCommand({}));
    const QueueUrl = QueueUrls.find((url) => url.includes('AllEvents'));
    const bodies: string[] = [];
    await expect
      .poll(async () => {
        const { Messages = [] } = await queues.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
        );
        bodies.push(...Messages.map(({ Body = '' }) => Body));
        return bodies.map((body) => JSON.parse(body).detail.session_id);
      })
      .toContain(session);
    queues.destroy();
  });

  it('is told of an abort and of a failure, with its code', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['begun', gate] }, { status: 401, body: '{"error":{"message":"no"}}' }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'one' });
    await chunk(client, 'begun');
    client.send({ type: 'abort' });
    await end(client);
    gate.open();
    client.send({ type: 'message', content: 'two' });
    await end(client, 2);
    await expect
      .poll(() => onBus(stack, session).map(({ event: { detail } }) => (detail as Detail).status))
      .toEqual(['aborted', 'error']);
    expect(onBus(stack, session)[1]?.event.detail).toMatchObject({ code: 'AUTH_ERROR' });
  });

  it('is told of the turn that a deletion ends, and once of the deletion', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['begun', gate] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'one' });
    await chunk(client, 'begun');
    client.send({ type: 'delete', session_id: session });
    await client.next('deleted');
    gate.open();
    await expect
      .poll(() =>
        onBus(stack, session).map(({ event }) => [event['detail-type'], (event.detail as Detail).code]),
      )
      .toEqual([
        ['Turn Ended', 'SESSION_DELETED'],
        ['Session Deleted', undefined],
      ]);
  });

  it('is told by the next worker, if one dies when its turn has ended and the bus does not know it', async () => {
    stack.script([{ chunks: ['hello'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    // A client that sees a take-over's repeats.
    client.send({ type: 'connect' });
    await client.next('connected');
    // Also what the SDK repeats by itself: what the dead worker told is lost, so only another one can have told it.
    const losing = stack.cloud.eventBridge.lose();
    onTestFinished(losing.end);
    client.send({ type: 'message', content: 'hi' });
    await end(client);
    await losing.first;
    await killWorker(stack.cloud);
    expect(onBus(stack, session)).toEqual([]);
    losing.end();
    await expect.poll(() => onBus(stack, session).length).toBe(1);
  });

  it('that refuses loses the event, and fails no turn: the log and a metric say so', async () => {
    stack.script([{ chunks: ['hello'] }, { chunks: ['again'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    stack.takeLog();
    const restore = stack.cloud.eventBridge.refuse('NotAuthorizedForSourceException');
    client.send({ type: 'message', content: 'hi' });
    await end(client);
    const log: string[] = [];
    await expect
      .poll(() => log.push(...stack.takeLog()) && log.join('\n'))
      .toMatch(/the event bus did not take events[\s\S]*"BusEventsLost":\[?1/);
    restore();
    client.send({ type: 'message', content: 'hi again' });
    expect((await end(client, 2)).type).toBe('done');
    await expect.poll(() => onBus(stack, session).length).toBe(1);
  });
});

describe('without an event bus', () => {
  const stack = givenStack();

  it('nobody is told, and no function may tell anybody', async () => {
    stack.script([{ chunks: ['hello'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'hi' });
    await end(client);
    expect(stack.cloud.eventBridge.taken()).toEqual([]);
    const actions = stack.cloud.permissions.statements().flatMap(({ actions: { patterns } }) => patterns);
    expect(actions.filter((action) => action.startsWith('events:'))).toEqual([]);
  });
});
