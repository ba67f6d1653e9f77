import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Metered, meter } from './capacity.ts';
import { parseJson } from './json-body.ts';

const UNITS = { TableName: 'T', CapacityUnits: 1.5 };

/** What DynamoDB is asked for, and what comes of its answer. */
function given(operation: string, asked: object, answer: object, wanted = true) {
  const bytes = Buffer.from(JSON.stringify({ TableName: 'T', ...asked }));
  const body = parseJson(bytes);
  if (!body) throw new Error('no JSON');
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const told: Metered[] = [];
  const sent: string[] = [];
  const { end } = response;
  response.end = ((text: string) => {
    sent.push(text);
    return end.call(response, text, 'utf8');
  }) as typeof response.end;
  const forwarded = meter(wanted, operation, body, response, (metered) => told.push(metered));
  const text = JSON.stringify(answer);
  response.setHeader('content-length', Buffer.byteLength(text)).setHeader('x-amz-crc32', '1').end(text);
  response.emit('close');
  return {
    isAsIs: forwarded === bytes,
    request: JSON.parse(String(forwarded)),
    told: told[0],
    sent: JSON.parse(sent[0] ?? ''),
    headers: response.getHeaders(),
  };
}

describe('consumed capacity', () => {
  it.each(
    'GetItem,PutItem,UpdateItem,DeleteItem,Query,Scan,BatchGetItem,BatchWriteItem,TransactGetItems,TransactWriteItems'.split(
      ',',
    ),
  )('of a %s is asked for and told, and its caller does not see it', (operation) => {
    const { request, told, sent, headers } = given(operation, {}, { Item: 'é€', ConsumedCapacity: UNITS });
    expect(request).toEqual({ TableName: 'T', ReturnConsumedCapacity: 'TOTAL' });
    expect(told).toEqual({ capacityUnits: 1.5 });
    expect(sent).toEqual({ Item: 'é€' });
    expect(headers).toEqual({ 'content-length': Buffer.byteLength('{"Item":"é€"}') });
  });

  it('of several tables is told as their sum', () => {
    expect(given('BatchGetItem', {}, { ConsumedCapacity: [UNITS, UNITS] }).told).toEqual({
      capacityUnits: 3,
    });
  });

  it.each([
    ['TOTAL', true],
    ['INDEXES', true],
    ['NONE', false],
  ])('is seen by a caller that asks for %s: %s', (ReturnConsumedCapacity, seen) => {
    const { isAsIs, sent, told } = given('Query', { ReturnConsumedCapacity }, { ConsumedCapacity: UNITS });
    expect([isAsIs, 'ConsumedCapacity' in sent, told]).toEqual([seen, seen, { capacityUnits: 1.5 }]);
  });

  it('is neither asked for where nobody wants it, nor of what consumes none', () => {
    for (const { isAsIs, told } of [given('GetItem', {}, {}, false), given('DescribeTable', {}, {})])
      expect([isAsIs, told]).toEqual([true, {}]);
  });

  it('of a condition that failed is not told, and that it failed is', () => {
    const __type = 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException';
    expect(given('PutItem', {}, { __type }).told).toEqual({ conditionFailed: true });
    expect(given('PutItem', {}, { __type: 'x#ValidationException' }).told).toEqual({});
  });
});
