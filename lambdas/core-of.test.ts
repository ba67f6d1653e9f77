import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instrumentsOf } from '../aws/cloudwatch/instruments.ts';
import { readLimits, readRates, readRetention } from '../config/settings/limits.ts';
import { readSessionSettings } from '../config/settings/sessions.ts';
import { epochMs, seconds } from '../config/units.ts';
import { asConnectionId, asLaneId, asSessionKey, asSlotId } from '../core/ids.ts';
import { givenAws } from '../test/support/aws-stand-in.ts';
import { besideStart, coreOf, required } from './core-of.ts';

const aws = givenAws();
beforeEach(() => aws.reset());
afterEach(() => aws.reset());

const of = (env: Record<string, string | undefined>) =>
  coreOf({ ...process.env, ...env }, instrumentsOf(process.env, 'inbound'));

it.each([
  ['limits', readLimits, { MIDTURN_INBOX_LIMIT: '7' }],
  ['rates', readRates, { MIDTURN_FRAMES_PER_MINUTE: '7' }],
  ['retention', readRetention, { MIDTURN_RETENTION_DAYS: '7' }],
  ['sessionSettings', readSessionSettings, { MIDTURN_STEER_SCOPE: 'session' }],
] as const)('a function’s core has the %s of its environment', (part, read, env) => {
  expect(read(env)).not.toEqual(read({}));
  expect(of(env)[part]).toEqual(read(env));
});

it('a function’s core sends jobs to the turn queue, and what is due later to the queue of deadlines', async () => {
  const { queues } = of({});
  const session = asSessionKey('acme#ann#s');
  await queues.sendJob({ session, lane: asLaneId('l'), slot: asSlotId('t') }, 'sender');
  await queues.sendDeletion({ session, at: epochMs(1), until: epochMs(2) }, seconds(3));
  expect(aws.sent.map(({ queue, delaySeconds }) => [queue, delaySeconds])).toEqual([
    ['turns.fifo', undefined],
    ['deadlines', 3],
  ]);
});

it('a function’s core has files and a bus only where the stack names them', () => {
  expect(of({})).not.toHaveProperty('files');
  expect(of({})).not.toHaveProperty('bus');
  expect(of({ MIDTURN_FILES_BUCKET: '' })).not.toHaveProperty('files');
  const whole = of({ MIDTURN_FILES_BUCKET: 'files', MIDTURN_EVENT_BUS: 'team' });
  expect([whole.files, whole.bus]).toEqual([expect.anything(), expect.anything()]);
});

it.each(['', undefined])('a variable that the stack sets is missed by its name where it is %j', (value) => {
  expect(() => required({ MIDTURN_TABLE_NAME: value }, 'MIDTURN_TABLE_NAME')).toThrow(
    /^MIDTURN_TABLE_NAME is not set/,
  );
  expect(() => of({ MIDTURN_TABLE_NAME: value })).toThrow(/^MIDTURN_TABLE_NAME is not set/);
});

it('a function without access to connections posts to none and closes none, and says what is missing', async () => {
  const { gateway } = of({ MIDTURN_MANAGEMENT_ENDPOINT: undefined });
  const connection = asConnectionId('c');
  await expect(gateway.post(connection, '{}')).rejects.toThrow(/^MIDTURN_MANAGEMENT_ENDPOINT is not set/);
  await expect(gateway.disconnect(connection)).rejects.toThrow(/^MIDTURN_MANAGEMENT_ENDPOINT is not set/);
});

describe('work beside the start of an environment', () => {
  /** A clock whose one sleep ends when the test says so. */
  function given() {
    const warned: string[] = [];
    let signal: AbortSignal | undefined;
    let longest = 0;
    const slept = Promise.withResolvers<void>();
    const log = { info() {}, warn: (text: string) => void warned.push(text), error() {}, with: () => log };
    const clock = {
      now: () => epochMs(0),
      sleep: (ms: number, ends?: AbortSignal) => {
        longest = ms;
        signal = ends;
        return slept.promise;
      },
    };
    return {
      core: { clock, log },
      warned,
      secondIsOver: slept.resolve,
      isTimerLeft: () => signal?.aborted === false,
      longest: () => longest,
    };
  }

  it('that is done leaves no timer, in which the function would be frozen', async () => {
    const { core, warned, isTimerLeft } = given();
    await besideStart(core, 'failed', Promise.resolve());
    expect([isTimerLeft(), warned]).toEqual([false, []]);
  });

  it('that fails is named in the log, and the start goes on', async () => {
    const { core, warned, isTimerLeft } = given();
    await besideStart(core, 'it failed', Promise.reject(new Error('no')));
    expect([isTimerLeft(), warned]).toEqual([false, ['it failed']]);
  });

  it('that takes longer goes on beside the first invocation, and its failure is named then', async () => {
    const { core, warned, secondIsOver, longest } = given();
    const work = Promise.withResolvers<void>();
    const started = besideStart(core, 'it failed', work.promise);
    expect(longest()).toBe(1000);
    secondIsOver();
    await started;
    expect(warned).toEqual([]);
    work.reject(new Error('no'));
    await expect.poll(() => warned).toEqual(['it failed']);
  });
});
