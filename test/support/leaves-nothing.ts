import { afterAll, expect, vi } from 'vitest';

/**
 * Runs before each test file of the project `unit`, whose files share a process: what a file leaves changed is its failure, not that of
 * a file after it.
 */
const environment = variables();
const { fetch, Date: date, WebSocket: webSocket } = globalThis;

afterAll(() => {
  expect(vi.isFakeTimers(), 'fake timers').toBe(false);
  expect(variables(), 'the environment').toEqual(environment);
  expect([globalThis.fetch, globalThis.Date, globalThis.WebSocket], 'globals').toEqual([fetch, date, webSocket]);
});

function variables(): NodeJS.ProcessEnv {
  // Powertools sets this one when it is loaded.
  const { AWS_SDK_UA_APP_ID: _, ...rest } = process.env;
  return rest;
}
