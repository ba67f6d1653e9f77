import { expect, it } from 'vitest';
import { consoleLog } from './console-log.ts';
import type { LogEntry } from './log.ts';

function shown(entry: Partial<LogEntry>, verbose = false): string[] {
  const lines: string[] = [];
  consoleLog({ verbose, write: (line) => lines.push(line) })({
    level: 'info',
    source: 'turn',
    text: '',
    ...entry,
  });
  return lines;
}

const printed = (fields: object) => ({
  text: JSON.stringify({ timestamp: '2026-01-01', service: 'midturn', cold_start: true, ...fields }),
});

it('a warning of a function is one readable line, without what every line has', () => {
  const entry = printed({ level: 'WARN', message: 'fenced', turn: 't1', reason: 'held by another', n: 2 });
  expect(shown(entry)).toEqual(['warn turn: fenced turn=t1 reason="held by another" n=2']);
});

it.each(['WARN', 'ERROR', 'CRITICAL'])('a line of the level %s is always shown', (level) => {
  expect(shown(printed({ level, message: 'm', note: 'a=b', empty: '' }))).toEqual([
    `${level.toLowerCase()} turn: m note="a=b" empty=""`,
  ]);
});

it('an error’s details stay on its line', () => {
  const entry = printed({ level: 'ERROR', message: 'turn failed', error: { stack: 'a\nb' } });
  expect(shown(entry)).toEqual([String.raw`error turn: turn failed error={"stack":"a\nb"}`]);
});

it('an error of the local cloud itself is shown', () => {
  expect(shown({ level: 'error', text: 'Invocation failed: out of order' })).toEqual([
    'error turn: Invocation failed: out of order',
  ]);
});

it.each([
  ['a structured line', printed({ level: 'INFO', message: 'begun', turn: 't1' }), 'info turn: begun turn=t1'],
  ['a plain line', { text: 'hello world' }, 'info turn: hello world'],
  ['a line that only looks structured', { text: '{ hello' }, 'info turn: { hello'],
  ['JSON of something else', { text: '{"level":3}' }, 'info turn: {"level":3}'],
])('%s that is no warning is shown when everything is asked for', (_what, entry, line) => {
  expect(shown(entry)).toEqual([]);
  expect(shown(entry, true)).toEqual([line]);
});

it('metrics are never shown', () => {
  expect(shown({ text: '{"_aws":{"Timestamp":1},"stack":"Midturn","Turns":1}' }, true)).toEqual([]);
});
