import { expect, it } from 'vitest';
import { SettingError } from '../../config/settings/setting.ts';
import { parseOriginValues } from './origin.ts';

const LONG = 'hunter2-'.repeat(4);

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
