import type { Interface } from 'node:readline';
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { styleText } from 'node:util';
import type { Piece } from './feed.ts';
import { harmless, widthOf, wrap } from './wrap.ts';

/** Shows a conversation. */
export interface Screen {
  show(pieces: readonly Piece[]): void;
  /** Sets the lines below the conversation: pending messages, running tools, the connection. */
  status(lines: readonly string[]): void;
  /** The text that was shown last is complete. */
  finish(): void;
  close(): void;
}

/** For pipes and files: prints whole lines when they are complete. A changed status is a line of its own, in brackets. */
export function plainScreen(output: NodeJS.WritableStream): Screen {
  let unfinished = '';
  let style: Piece['style'] = 'answer';
  let shown: readonly string[] = [];
  const line = (text?: string): void => {
    if (unfinished !== '') output.write(`${unfinished}\n`);
    unfinished = '';
    if (text !== undefined) output.write(`${text}\n`);
  };
  return {
    show(pieces) {
      for (const piece of pieces) {
        const text = harmless(piece.text);
        if (piece.kind === 'line' && piece.aside) {
          output.write(`${text}\n`);
          continue;
        }
        if (piece.style !== style && unfinished !== '') line();
        style = piece.style;
        if (piece.kind === 'line') {
          line(text);
          continue;
        }
        const lines = (unfinished + text).split('\n');
        unfinished = lines.pop() ?? '';
        for (const whole of lines) output.write(`${whole}\n`);
      }
    },
    status(lines) {
      for (const text of lines) if (!shown.includes(text)) output.write(`[${harmless(text)}]\n`);
      shown = [...lines];
    },
    finish: () => line(),
    close: () => line(),
  };
}

const STYLES = { user: 'cyan', note: 'dim', trouble: 'yellow', thinking: 'dim', answer: 'reset' } as const;
type Style = keyof typeof STYLES;

export type Terminal = NodeJS.WritableStream & { readonly columns: number };
/** `prevRows` is the row of the cursor when readline last drew the line. Node does not document it. */
export type LineInput = Interface & { prevRows?: number };

/**
 * For a terminal: the conversation scrolls. Below it are the unfinished line, the status and the line that is being typed.
 * This part is cleared and drawn again at every change.
 */
export class TerminalScreen implements Screen {
  readonly #output: Terminal;
  readonly #input: LineInput;
  #unfinished = '';
  #style: Style = 'answer';
  #status: readonly string[] = [];
  /** Rows between the conversation and the line that is being typed. */
  #rows = 0;

  constructor(output: Terminal, input: LineInput) {
    this.#output = output;
    this.#input = input;
    output.on('resize', () => this.#draw([]));
  }

  show(pieces: readonly Piece[]): void {
    const finished: string[] = [];
    for (const piece of pieces) {
      const text = harmless(piece.text);
      if (piece.kind === 'line' && piece.aside) {
        finished.push(...wrap(text, this.#columns).map((line) => this.#paint(line, piece.style)));
        continue;
      }
      if (piece.kind === 'line' || piece.style !== this.#style) this.#finish(finished);
      this.#style = piece.style;
      if (piece.kind === 'line') {
        finished.push(...wrap(text, this.#columns).map((line) => this.#paint(line)));
        continue;
      }
      const lines = wrap(this.#unfinished + text, this.#columns);
      this.#unfinished = lines.pop() ?? '';
      finished.push(...lines.map((line) => this.#paint(line)));
    }
    this.#draw(finished);
  }

  status(lines: readonly string[]): void {
    if (lines.join('\n') === this.#status.join('\n')) return;
    this.#status = lines.map(harmless);
    this.#draw([]);
  }

  finish(): void {
    if (this.#unfinished === '') return;
    const finished: string[] = [];
    this.#finish(finished);
    this.#draw(finished);
  }

  /** Clears the typed line after it was entered: the conversation shows the message at its place. */
  typed(line: string): void {
    moveCursor(this.#output, 0, -this.#lastRowOf(`${this.#input.getPrompt()}${line}`) - 1);
    this.#draw([], 0);
  }

  close(): void {
    this.#wipe(this.#input.getCursorPos().rows);
    if (this.#unfinished !== '') this.#output.write(`${this.#paint(this.#unfinished)}\n`);
  }

  /** One column stays free: some terminals wrap a line that fills the last column. */
  get #columns(): number {
    return Math.max(10, this.#output.columns - 1);
  }

  #finish(finished: string[]): void {
    if (this.#unfinished !== '') finished.push(this.#paint(this.#unfinished));
    this.#unfinished = '';
  }

  #paint(line: string, style = this.#style): string {
    return styleText(STYLES[style], line, { stream: this.#output });
  }

  #draw(finished: readonly string[], typingRow = this.#input.getCursorPos().rows): void {
    this.#wipe(typingRow);
    for (const line of finished) this.#output.write(`${line}\n`);
    const status = this.#status.flatMap((line) => wrap(line, this.#columns));
    const below = [
      ...(this.#unfinished === '' ? [] : [this.#paint(this.#unfinished)]),
      ...status.map((line) => styleText('dim', line, { stream: this.#output })),
    ];
    for (const line of below) this.#output.write(`${line}\n`);
    this.#rows = below.length;
    // Before readline draws the typed line, it moves up by `prevRows`. The cursor is on the first row already, and after a
    // paste the value is wrong as well.
    this.#input.prevRows = 0;
    this.#input.prompt(true);
  }

  /** The number of rows from the first row of the typed line to the row of its end, as the terminal wraps it. */
  #lastRowOf(typing: string): number {
    return Math.floor(widthOf(typing) / this.#output.columns);
  }

  /** Clears everything after the end of the conversation. */
  #wipe(typingRow: number): void {
    moveCursor(this.#output, 0, -(this.#rows + typingRow));
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }
}
