import { styleText } from 'node:util';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import { cutAt, shortened } from '../../protocol/text.ts';
import type { Observer } from './connection.ts';

type Format = Parameters<typeof styleText>[0];

export interface PrinterOptions {
  stream: NodeJS.WritableStream & { columns?: number };
  /** Milliseconds since any fixed time. */
  now(): number;
}

type Chunk = Extract<ServerFrame, { type: 'chunk' }>;
/** A run of `chunk` or `thinking` events is printed as one line. */
type Piece = Chunk | Extract<ServerFrame, { type: 'thinking' }>;

const TYPE_WIDTH = 14;
/** About a second of an answer, so that a long one is seen to progress. */
const MAX_PIECES = 12;
const DEFAULT_COLUMNS = 120;
const MIN_COLUMNS = 72;

/** Fields that are in the left columns, or of no interest here. */
const UNSHOWN = new Set([
  'type',
  'seq',
  'turn_id',
  'limits',
  'model',
  'provider',
  'input_tokens',
  'output_tokens',
]);

/**
 * Prints frames as aligned lines: time, direction, type, event number, fields. Consecutive chunks are one line.
 * Coloured if the stream is a terminal and `NO_COLOR` is not set.
 */
export class Printer implements Observer {
  readonly #stream: PrinterOptions['stream'];
  readonly #now: () => number;
  readonly #began: number;
  /** Turn ids are random. They are printed as numbers. */
  readonly #turns: string[] = [];
  #pieces: Piece[] = [];

  constructor({ stream, now }: PrinterOptions) {
    this.#stream = stream;
    this.#now = now;
    this.#began = now();
  }

  /** Prints an explanation. */
  say(text: string): void {
    this.#flush();
    this.#write(`\n${this.#styled('bold', text)}\n`);
  }

  line(text: string): void {
    this.#flush();
    this.#write(`${text}\n`);
  }

  sent(frame: ClientFrame): void {
    this.#flush();
    this.#frame('→', 'cyan', frame.type, '', fieldsOf(frame));
  }

  received(frame: ServerFrame): void {
    if (frame.type === 'chunk' || frame.type === 'thinking') {
      if (this.#pieces[0] && this.#pieces[0].type !== frame.type) this.#flush();
      this.#pieces.push(frame);
      if (this.#pieces.length === MAX_PIECES) this.#flush();
      return;
    }
    this.#flush();
    const colour = frame.type === 'error' ? 'red' : 'seq' in frame ? 'green' : 'magenta';
    const seq = 'seq' in frame ? `#${frame.seq}` : '';
    const turn = 'turn_id' in frame && frame.turn_id ? [`turn=${this.#turnNumber(frame.turn_id)}`] : [];
    this.#frame('←', colour, frame.type, seq, [...turn, ...fieldsOf(frame)]);
  }

  /** Prints the pending chunks. */
  end(): void {
    this.#flush();
  }

  #flush(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    const [first] = pieces;
    const last = pieces.at(-1);
    if (!first || !last) return;
    const type = pieces.length > 1 ? `${first.type} ×${pieces.length}` : first.type;
    const seq = first === last ? `#${first.seq}` : `#${first.seq}–${last.seq}`;
    const fields = [
      `turn=${this.#turnNumber(first.turn_id)}`,
      ...('offset' in first ? [`offset=${first.offset}`] : []),
      quote(pieces.map(({ content }) => content).join('')),
    ];
    this.#frame('←', first.type === 'chunk' ? 'green' : 'gray', type, seq, fields);
  }

  #frame(arrow: '→' | '←', colour: Format, type: string, seq: string, fields: readonly string[]): void {
    const time = `${((this.#now() - this.#began) / 1000).toFixed(2)} s`.padStart(8);
    const left = `${arrow === '→' ? 'you →' : '    ←'} `;
    const head = type.padEnd(TYPE_WIDTH);
    const columns = Math.max(this.#stream.columns ?? DEFAULT_COLUMNS, MIN_COLUMNS);
    const room = columns - time.length - left.length - TYPE_WIDTH - 12;
    const body = shortened(fields.join(' '), room);
    this.#write(
      `${this.#styled('dim', time)}  ${left}${this.#styled(colour, head)} ${this.#styled('dim', seq.padEnd(8))} ${body}\n`,
    );
  }

  #turnNumber(id: string): number {
    const known = this.#turns.indexOf(id);
    return known >= 0 ? known + 1 : this.#turns.push(id);
  }

  #styled(format: Format, text: string): string {
    // `styleText` checks the stream and NO_COLOR itself.
    return styleText(format, text, { stream: this.#stream as NodeJS.WriteStream });
  }

  #write(text: string): void {
    this.#stream.write(text);
  }
}

function fieldsOf(frame: ClientFrame | ServerFrame): string[] {
  return Object.entries(frame)
    .filter(([name]) => !UNSHOWN.has(name))
    .map(([name, value]) => {
      if (name === 'entries' && Array.isArray(value)) return `entries=${value.length}`;
      if (name === 'active_turn') return 'active_turn={…}';
      if (name === 'full_response' && typeof value === 'string')
        return `full_response=(${value.length} characters)`;
      return `${name}=${typeof value === 'string' && /\s/.test(value) ? quote(value) : plain(value)}`;
    });
}

const plain = (value: unknown) =>
  typeof value === 'string' ? shortId(value) : JSON.stringify(value).replaceAll(/\s+/g, ' ');

/** Shortens a random id. */
const shortId = (text: string) => (/^[0-9a-f-]{32,36}$/i.test(text) ? `${text.slice(0, 8)}…` : text);

/** Quotes a text in one line. A long text is cut in the middle. */
export function quote(text: string, length = 70): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const half = Math.floor((length - 3) / 2);
  const end = line.length - cutAt(line, line.length - half);
  return `“${line.length > length ? `${line.slice(0, cutAt(line, half))} … ${line.slice(-end)}` : line}”`;
}
