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
const deletion = JSON.stringify({ deletion: { session: 'acme#ada#gone', at: 1, until: 2 } });
const greeting = JSON.stringify({ greeting: { connection: 'c' } });
const fork = JSON.stringify({ fork: { session: 'acme#ada#copy', connection: 'c' } });
const replay = JSON.stringify({ replay: { connection: 'c', mark: 1 } });

/** The numbers of the messages that the queue gives again. */
async function failures(...bodies: string[]): Promise<string[]> {
  const Records = bodies.map((body, n) => ({ messageId: String(n), receiptHandle: 'r', body }));
  const answer = await handle({ Records } as SQSEvent, { awsRequestId: 'r' } as Context);
  return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}
const caught = () =>
  aws.logged
    .filter(({ message, stack }) => message === 'deadline failed' && typeof stack === 'string')
    .map(({ messageId }) => messageId);

it('the messages of all kinds are done, of what is over too', async () => {
  expect(await failures(job('t'), deletion, greeting, replay, fork)).toEqual([]);
  expect(aws.logged).toEqual([]);
});

it.each(['', 'no JSON', 'null', '{}', '{"deletion":{}}', '{"replay":{"connection":"c"}}', '{"greeting":{}}'])(
  'a message that is none (%j) is named and logged, and those beside it are done',
  async (body) => {
    expect(await failures(job('t'), body, replay)).toEqual(['1']);
    expect(caught()).toEqual(['1']);
  },
);

it.each([
  ['a turn whose lane', job('of this one'), 'GetItem', 'acme#ada#s'],
  ['a deletion whose session', deletion, 'GetItem', 'acme#ada#gone'],
  ['a replay whose connection', replay, 'GetItem', ''],
  ['a greeting whose connection', greeting, 'GetItem', ''],
  ['a fork whose session', fork, 'GetItem', 'acme#ada#copy'],
])('P1: %s cannot be read is named alone: the queue gives it again', async (_, body, operation, about) => {
  aws.refuse(operation, about);
  const other = about === '' ? [] : [JSON.stringify({ session: 'acme#other#s', lane: 'l', slot: 't' })];
  expect(await failures(...other, body)).toEqual([String(other.length)]);
  expect(caught()).toEqual([String(other.length)]);
});
