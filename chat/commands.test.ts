import { expect, it } from 'vitest';
import { type Command, readCommand } from './commands.ts';

it.each<[string, Command]>([
  ['hello /now', { kind: 'send', text: 'hello /now', delivery: 'steer' }],
  ['  ', { kind: 'nothing' }],
  ['/now go on', { kind: 'send', text: 'go on', delivery: 'now' }],
  ['/queue later', { kind: 'send', text: 'later', delivery: 'queue' }],
  ['/queue', { kind: 'unknown', name: 'queue without text' }],
  ['//etc/hosts', { kind: 'send', text: '/etc/hosts', delivery: 'steer' }],
  ['/cancel', { kind: 'cancel', which: undefined }],
  ['/cancel 2', { kind: 'cancel', which: 2 }],
  ['/cancel all', { kind: 'unknown', name: 'cancel all' }],
  ['/always', { kind: 'decide', decision: 'always' }],
  ['/stop', { kind: 'stop' }],
  ['/quit', { kind: 'quit' }],
  ['/halt', { kind: 'unknown', name: 'halt' }],
])('%j', (line, command) => {
  expect(readCommand(line)).toEqual(command);
});
