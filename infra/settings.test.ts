import { expect, it } from 'vitest';
import { readProps } from './settings.ts';

const from = (settings: Record<string, unknown>) => readProps((name) => settings[name]);

it('reads each setting into the prop of its type', () => {
  const { props, missing } = from({
    MIDTURN_MODEL: 'bedrock:some-model',
    MIDTURN_AUTH: 'none',
    MIDTURN_INBOX_LIMIT: '5',
    MIDTURN_STAGE: 'live',
  });
  expect(props).toMatchObject({
    model: 'bedrock:some-model',
    auth: 'none',
    inboxLimit: 5,
    stageName: 'live',
  });
  expect(missing).toEqual([]);
});

it('stands in for what a deployment must choose, and says so', () => {
  const { props, missing } = from({});
  expect(props).toMatchObject({ model: 'demo', auth: 'none' });
  expect(missing).toEqual(['MIDTURN_MODEL', 'MIDTURN_AUTH']);
});

it.each([
  [{ MIDTURN_INBOX_LIMIT: 'many' }, 'MIDTURN_INBOX_LIMIT is "many"'],
  [{ MIDTURN_MODEL: 'gpt' }, 'MIDTURN_MODEL is "gpt"'],
  [{ MIDTURN_STAGE: 'a/b' }, 'MIDTURN_STAGE is "a/b"'],
  [{ MIDTURN_REMOVAL: 'perhaps' }, 'MIDTURN_REMOVAL is "perhaps"'],
  [{ MIDTURN_MANAGEMENT_ENDPOINT: 'localhost' }, 'MIDTURN_MANAGEMENT_ENDPOINT is "localhost"'],
])('names a value that cannot be: %o', (settings, complaint) => {
  expect(() => from(settings)).toThrow(complaint);
});
