import { beforeEach, expect, it } from 'vitest';
import { instrumentsOf } from '../aws/cloudwatch/instruments.ts';
import { asConnectionId } from '../core/ids.ts';
import { connectionKey } from '../core/store/keys.ts';
import { givenAws } from '../test/support/aws-stand-in.ts';
import { startCore } from './core-of.ts';

const aws = givenAws();
beforeEach(() => aws.reset());

const started = () => startCore(process.env, instrumentsOf(process.env, 'inbound'));
const key = connectionKey(asConnectionId('c'));

it('the first request to the table is made while the environment starts', async () => {
  aws.refuse('GetItem', 'CONNECTION#-');
  const core = await started();
  expect(aws.logged).toMatchObject([
    { level: 'WARN', message: 'the first request to the table failed', error: 'AccessDeniedException: no' },
  ]);
  aws.reset();
  expect(await core.store.get(key)).toBeUndefined();
});

it('a table that answers leaves no line in the log', async () => {
  const core = await started();
  expect(aws.logged).toEqual([]);
  expect(await core.store.get(key)).toBeUndefined();
});

it('a table that does not answer does not hold the start up', async () => {
  const answered = aws.hold('GetItem');
  const core = await started();
  answered();
  expect(await core.store.get(key)).toBeUndefined();
  expect(aws.logged).toEqual([]);
});
