import { expect, it } from 'vitest';
import { readScenes } from '../../docs/protocol/examples.ts';
import { recordScenes } from '../../docs/protocol/record.ts';

it('the examples are what the product sends now: else run `npm run protocol:record`', async () => {
  expect(await recordScenes()).toEqual(await readScenes());
}, 60_000);
