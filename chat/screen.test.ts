import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { converse } from './conversation.ts';
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

/** A terminal of 40 columns. */
function openTerminal() {
  const output = Object.assign(new PassThrough(), { columns: 40, isTTY: true });
  let written = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    written += text;
  });
  const input: LineInput = createInterface({
    input: new PassThrough(),
    output,
    prompt: '> ',
    terminal: true,
  });
  const screen = new TerminalScreen(output, input);
  return { screen, input, rows: () => rowsOf(written), written: () => stripVTControlCharacters(written) };
}

const answer = (text: string) => ({ kind: 'text', style: 'answer', text }) as const;
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
