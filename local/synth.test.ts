import { expect, it } from 'vitest';
import { sourcesOf } from './synth.ts';

it('a template depends on all that the app imports, also from beside it, and on nothing that only functions read', async () => {
  const sources = await sourcesOf('infra/app.ts');
  expect(sources).toEqual(
    expect.arrayContaining([
      'infra/app.ts',
      'infra/midturn.ts',
      'config/metrics.ts',
      'config/settings/table.ts',
    ]),
  );
  expect(sources.filter((path) => /node_modules|lambdas\/core/.test(path))).toEqual([]);
});
