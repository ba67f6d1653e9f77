import { expect, it } from 'vitest';
import { createAccess } from '../aws/access.ts';
import { functionCaller } from '../aws/caller.ts';
import { stackOf } from '../aws/fixtures.ts';
import { readRoles } from '../aws/roles.ts';
import type { Value } from '../template/template.ts';
import { createTelemetry } from './telemetry.ts';

const GROUP = 'arn:aws:logs:us-east-1:000000000000:log-group:Midturn-WorkerLogs:*';

function given(actions: readonly string[], { traced = false, resource = GROUP } = {}) {
  const statements: Value[] = [
    { Effect: 'Allow', Action: actions.length > 0 ? actions : 'none:None', Resource: resource },
  ];
  const stack = stackOf(statements);
  const access = createAccess(readRoles(stack), () => {});
  const [worker] = stack.ofType('AWS::Lambda::Function');
  if (!worker) throw new Error('no function');
  const printed: string[] = [];
  const written: number[] = [];
  access.onCall(({ operation, requestBytes }) => {
    if (operation === 'PutLogEvents') written.push(requestBytes);
  });
  const telemetry = createTelemetry({
    access,
    caller: functionCaller(stack, worker, 'worker'),
    logGroupName: 'Midturn-WorkerLogs',
    traced,
    print: (text) => printed.push(text),
  });
  telemetry.onStart('one');
  telemetry.log('héllo', 'one');
  telemetry.onInvoked('one');
  return { printed, written, denied: access.denials().map(({ action }) => action) };
}

const BOTH = ['logs:CreateLogStream', 'logs:PutLogEvents'];

it('what a function prints is written to its log group', () => {
  expect(given(BOTH)).toEqual({ printed: ['héllo'], written: [6, 0], denied: [] });
});

it.each([
  ['put log events', ['logs:CreateLogStream'], ['logs:PutLogEvents']],
  ['create a log stream', ['logs:PutLogEvents'], ['logs:CreateLogStream']],
])('without permission to %s nothing is printed', (_what, actions, denied) => {
  expect(given(actions)).toMatchObject({ printed: [], denied });
});

it('permission for another log group is none', () => {
  const resource = GROUP.replace('WorkerLogs', 'OtherLogs');
  expect(given(BOTH, { resource }).printed).toEqual([]);
});

it('a traced function sends traces', () => {
  expect(given(BOTH, { traced: true }).denied).toEqual(['xray:PutTelemetryRecords', 'xray:PutTraceSegments']);
});
