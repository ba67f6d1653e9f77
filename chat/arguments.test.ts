import { expect, it } from 'vitest';
import { howToGoOn, readArguments, UsageError } from './arguments.ts';

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

it('the hint at the end is a whole command, as the program was started', () => {
  const options = { url: 'wss://host/path', token: undefined, sessionId: undefined };
  expect(howToGoOn(options, 'a-b_1', {})).toBe('To go on: npm run chat -- wss://host/path --session a-b_1');
  expect(howToGoOn(options, 's', { MIDTURN_PROGRAM: 'npx midturn chat' })).toBe(
    'To go on: npx midturn chat wss://host/path --session s',
  );
});

it('the hint shows no token, and says where it comes from if the environment does not have it', () => {
  const options = { url: 'wss://host', token: 'secret', sessionId: undefined };
  expect(howToGoOn(options, 's', { MIDTURN_TOKEN: 'secret' })).toBe(
    'To go on: npm run chat -- wss://host --session s',
  );
  expect(howToGoOn({ ...options, token: undefined }, 's', { MIDTURN_TOKEN: 'e' })).not.toContain('token');
  const hint = howToGoOn(options, 's', {});
  expect(hint).toContain('MIDTURN_TOKEN');
  expect(hint).not.toContain('secret');
});

it.each([
  ['wss://host/a?b=c&d=$(id)', "'wss://host/a?b=c&d=$(id)'"],
  ["wss://host/it's", "'wss://host/it'\\''s'"],
])('a shell reads the address %s of the hint as it is', (url, word) => {
  expect(howToGoOn({ url, token: undefined, sessionId: undefined }, 's', {})).toContain(` ${word} --session`);
});

it('has the token that is written before that of the environment, and the wish for an agent', () => {
  const read = readArguments(['ws://h', '--token', 't', '--agent', 'sales'], { MIDTURN_TOKEN: 'e' });
  expect(read).toMatchObject({ token: 't', agent: 'sales' });
});
