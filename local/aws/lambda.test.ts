import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvokeCommand, LambdaClient, type LambdaServiceException } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOfBytes } from '../../test/support/text.ts';
import { FunctionError } from '../functions/errors.ts';
import { newAccessKey } from './access-key.ts';
import { stackOf } from './fixtures.ts';
import { createLambda, type Lambda } from './lambda.ts';

let server: Server;
let lambda: Lambda;
let client: LambdaClient;
const invoked: unknown[] = [];
/** Sizes of the answers, as they were told. */
const sizes: number[] = [];
const later: unknown[] = [];
const lost: string[] = [];
/** Events whose function runs until it is told to end. */
const waiting = new Map(['first', 'second'].map((event) => [event, Promise.withResolvers<void>()]));

beforeAll(async () => {
  lambda = createLambda({
    stack: stackOf([]),
    functions: {
      pool: () => ({
        spec: { name: 'worker' },
        async invoke(event) {
          invoked.push(event);
          if (event === 'busy')
            throw new FunctionError({
              errorType: 'TooManyRequestsException',
              errorMessage: 'Rate Exceeded.',
            });
          if (event === 'fail') throw new FunctionError({ errorType: 'Broken', errorMessage: 'why' });
          return { got: event };
        },
      }),
    },
    asynchronous: {
      async invoke(_, event) {
        later.push(event);
        await waiting.get(String(event))?.promise;
        if (event === 'lose') throw new Error('gone');
      },
    },
    log: ({ text }) => lost.push(text),
  });
  server = createServer((request, response) => {
    void lambda.answer(request, response, String(request.url)).then((bytes) => sizes.push(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new LambdaClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: newAccessKey(),
    maxAttempts: 1,
  });
});

afterAll(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

const invoke = (FunctionName: string, event: unknown, more: Partial<InvokeCommand['input']> = {}) =>
  client.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event), ...more }));
const said = (payload: Uint8Array | undefined) => Buffer.from(payload ?? []).toString();

describe('Lambda’s Invoke', () => {
  it.each([
    'Midturn-Worker',
    'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Worker',
    'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Worker:$LATEST',
    'Worker',
    'worker',
  ])('gives %s an event, and its result back', async (name) => {
    const { StatusCode, Payload, FunctionError: failed } = await invoke(name, { a: 'ü' });
    expect([StatusCode, said(Payload), failed]).toEqual([200, '{"got":{"a":"ü"}}', undefined]);
  });

  it.each(['x', 'é', '€', '😀'])(
    'tells the bytes of its answer, whatever its letters: %s',
    async (letter) => {
      const { Payload } = await invoke('worker', letter.repeat(50));
      await expect.poll(() => sizes.at(-1)).toBe(Payload?.length);
    },
  );

  it('gives a function that is only asked for nothing', async () => {
    const before = invoked.length;
    expect(await invoke('worker', 'dry', { InvocationType: 'DryRun' })).toMatchObject({ StatusCode: 204 });
    expect(invoked).toHaveLength(before);
  });

  // "Lambda quotas" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), of the JSON of an event.
  it.each([
    ['RequestResponse', 6 * 1024 * 1024],
    ['Event', 1024 * 1024],
  ] as const)('takes an event of %s of %i bytes, and none of a byte more', async (InvocationType, most) => {
    const event = textOfBytes(most - 2);
    await invoke('worker', event, { InvocationType });
    await expect(invoke('worker', `${event}x`, { InvocationType })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
  });

  it('tells what the function threw, as an answer', async () => {
    const { StatusCode, Payload, FunctionError: failed } = await invoke('worker', 'fail');
    expect([StatusCode, failed]).toEqual([200, 'Unhandled']);
    expect(JSON.parse(said(Payload))).toMatchObject({ errorType: 'Broken', errorMessage: 'why' });
  });

  it('takes an event for later, and says in the log that it was lost', async () => {
    expect(await invoke('worker', 'later', { InvocationType: 'Event' })).toMatchObject({ StatusCode: 202 });
    await invoke('worker', 'lose', { InvocationType: 'Event' });
    await lambda.settled();
    expect(later.filter((event) => String(event).length < 10)).toEqual(['later', 'lose']);
    expect(lost).toEqual(['an event was lost: gone']);
  });

  it('is settled when no event is under way, also none that came meanwhile', async () => {
    const order: string[] = [];
    await invoke('worker', 'first', { InvocationType: 'Event' });
    const settled = lambda.settled().then(() => order.push('settled'));
    await invoke('worker', 'second', { InvocationType: 'Event' });
    waiting.get('first')?.resolve();
    await invoke('worker', 'between');
    order.push('second ends');
    waiting.get('second')?.resolve();
    await settled;
    expect(order).toEqual(['second ends', 'settled']);
  });

  it.each([
    ['no such function', () => invoke('other', {}), 'ResourceNotFoundException', 404],
    ['what is no JSON', () => invoke('worker', {}, { Payload: '{' }), 'InvalidRequestContentException', 400],
    ['too many', () => invoke('worker', 'busy'), 'TooManyRequestsException', 429],
  ])('refuses %s in the words of the service', async (_, call, name, httpStatusCode) => {
    await expect(call()).rejects.toMatchObject<Partial<LambdaServiceException>>({
      name,
      $metadata: { httpStatusCode },
    });
  });
});
