import { expect, it } from 'vitest';
import { readArguments, UsageError } from './arguments.ts';

it('reads address, session and token; the environment may hold the token', () => {
  expect(readArguments(['ws://host/x', '--session', 's', '--token', 't'], {})).toEqual({
    url: 'ws://host/x',
    sessionId: 's',
    token: 't',
  });
  expect(readArguments(['wss://host'], { MIDTURN_TOKEN: 'e' })).toMatchObject({ token: 'e' });
});

it.each([[[]], [['http://host']], [['ws://a', 'ws://b']], [['ws://a', '--colour', 'red']], [['ws://']]])(
  '%j is answered with the usage',
  (args) => {
    expect(() => readArguments(args, {})).toThrow(UsageError);
  },
);
