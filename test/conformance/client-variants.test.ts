import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CLIENT_VARIANTS } from './client-variants.ts';

const CLIENT = join(import.meta.dirname, '../../client');

// `broken-clients.test.ts` tries the variants out, in a full run.
it.each(CLIENT_VARIANTS)('the client has the text that $name replaces, once', ({ edits }) => {
  for (const { file, from } of edits)
    expect(readFileSync(join(CLIENT, file), 'utf8').split(from), from).toHaveLength(2);
});
