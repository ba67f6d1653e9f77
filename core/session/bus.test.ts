import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { numbered, type TurnEvent } from '../events/events.ts';
import { asRequestId, asSessionId, asTurnId } from '../ids.ts';
import type { BusEvent } from '../ports.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { tellBus, tellDeletion } from './bus.ts';

const ANNS = { principal: { tenant: 'acme', subject: 'ann' }, sessionId: asSessionId('s') };
const FACTS = {
  began: epochMs(1_000),
  ended: epochMs(3_500),
  messages: 2,
  steps: 3,
  usage: { input_tokens: 7 },
};
const TURN = asTurnId('t');
const done = (facts: object | undefined): TurnEvent =>
  numbered(
    {
      type: 'done',
      input_tokens: 7,
      output_tokens: 5,
      last_input_tokens: 7,
      model: 'm',
      provider: 'p',
      steps: 3,
      first: 1,
      ...(facts && { facts: facts as typeof FACTS }),
    },
    9,
    TURN,
  );
const failed: TurnEvent = numbered(
  { type: 'error', code: 'PROVIDER_ERROR', message: 'secret', retryable: true, first: 1, facts: FACTS },
  9,
  TURN,
);
const chunk: TurnEvent = { type: 'chunk', seq: 2, turn: TURN, content: 'secret', offset: 0 };

function given(put: (events: readonly BusEvent[]) => Promise<void> = async () => {}) {
  const told: BusEvent[] = [];
  const counted: [string, number | undefined][] = [];
  const errors: unknown[] = [];
  const { log, metrics } = memoryCore();
  return {
    told,
    counted,
    errors,
    core: {
      bus: {
        async put(events: readonly BusEvent[]) {
          await put(events);
          told.push(...events);
        },
      },
      metrics: { ...metrics, count: (name: string, by?: number) => void counted.push([name, by]) },
      log: { ...log, error: (_: string, fields: unknown) => void errors.push(fields) },
    },
  };
}

it('the bus is told of ends whose facts are known and of requests for approval: ids, names and figures alone', async () => {
  const { core, told } = given();
  const request: TurnEvent = {
    type: 'approval_request',
    seq: 3,
    turn: TURN,
    request_id: asRequestId('r'),
    tool_call_id: 'c',
    tool: 'pay',
    arguments_summary: 'secret',
    timeout_secs: 60,
    at: epochMs(2_000),
  };
  const session = { ...ANNS, name: 'Soup', agent: 'cook' };
  await tellBus(core, session, [
    chunk,
    request,
    done({ ...FACTS, provider: 'p', model: 'm' }),
    done(undefined),
    failed,
  ]);
  const whose = {
    tenant: 'acme',
    subject: 'ann',
    session_id: 's',
    session_name: 'Soup',
    agent: 'cook',
    turn_id: 't',
  };
  const ended = {
    id: 't/ended',
    ...whose,
    messages: 2,
    steps: 3,
    input_tokens: 7,
    started_at: '1970-01-01T00:00:01.000Z',
    ended_at: '1970-01-01T00:00:03.500Z',
    duration_ms: 2500,
  };
  expect(told).toEqual([
    {
      type: 'Approval Requested',
      at: 2_000,
      detail: {
        id: 'r/requested',
        ...whose,
        request_id: 'r',
        tool: 'pay',
        timeout_secs: 60,
        requested_at: '1970-01-01T00:00:02.000Z',
      },
    },
    { type: 'Turn Ended', at: 3_500, detail: { ...ended, status: 'done', provider: 'p', model: 'm' } },
    { type: 'Turn Ended', at: 3_500, detail: { ...ended, status: 'error', code: 'PROVIDER_ERROR' } },
  ]);
});

it('what the bus does not take is counted, event by event, and named in the log; nothing fails with it', async () => {
  const { core, told, counted, errors } = given(async () => {
    throw new Error('throttled');
  });
  expect(await tellBus(core, ANNS, [done(FACTS), failed])).toBe(false);
  expect(await tellDeletion(core, ANNS, epochMs(5))).toBe(false);
  expect(told).toEqual([]);
  expect(counted).toEqual([
    ['BusEventsLost', 2],
    ['BusEventsLost', 1],
  ]);
  expect(errors[0]).toMatchObject({ ids: ['t/ended', 't/ended'] });
});

it('a bus is asked for nothing where there is nothing to tell, and none is needed', async () => {
  let puts = 0;
  const { core } = given(async () => void puts++);
  expect([await tellBus(core, ANNS, [chunk]), await tellBus(core, ANNS, []), puts]).toEqual([true, true, 0]);
  const { bus: _, ...without } = core;
  expect(await tellBus(without, ANNS, [failed])).toBe(true);
});

it('P12: a deletion has an id of its own for each principal, session and time', async () => {
  const { core, told } = given();
  const { principal } = ANNS;
  for (const [who, sessionId, at] of [
    [principal, 's', 1],
    [{ ...principal, subject: 'bob' }, 's', 1],
    [{ ...principal, tenant: 'globex' }, 's', 1],
    [principal, 's2', 1],
    [principal, 's', 2],
  ] as const)
    await tellDeletion(core, { principal: who, sessionId: asSessionId(sessionId) }, epochMs(at));
  expect(new Set(told.map(({ detail }) => detail.id)).size).toBe(5);
  expect(told[1]?.detail).toMatchObject({ tenant: 'acme', subject: 'bob', session_id: 's' });
});
