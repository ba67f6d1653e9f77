import { describe, expect, it } from 'vitest';
import type { Call } from '../../local/aws/access.ts';
import type { Invocation } from '../../local/functions/functions.ts';
import type { Traffic } from '../../local/gateway/types.ts';
import { type Charge, totalOf, withTurnMemory } from './ledger.ts';
import { meterCloud } from './meter.ts';
import { partsOf } from './parts.ts';

interface Heard {
  calls?: Partial<Call>[];
  invocations?: Partial<Invocation>[];
  traffic?: Traffic[];
}

const CALL: Call = {
  function: 'turn',
  by: 'function',
  service: 'dynamodb',
  operation: 'UpdateItem',
  checks: [],
  allowed: true,
  at: 0,
  requestBytes: 100,
  responseBytes: 100,
};
const KEY = { Key: { pk: { S: 'LANE#one' }, sk: { S: '-' } } };

/** What a meter enters of what it hears. */
function charged({ calls = [], invocations = [], traffic = [] }: Heard): Charge[] {
  const silent = () => {};
  const { ledger } = meterCloud({
    permissions: {
      onCall(listener) {
        for (const call of calls) listener({ ...CALL, ...call });
        return silent;
      },
    },
    functions: {
      onInvocation(listener) {
        for (const one of invocations) {
          listener({ function: 'turn', ms: 1000, memoryMb: 512, traced: false, ...one });
        }
        return silent;
      },
    },
    gateway: {
      onTraffic(listener) {
        for (const one of traffic) listener(one);
        return silent;
      },
    },
  });
  return [...ledger.charges];
}

const quantities = (heard: Heard, unit: Charge['unit']) =>
  charged(heard).flatMap((charge) => (charge.unit === unit ? [[charge.what, charge.quantity]] : []));

describe('DynamoDB is billed', () => {
  it('by the units that it says, by kind of item', () => {
    const put = {
      operation: 'PutItem',
      request: { Item: { pk: { S: 'SESSION#s' }, sk: { S: 'ENTRY#1' }, content: { S: 'x' } } },
    };
    const calls = [
      { request: KEY, capacityUnits: 2 },
      { request: KEY, capacityUnits: 1 },
      { ...put, capacityUnits: 3 },
    ];
    expect(quantities({ calls }, 'writeUnits')).toEqual([
      ['UpdateItem LANE', 3],
      ['PutItem ENTRY', 3],
    ]);
  });

  it('for a write that its condition refused, by the size of the item as it is', () => {
    const refused = { request: KEY, conditionFailed: true } as const;
    expect(quantities({ calls: [refused] }, 'writeUnits')).toEqual([['UpdateItem LANE, refused', 1]]);
    const calls = [{ request: KEY, capacityUnits: 4 }, refused];
    expect(quantities({ calls }, 'writeUnits')).toEqual([
      ['UpdateItem LANE', 4],
      ['UpdateItem LANE, refused', 4],
    ]);
  });

  it('for reads apart, and not for what was denied', () => {
    const read = { operation: 'GetItem', request: KEY, capacityUnits: 0.5 };
    const calls = [read, { ...read, allowed: false }];
    expect(quantities({ calls }, 'readUnits')).toEqual([['GetItem LANE', 0.5]]);
    expect(quantities({ calls }, 'writeUnits')).toEqual([]);
  });
});

it('SQS is billed by 64 KB and kind of queue, without polls in vain', () => {
  const at = (name: string, operation: string, more: Partial<Call> = {}) => ({
    service: 'sqs',
    operation,
    checks: [{ action: 'sqs:Any', resource: `arn:aws:sqs:us-east-1:0:${name}`, allowed: true }],
    ...more,
  });
  const calls = [
    at('turn.fifo', 'SendMessage', { requestBytes: 70_000 }),
    at('turn.fifo', 'ReceiveMessage', { responseBytes: 0 }),
    at('turn.fifo', 'GetQueueAttributes'),
    at('deadline', 'SendMessage'),
  ];
  expect(quantities({ calls }, 'fifoRequests')).toEqual([['SendMessage', 2]]);
  expect(quantities({ calls }, 'standardRequests')).toEqual([['SendMessage', 1]]);
});

it('a message is billed by 32 KB in either direction', () => {
  const traffic: Traffic[] = [
    { direction: 'out', bytes: 1 },
    { direction: 'out', bytes: 32_769 },
    { direction: 'in', bytes: 32_768 },
  ];
  expect(quantities({ traffic }, 'webSocketMessages')).toEqual([
    ['message', 3],
    ['message', 1],
  ]);
});

it('an invocation is billed by memory and time; the turn’s goes on beside its calls, others wait for theirs', () => {
  const calls = [{ function: 'turn' }, { function: 'inbound' }, { function: 'inbound' }];
  const invocations = [{ ms: 2000 }, { function: 'inbound', ms: 1000, memoryMb: 256 }];
  const seconds = quantities({ calls, invocations }, 'lambdaGbSeconds');
  expect(seconds[0]).toEqual(['512 MB', 1]);
  expect(seconds[1]?.[1]).toBeCloseTo((1 + 0.016) / 4, 5);
});

it('with half the memory only the turn’s own time costs half', () => {
  const charges = charged({ invocations: [{ ms: 2000 }, { function: 'inbound', memoryMb: 256 }] });
  const halved = withTurnMemory(charges, 256, 512);
  expect(totalOf(charges) - totalOf(halved)).toBeCloseTo((0.5 * 13.33) / 1e6, 12);
});

it('each charge belongs to one part, and the parts make up the whole', () => {
  const charges = charged({
    calls: [
      { request: KEY, capacityUnits: 2 },
      { function: 'inbound', request: KEY, capacityUnits: 1 },
    ],
    invocations: [{ traced: true }, { function: 'inbound' }],
    traffic: [{ direction: 'out', bytes: 10 }],
  });
  const parts = partsOf(charges);
  expect(parts.reduce((sum, { usd }) => sum + usd, 0)).toBeCloseTo(1e6 * totalOf(charges), 9);
  expect(parts.find(({ name }) => name === 'writes: commits of the turn')?.quantity).toBe(2);
});
