import { describe, expect, it } from 'vitest';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { instrumentsOf } from './instruments.ts';

const aws = givenAws();

const given = (env: Record<string, string> = {}) => {
  aws.reset();
  return instrumentsOf({ MIDTURN_STACK: 'Midturn', ...env }, 'turn');
};
const context = { awsRequestId: 'request', functionName: 'fn' } as never;

describe('an error that is caught', () => {
  it('is counted in each log that is made of the function’s, however deep', async () => {
    const { log, invocation } = given();
    await invocation(context, async () => {
      log.error('one');
      log.with({ session: 's' }).error('two');
      log.with({ session: 's' }).with({ turn: 't' }).error('three', { seq: 1 });
      log.warn('none');
      log.info('none');
    });
    expect(aws.measured).toMatchObject([{ function: 'turn', CaughtErrors: 3 }]);
  });

  it('is counted where its line is not printed', async () => {
    const { log, invocation } = given({ MIDTURN_LOG_LEVEL: 'SILENT' });
    await invocation(context, async () => log.error('one'));
    expect(aws.logged).toEqual([]);
    expect(aws.measured).toMatchObject([{ CaughtErrors: 1 }]);
  });
});

it('a line has all fields of the logs that its log is made of, its own last, and the invocation’s request', async () => {
  const { log, invocation } = given();
  await invocation(context, async () => {
    log.with({ session: 's', turn: 'old' }).with({ turn: 't' }).warn('here', { seq: 7 });
    log.warn('there');
  });
  expect(aws.logged).toMatchObject([
    { message: 'here', session: 's', turn: 't', seq: 7, function_request_id: 'request', function_name: 'fn' },
    { message: 'there', function_request_id: 'request' },
  ]);
  // Of the invocation no more than that, in each line.
  for (const name of ['session', 'function_arn', 'function_memory_size', 'cold_start'])
    expect(aws.logged[1]).not.toHaveProperty(name);
  expect(aws.logged[1]).toMatchObject({ level: 'WARN', service: 'midturn' });
});

it.each(['info', 'warn', 'error'] as const)(
  'a line of level %s says so, and its own fields stand for those of its log',
  async (level) => {
    const { log, invocation } = given({ MIDTURN_LOG_LEVEL: 'INFO' });
    await invocation(context, async () =>
      log.with({ session: 's', turn: 'old' })[level]('here', { turn: 't' }),
    );
    expect(aws.logged).toMatchObject([
      { level: level.toUpperCase(), message: 'here', session: 's', turn: 't' },
    ]);
  },
);

it.each(['ends', 'fails'])(
  'what was measured is written when an invocation %s, and not twice',
  async (how) => {
    const { metrics, invocation } = given();
    const work = async () => {
      metrics.count('Steps');
      await Promise.resolve();
      metrics.count('Steps');
      if (how === 'fails') throw new Error('no');
      return 'done';
    };
    const result = await invocation(context, work).catch((error: Error) => error.message);
    expect(result).toBe(how === 'fails' ? 'no' : 'done');
    expect(aws.measured).toMatchObject([{ Steps: 2 }]);
    await invocation(context, async () => {});
    expect(aws.measured).toHaveLength(1);
  },
);

it('a function without a stack’s name measures nothing', async () => {
  aws.reset();
  const { metrics, invocation } = instrumentsOf({}, 'turn');
  await invocation(context, async () => metrics.count('Steps'));
  expect(aws.measured).toEqual([]);
});
