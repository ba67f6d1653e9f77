import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { givenAws } from '../../test/support/aws-stand-in.ts';

const aws = givenAws();
let handle: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});
afterEach(() => aws.reset());

const job = (slot: string) => JSON.stringify({ session: 'acme#ada#s', lane: 'l', slot });

async function failures(...bodies: string[]): Promise<string[]> {
  const Records = bodies.map((body, n) => ({ messageId: String(n), receiptHandle: 'r', body }));
  const answer = await handle({ Records } as SQSEvent, { awsRequestId: 'r' } as Context);
  return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

it('P1: each job goes to the turn queue again, as it was', async () => {
  expect(await failures(job('one'), job('two'))).toEqual([]);
  expect(aws.sent.map(({ queue, body }) => [queue, JSON.parse(body).slot])).toEqual([
    ['turns.fifo', 'one'],
    ['turns.fifo', 'two'],
  ]);
});

it('a message that woke the turn function in vain is not sent again, and those behind it are', async () => {
  expect(await failures('{"wake":true}', job('one'))).toEqual([]);
  expect(aws.sent.map(({ body }) => JSON.parse(body).slot)).toEqual(['one']);
});

const summary = JSON.stringify({ compaction: { session: 'acme#ada#s', from: 7 } });

it.each([
  ['job', job('one')],
  ['summary', summary],
  ['end of a turn', JSON.stringify({ ended: { session: 'acme#ada#s', lane: 'l', turn: 't', first: 1 } })],
])(
  'P1: a %s that comes back again and again is sent each time: SQS takes none for a repeat',
  async (_, body) => {
    expect(await failures(body)).toEqual([]);
    expect(await failures(body)).toEqual([]);
    expect(aws.sent.map((sent) => JSON.parse(sent.body))).toEqual([JSON.parse(body), JSON.parse(body)]);
    expect(new Set(aws.sent.map(({ deduplicationId }) => deduplicationId)).size).toBe(2);
  },
);

it('a summary that cannot be sent stays in the dead-letter queue', async () => {
  aws.refuse('SendMessage', 'compaction');
  expect(await failures(summary, job('one'))).toEqual(['0']);
  expect(aws.sent).toHaveLength(1);
});

it('P1: a job that cannot be sent stays in the dead-letter queue, and those beside it are sent', async () => {
  aws.refuse('SendMessage', 'the bad one');
  expect(await failures(job('one'), job('the bad one'), job('three'))).toEqual(['1']);
  expect(aws.sent.map(({ body }) => JSON.parse(body).slot)).toEqual(['one', 'three']);
  const errors = aws.logged.filter(({ level }) => level === 'ERROR');
  expect(errors).toMatchObject([
    { message: 'dead letter cannot be sent again', messageId: '1', stack: expect.any(String) },
  ]);
});

it.each(['no JSON', '{}', 'null', '{"session":"s","lane":"l"}'])(
  'a message that is no job (%j) stays in the dead-letter queue',
  async (body) => {
    expect(await failures(body, job('two'))).toEqual(['0']);
    expect(aws.sent).toHaveLength(1);
  },
);
