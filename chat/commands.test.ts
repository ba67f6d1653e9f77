import { expect, it } from 'vitest';
import { type Command, readCommand } from './commands.ts';

it.each<[string, Command]>([
  ['hello /now', { kind: 'send', content: 'hello /now', delivery: 'steer' }],
  ['  ', { kind: 'nothing' }],
  ['/now go on', { kind: 'send', content: 'go on', delivery: 'now' }],
  ['/queue later', { kind: 'send', content: 'later', delivery: 'queue' }],
  ['/queue', { kind: 'unknown', name: 'queue without text' }],
  ['//etc/hosts', { kind: 'send', content: '/etc/hosts', delivery: 'steer' }],
  [
    '/image https://a.test/b.png',
    { kind: 'send', content: [{ type: 'image', url: 'https://a.test/b.png' }], delivery: 'steer' },
  ],
  [
    '/image https://a.test/b.png what is this?',
    {
      kind: 'send',
      content: [
        { type: 'image', url: 'https://a.test/b.png' },
        { type: 'text', text: 'what is this?' },
      ],
      delivery: 'steer',
    },
  ],
  ['/image b.png', { kind: 'unknown', name: 'image without an https address' }],
  ['/cancel', { kind: 'cancel', which: undefined }],
  ['/cancel 2', { kind: 'cancel', which: 2 }],
  ['/cancel all', { kind: 'unknown', name: 'cancel all' }],
  ['/trusted', { kind: 'trusted' }],
  ['/revoke', { kind: 'revoke', which: undefined }],
  ['/revoke 2', { kind: 'revoke', which: 2 }],
  ['/revoke pay', { kind: 'unknown', name: 'revoke pay' }],
  ['/always', { kind: 'decide', decision: 'always' }],
  ['/stop', { kind: 'stop' }],
  ['/quit', { kind: 'quit' }],
  ['/halt', { kind: 'unknown', name: 'halt' }],
])('%j', (line, command) => {
  expect(readCommand(line)).toEqual(command);
});

it('/answer has its value, also none; /decline has none', () => {
  const answers = ['/answer 3', '/answer', '/decline'].map(readCommand);
  expect(answers).toEqual(['3', '', undefined].map((text) => ({ kind: 'answer', text })));
});
