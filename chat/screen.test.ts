import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { converse } from './conversation.ts';
import type { Piece } from './feed.ts';
import { type LineInput, plainScreen, TerminalScreen } from './screen.ts';

/** The rows that a terminal shows after this output: the control sequences that readline and the screen use. */
function rowsOf(output: string): string[] {
  const rows = [''];
  let [row, column] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of a terminal
  for (const [all, count, what, text] of output.matchAll(/\u001b\[([\d;]*)([A-Za-z])|(\r\n|[^\u001b])/g)) {
    if (text === '\n' || text === '\r\n') {
      row += 1;
      column = 0;
      rows[row] ??= '';
    } else if (text === '\r') column = 0;
    else if (text !== undefined) {
      rows[row] =
        (rows[row] ?? '').slice(0, column).padEnd(column) + text + (rows[row] ?? '').slice(column + 1);
      column += 1;
    } else if (what === 'A') row = Math.max(0, row - Number(count || 1));
    else if (what === 'G') column = Number(count || 1) - 1;
    else if (what === 'J') rows.splice(row, rows.length, (rows[row] ?? '').slice(0, column));
    else if (what !== 'm') throw new Error(`Not known here: ${JSON.stringify(all)}`);
  }
  return rows.map((line) => line.trimEnd());
}

/** A terminal, what it shows, and what was written to it. */
function openTerminal(columns = 40) {
  const output = Object.assign(new PassThrough(), { columns, isTTY: true });
  let all = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  const input: LineInput = createInterface({
    input: new PassThrough(),
    output,
    prompt: '> ',
    terminal: true,
  });
  const screen = new TerminalScreen(output, input);
  let read = 0;
  return {
    screen,
    input,
    output,
    rows: () => rowsOf(all),
    written: () => stripVTControlCharacters(all),
    /** What was written since the last call. */
    taken() {
      const begin = read;
      read = all.length;
      return all.slice(begin);
    },
  };
}

/** How many rows the cursor went up: that many are drawn again. */
function up(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequence that moves the cursor
  return [...text.matchAll(/\u001b\[(\d+)A/g)].reduce((sum, [, rows]) => sum + Number(rows), 0);
}

const ESCAPE = '\u001b[2J';
const answer = (text: string): Piece => ({ kind: 'text', style: 'answer', text });
const line = (text: string, more: object = {}): Piece => ({ kind: 'line', style: 'note', text, ...more });
const aside = { kind: 'line', style: 'note', text: 'an aside', aside: true } as const;

it('what the program says in mid-answer does not break the line that is unfinished', () => {
  const { screen, rows } = openTerminal();
  screen.show([answer('first\nhalf a ')]);
  screen.show([aside]);
  expect(rows()).toEqual(['first', 'an aside', 'half a', '>']);
  screen.show([answer('line')]);
  expect(rows()).toEqual(['first', 'an aside', 'half a line', '>']);
});

it('nor in a file', () => {
  let written = '';
  const output = new PassThrough().setEncoding('utf8').on('data', (text: string) => {
    written += text;
  });
  const screen = plainScreen(output);
  screen.show([answer('first\nhalf a ')]);
  screen.show([aside]);
  screen.show([answer('line')]);
  screen.finish();
  expect(written).toBe('first\nan aside\nhalf a line\n');
});

it('leaving while nothing answers writes nothing to a closed terminal, and names what was not confirmed', async () => {
  const { screen, input, rows } = openTerminal();
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const conversation = converse(
    { url: `ws://127.0.0.1:${port}`, token: undefined, sessionId: undefined },
    screen,
  );
  conversation.take('hello');
  await expect.poll(() => rows().join('\n')).toMatch(/hello {3}\[sending\]\n.*Trying again/);
  input.close();
  screen.close();
  const shown = rows();
  expect(conversation.close()).toEqual(['hello']);
  expect(rows()).toEqual(shown);
  server.close();
});

describe('a file', () => {
  function given() {
    let written = '';
    const output = new PassThrough().setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
    const screen = plainScreen(output);
    return {
      screen,
      taken: () => written.split('\n').filter((one) => one !== ''),
      clear: () => (written = ''),
    };
  }

  it('has a state below the conversation when it is new, and again when it comes back', () => {
    const { screen, taken } = given();
    screen.status(['a', 'b']);
    screen.status(['b', 'c']);
    screen.status([]);
    screen.status(['b']);
    expect(taken()).toEqual(['[a]', '[b]', '[c]', '[b]']);
  });

  it('has thoughts and answer on lines of their own, whole ones alone until the end', () => {
    const { screen, taken } = given();
    screen.show([{ kind: 'text', style: 'thinking', text: 'hm' }, answer('one\ntw')]);
    expect(taken()).toEqual(['hm', 'one']);
    screen.show([answer('o'), line('a line')]);
    expect(taken()).toEqual(['hm', 'one', 'two', 'a line']);
    screen.show([answer('rest')]);
    screen.close();
    expect(taken().at(-1)).toBe('rest');
  });

  it('has nothing that moves a cursor, wherever it comes from', () => {
    const { screen, taken } = given();
    screen.show([answer(`${ESCAPE}a\n`), line(`${ESCAPE}b`), line(`${ESCAPE}c`, { aside: true })]);
    screen.status([`${ESCAPE}d`]);
    expect(taken().join()).not.toContain('\u001b');
    expect(taken()).toHaveLength(4);
  });
});

describe('a terminal', () => {
  it('draws each row below the conversation again, as it wraps: no more and no fewer', () => {
    const { screen, taken } = openTerminal(20);
    screen.status(['x'.repeat(19), 'y'.repeat(20)]);
    taken();
    screen.show([line('a')]);
    // One row of 19 columns, two of 20: the last column stays free.
    expect(up(taken())).toBe(3);
    screen.status([]);
    taken();
    screen.show([answer('unfinished')]);
    taken();
    screen.show([line('b', { aside: true })]);
    expect(up(taken())).toBe(1);
  });

  it('draws again when its size changes, and not when the state is the same', () => {
    const { screen, output, taken } = openTerminal(20);
    screen.status(['waits']);
    taken();
    screen.status(['waits']);
    expect(taken()).toBe('');
    output.emit('resize');
    expect(stripVTControlCharacters(taken())).toContain('waits');
  });

  it('clears what was typed, as many rows as it took: by columns, not by characters', () => {
    const { screen, taken } = openTerminal(20);
    screen.typed('a'.repeat(10));
    expect(up(taken())).toBe(1);
    // Two columns each: with the prompt, 22 columns.
    screen.typed('海'.repeat(10));
    expect(up(taken())).toBe(2);
  });

  it('tells readline that the line being typed begins where the cursor is', () => {
    const { screen, input, taken } = openTerminal(20);
    taken();
    input.prevRows = 3;
    screen.show([line('a')]);
    expect(up(taken())).toBe(0);
  });

  it('keeps an unfinished text when it is closed, and has nothing that moves a cursor', () => {
    const { screen, taken } = openTerminal(80);
    screen.status([`${ESCAPE}waits`]);
    screen.show([line(`${ESCAPE}a`), line(`${ESCAPE}b`, { aside: true }), answer(`${ESCAPE}half`)]);
    expect(taken()).not.toContain(ESCAPE);
    screen.close();
    expect(stripVTControlCharacters(taken())).toBe('\ufffd[2Jhalf\n');
  });
});
