import { expect, test } from 'vitest';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../core/testing/call-setup.ts';
import { createToolbox } from '../model/tools/toolbox.ts';
import { agent } from './agent.ts';
import { wait } from './tools/wait.ts';

const toolbox = createToolbox(agent);
const context = {
  signal: new AbortController().signal,
  idempotencyKey: 'key',
  setup: ANNS_SETUP,
  display: UNSEEN,
  files: NO_FILES,
};

test('current_time gives an ISO time and its zone', async () => {
  const { output, isError } = await toolbox.run({ id: '1', name: 'current_time', args: {} }, context);
  expect(isError).toBe(false);
  expect(output).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    zone: expect.any(String),
  });
});

test('wait waits', async () => {
  const outcome = await toolbox.run({ id: '1', name: 'wait', args: { seconds: 0.001 } }, context);
  expect(outcome).toEqual({ output: { waited_seconds: 0.001 }, isError: false });
});

test.each([10.1, 11, -1, 'long'])('wait refuses %s seconds', async (seconds) => {
  const outcome = await toolbox.run({ id: '1', name: 'wait', args: { seconds } }, context);
  expect(outcome).toMatchObject({ isError: true, output: expect.stringContaining('seconds: ') });
});

test('wait ends at once when the turn is aborted', async () => {
  const controller = new AbortController();
  const outcome = toolbox.run(
    { id: '1', name: 'wait', args: { seconds: 10 } },
    { ...context, signal: controller.signal },
  );
  controller.abort();
  expect(await outcome).toEqual({ output: 'The tool was stopped before it was done.', isError: true });
});

test('and so in the midst of its wait', async () => {
  const controller = new AbortController();
  const options = { toolCallId: '1', messages: [], context: {}, abortSignal: controller.signal };
  const waited = wait.execute?.({ seconds: 10 }, options);
  controller.abort();
  await expect(waited).rejects.toThrow('aborted');
});

test('a message that is to be read at once may stop a wait alone', () => {
  expect(['current_time', 'wait'].map(toolbox.isAbortable)).toEqual([false, true]);
});

test('both sample tools may be run again after a crash', () => {
  expect(['current_time', 'wait'].map(toolbox.isIdempotent)).toEqual([true, true]);
});
