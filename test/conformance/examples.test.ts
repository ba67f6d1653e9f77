import { expect, it } from 'vitest';
import { readScenes } from '../../protocol/documents/examples.ts';
import { recordScenes } from '../../protocol/documents/record.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';

it(
  'the examples are what the product sends now: else run `npm run protocol:record`',
  async () => {
    expect(await recordScenes()).toEqual(await readScenes());
  },
  LONG_TEST_MS,
);
