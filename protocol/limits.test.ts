import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAX_DATA_BYTES, MAX_DATA_EVENTS } from './data-parts.ts';
import {
  DEFAULT_HISTORY_LIMIT,
  DEFAULT_SESSIONS_LIMIT,
  MAX_FORK_ENTRIES,
  MAX_FRAME_LEVELS,
  MAX_HISTORY_LIMIT,
  MAX_SESSIONS_LIMIT,
  MAX_TOOL_OUTPUT_BYTES,
} from './limits.ts';

const page = await readFile(join(import.meta.dirname, '../docs/protocol.md'), 'utf8');
const words = page.replaceAll(/\s+/g, ' ');
const number = (value: number) => value.toLocaleString('en-US');

/** Those that a table shows are written there by the generator (test/conformance/documents.test.ts). */
it.each([
  `with objects and arrays in more than ${number(MAX_FRAME_LEVELS)} levels`,
  `a fork of more than ${number(MAX_FORK_ENTRIES)} entries`,
  `${number(MAX_DATA_BYTES)} bytes of JSON, and a turn has at most ${number(MAX_DATA_EVENTS)} of these events`,
  `the values, by the names of the fields. At most ${number(MAX_TOOL_OUTPUT_BYTES)} bytes as JSON`,
  `from 1 to ${MAX_HISTORY_LIMIT} | The maximum number of entries; ${DEFAULT_HISTORY_LIMIT} without it`,
  `from 1 to ${MAX_SESSIONS_LIMIT} | The maximum number of sessions; ${DEFAULT_SESSIONS_LIMIT} without it`,
])('the protocol promises this limit as it is: %s', (promise) => {
  expect(words).toContain(promise);
});
