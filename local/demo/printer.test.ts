import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import { Printer, quote } from './printer.ts';

function given(columns?: number) {
  let text = '';
  const write = (chunk: Buffer, _: unknown, done: () => void) => {
    text += chunk;
    done();
  };
  const stream = Object.assign(new Writable({ write }), columns !== undefined && { columns });
  const time = { now: 1000 };
  const printer = new Printer({ stream, now: () => time.now });
  return { printer, time, lines: () => text.split('\n').slice(0, -1) };
}

const TURN = '00000000-0000-4000-8000-000000000001';
const chunk = (seq: number, content: string, turn_id = TURN): ServerFrame => ({
  type: 'chunk',
  seq,
  turn_id,
  offset: seq - 1,
  content,
});
const thought = (seq: number, content: string): ServerFrame => ({
  type: 'thinking',
  seq,
  turn_id: TURN,
  content,
});

describe('a printed frame', () => {
  it('has its time, its way, its type, its number and its fields', () => {
    const { printer, time, lines } = given();
    printer.sent({ type: 'message', id: TURN, content: 'one\n two' });
    time.now += 1234;
    printer.received({ type: 'accepted', id: 'm1', turn_id: 't', placement: 'turn', position: 0 });
    time.now += 100_000;
    printer.received({ type: 'turn_start', seq: 12, turn_id: 't' } as ServerFrame);
    printer.received({ type: 'turn_start', seq: 13, turn_id: 'u' } as ServerFrame);
    printer.received({ type: 'pong' });
    expect(lines()).toEqual([
      '  0.00 s  you → message                 id=00000000… content=“one two”',
      '  1.23 s      ← accepted                turn=1 id=m1 placement=turn position=0',
      '101.23 s      ← turn_start     #12      turn=1',
      '101.23 s      ← turn_start     #13      turn=2',
      '101.23 s      ← pong                    ',
    ]);
  });

  it('has what is long or of no interest in a few characters', () => {
    const { printer, lines } = given();
    const frame = {
      type: 'history',
      entries: [{}, {}],
      active_turn: { a: 1 },
      full_response: 'héllo',
      input_tokens: 5,
      list: [1, 'a b'],
      none: null,
    };
    printer.received(frame as unknown as ServerFrame);
    expect(lines()[0]?.split('history')[1]?.trim()).toBe(
      'entries=2 active_turn={…} full_response=(5 characters) list=[1,"a b"] none=null',
    );
  });

  it.each([
    [undefined, 120],
    [200, 200],
    [80, 80],
    [72, 72],
    [20, 72],
  ])('fits into a terminal of %s columns: %i', (columns, most) => {
    const { printer, lines } = given(columns);
    printer.sent({ type: 'message', id: 'm1', content: 'x'.repeat(500) });
    const [line = ''] = lines();
    expect(line.length).toBeLessThanOrEqual(most);
    expect(line.length).toBeGreaterThan(most - 10);
  });
});

describe('chunks that follow one another', () => {
  it('are one line, which ends with what is no chunk of this kind', () => {
    const { printer, lines } = given();
    printer.received(thought(1, 'hm'));
    printer.received(chunk(2, 'a'));
    printer.received(chunk(3, ' b'));
    expect(lines()).toHaveLength(1);
    printer.received({ type: 'pong' });
    printer.received(chunk(4, 'c'));
    printer.end();
    printer.end();
    const bodies = lines().map((line) => line.slice(16).replaceAll(/ +/g, ' ').trim());
    expect(bodies).toEqual([
      'thinking #1 turn=1 “hm”',
      'chunk ×2 #2–3 turn=1 offset=1 “a b”',
      'pong',
      'chunk #4 turn=1 offset=3 “c”',
    ]);
  });

  it('are at most twelve in a line, and come before what is said', () => {
    const { printer, lines } = given();
    for (let seq = 1; seq <= 13; seq++) printer.received(chunk(seq, 'x'));
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain('chunk ×12');
    printer.say('Then.');
    printer.received(chunk(14, 'y'));
    printer.line('a line');
    expect(lines().slice(2)).toEqual(['', 'Then.', expect.stringContaining('“y”'), 'a line']);
    expect(lines()[1]).toContain('#13');
  });
});

describe('a quoted text', () => {
  it.each([
    [' a \n b ', '“a b”'],
    ['x'.repeat(70), `“${'x'.repeat(70)}”`],
    [`${'x'.repeat(40)}${'y'.repeat(31)}`, `“${'x'.repeat(33)} … ${'x'.repeat(2)}${'y'.repeat(31)}”`],
  ])('is one line, cut in its middle where it is long: %#', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it('has whole characters', () => {
    for (let before = 0; before < 4; before++) {
      const quoted = quote(`${'x'.repeat(before)}${'😀'.repeat(60)}`);
      expect(quoted.isWellFormed()).toBe(true);
      expect(quoted.length).toBeLessThanOrEqual(72);
    }
  });
});
