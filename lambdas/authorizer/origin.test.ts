import { expect, it } from 'vitest';
import { SettingError } from '../../config/settings/setting.ts';
import { parseOriginValues } from './origin.ts';

const LONG = 'hunter2-'.repeat(4);

it('a secret of what stands in front of the API has values of 32 characters or more, both accepted', () => {
  for (const length of [32, 33]) {
    const [current, previous] = ['c', 'p'].map((letter) => letter.repeat(length)) as [string, string];
    const digests = parseOriginValues(JSON.stringify({ current, previous })).map((digest) =>
      digest.toString('hex'),
    );
    expect(new Set(digests).size).toBe(2);
    expect(parseOriginValues(JSON.stringify({ current })).map((digest) => digest.toString('hex'))).toEqual([
      digests[0],
      digests[0],
    ]);
  }
  for (const short of [{ current: 'c'.repeat(31) }, { current: 'c'.repeat(32), previous: 'p'.repeat(31) }])
    expect(() => parseOriginValues(JSON.stringify(short))).toThrow(SettingError);
});

it.each([
  'hunter2',
  LONG,
  JSON.stringify(LONG),
  'null',
  '[]',
  '{}',
  JSON.stringify({ current: 'hunter2' }),
  JSON.stringify({ current: LONG, previous: 'hunter2' }),
  JSON.stringify({ current: [LONG] }),
])('a secret of what stands in front of the API is refused where it holds %s, and quoted nowhere', (text) => {
  expect(() => parseOriginValues(text)).toThrow(SettingError);
  expect(() => parseOriginValues(text)).not.toThrow(/hunter2/);
});
