import type { Interface } from 'node:readline';
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { styleText } from 'node:util';
import type { Piece } from './feed.ts';
import { harmless, widthOf, wrap } from './wrap.ts';

/** Where a conversation is shown. */
export interface Screen {
  show(pieces: readonly Piece[]): void;
  /** What stands below the conversation and changes: messages that wait, tools that run, the connection. */
  status(lines: readonly string[]): void;
  /** Nothing more comes to the text that was shown last. */
  finish(): void;
  close(): void;
}

/** For pipes and files: whole lines, as they get ready; a changed status is a line of its own in brackets. */
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
      for (const { kind, text, ...piece } of pieces) {
        if (piece.style !== style && unfinished !== '') line();
        style = piece.style;
        if (kind === 'line') {
          line(harmless(text));
          continue;
        }
        const lines = (unfinished + harmless(text)).split('\n');
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

export type Terminal = NodeJS.WriteStream;
/** `prevRows`: where the cursor was when the line was last drawn. Node does not document it. */
export type LineInput = Interface & { prevRows?: number };

/**
 * For a terminal: the conversation scrolls by above, and below it stay the unfinished line, the status and what is being
 * typed. That part is wiped and drawn again with every change.
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
      if (piece.kind === 'line' || piece.style !== this.#style) this.#finish(finished);
      const text = harmless(piece.text);
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

  /** A line was typed and sent off: it goes, since the conversation shows it where it lands. */
  typed(line: string): void {
    moveCursor(this.#output, 0, -this.#lastRowOf(`${this.#input.getPrompt()}${line}`) - 1);
    this.#draw([], 0);
  }

  close(): void {
    this.#wipe(this.#input.getCursorPos().rows);
    if (this.#unfinished !== '') this.#output.write(`${this.#paint(this.#unfinished)}\n`);
  }

  /** One is left free: a terminal that is full to the last column may wrap by itself. */
  get #columns(): number {
    return Math.max(10, this.#output.columns - 1);
  }

  #finish(finished: string[]): void {
    if (this.#unfinished !== '') finished.push(this.#paint(this.#unfinished));
    this.#unfinished = '';
  }

  #paint(line: string): string {
    return styleText(STYLES[this.#style], line, { stream: this.#output });
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
    // Drawing what is being typed, readline goes up as many rows as it remembers, which a paste makes wrong besides.
    this.#input.prevRows = 0;
    this.#input.prompt(true);
  }

  /** In how many rows below its first one a line ends that is typed, and broken by the terminal. */
  #lastRowOf(typing: string): number {
    return Math.floor(widthOf(typing) / this.#output.columns);
  }

  /** From the end of the conversation on. */
  #wipe(typingRow: number): void {
    moveCursor(this.#output, 0, -(this.#rows + typingRow));
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }
}
