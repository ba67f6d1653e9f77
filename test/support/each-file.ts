import { afterAll, expect, vi } from 'vitest';
import { removeTemporaryFolders } from './temporary-folder.ts';

/**
 * Vitest runs this before each test file. What stands here is registered before the hooks of the file, and so runs after them: what the
 * file runs in its folders has ended by then.
 */
const environment = variables();
const { fetch, Date: date, WebSocket: webSocket } = globalThis;

// The next file has the same process: what a file leaves changed is its own failure.
afterAll(() => {
  removeTemporaryFolders();
  expect(vi.isFakeTimers(), 'fake timers').toBe(false);
  expect(variables(), 'the environment').toEqual(environment);
  expect([globalThis.fetch, globalThis.Date, globalThis.WebSocket], 'globals').toEqual([
    fetch,
    date,
    webSocket,
  ]);
});

function variables(): NodeJS.ProcessEnv {
  // Powertools sets this one when it is loaded.
  const { AWS_SDK_UA_APP_ID: _, ...rest } = process.env;
  return rest;
}
