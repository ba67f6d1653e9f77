import { expect } from 'vitest';
import type { LocalCloud } from '../../local/cloud.ts';

/** Ends the one worker that runs a turn outright: not another line of it is run. */
export async function killWorker({ functions }: LocalCloud): Promise<void> {
  const busy = functions
    .list()
    .filter(({ name }) => name === 'turn')
    .flatMap(({ environments }) => environments)
    .filter(({ state }) => state === 'busy');
  expect(busy).toHaveLength(1);
  for (const { id } of busy) await functions.kill(id);
}

/** Ends all environments of a function outright. */
export async function endEnvironments({ functions }: LocalCloud, name: string): Promise<void> {
  const environments = functions.list().find((fn) => fn.name === name)?.environments ?? [];
  await Promise.all(environments.map(({ id }) => functions.kill(id)));
}
