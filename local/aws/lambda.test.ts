import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvokeCommand, LambdaClient, type LambdaServiceException } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FunctionError } from '../functions/errors.ts';
import { newAccessKey } from './access-key.ts';
import { stackOf } from './fixtures.ts';
import { createLambda, type Lambda } from './lambda.ts';

let server: Server;
let lambda: Lambda;
let client: LambdaClient;
const later: unknown[] = [];
const lost: string[] = [];

beforeAll(async () => {
  lambda = createLambda({
    stack: stackOf([]),
    functions: {
      pool: () => ({
        spec: { name: 'worker' },
        async invoke(event) {
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
        if (event === 'lose') throw new Error('gone');
      },
    },
    log: ({ text }) => lost.push(text),
  });
  server = createServer((request, response) => {
    void lambda.answer(request, response, String(request.url));
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
    'Worker',
    'worker',
  ])('gives %s an event, and its result back', async (name) => {
    const { StatusCode, Payload, FunctionError: failed } = await invoke(name, { a: 'ü' });
    expect([StatusCode, said(Payload), failed]).toEqual([200, '{"got":{"a":"ü"}}', undefined]);
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
    expect(later).toEqual(['later', 'lose']);
    expect(lost).toEqual(['an event was lost: gone']);
  });

  it.each([
    ['no such function', () => invoke('other', {}), 'ResourceNotFoundException', 404],
    ['what is no JSON', () => invoke('worker', {}, { Payload: '{' }), 'InvalidRequestContentException', 400],
    ['too much', () => invoke('worker', 'x'.repeat(6 * 1024 * 1024)), 'RequestTooLargeException', 413],
    ['too many', () => invoke('worker', 'busy'), 'TooManyRequestsException', 429],
  ])('refuses %s in the words of the service', async (_, call, name, httpStatusCode) => {
    await expect(call()).rejects.toMatchObject<Partial<LambdaServiceException>>({
      name,
      $metadata: { httpStatusCode },
    });
  });
});
